"""What a row tells of a rollout: its group, its number in it, whether it is validation, its truth and origin. No verl.

verl tells a rollout its uid and session id, but neither how many siblings it has nor that it validates: a validation
set may well be the training file, and its n differs. `SpeciaRLAgentLoopManager` adds both to every row it dispatches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speciarl_verl.errors import InputError

VALIDATE_KEY = "speciarl_validate"
GROUP_SIZE_KEY = "speciarl_group_size"


@dataclass(frozen=True)
class Placement:
    """One rollout's place."""

    uid: str
    session_id: int
    group_size: int
    validate: bool


def read_placement(sample: Mapping[str, Any]) -> Placement:
    """From the fields of a row as an agent loop or a reward manager gets them.

    Raises:
        InputError: the row was not dispatched by our manager.
    """
    missing = [key for key in ("uid", "session_id", GROUP_SIZE_KEY, VALIDATE_KEY) if key not in sample]
    if missing:
        raise InputError(
            f"a rollout came without {', '.join(missing)}: set actor_rollout_ref.rollout.agent.agent_loop_manager_class"
            "=speciarl_verl.plugin.agent_loop_manager.SpeciaRLAgentLoopManager (the preset `+speciarl=train` does)"
        )
    return Placement(
        uid=str(sample["uid"]),
        session_id=int(sample["session_id"]),
        group_size=int(sample[GROUP_SIZE_KEY]),
        validate=bool(sample[VALIDATE_KEY]),
    )


@dataclass(frozen=True)
class Origin:
    """Which rollout this is, the same in every run: what chance of our own is drawn by.

    Attributes:
        image: the picture, by its data set and content.
        step: verl's `global_steps`, so that epochs differ.
        session_id: the rollout's number in its group.
    """

    image: str
    step: int
    session_id: int

    @property
    def names(self) -> tuple[str, str, str]:
        """For a draw by hash."""
        return self.image, str(self.step), str(self.session_id)


def read_origin(sample: Mapping[str, Any]) -> Origin | None:
    """From the fields of a row; None where it does not tell."""
    info = sample.get("extra_info") or {}
    image = info.get("content_hash") or info.get("index")
    if image is None or any(key not in sample for key in ("data_source", "global_steps", "session_id")):
        return None
    return Origin(f"{sample['data_source']}/{image}", int(sample["global_steps"]), int(sample["session_id"]))


def read_ground_truth(sample: Mapping[str, Any]) -> str:
    """The label of the row's picture.

    Raises:
        InputError: it has none.
    """
    truth = (sample.get("reward_model") or {}).get("ground_truth")
    if not isinstance(truth, str) or not truth.strip():
        raise InputError(f"uid {sample.get('uid')} has no ground truth: make its parquet with data_prep")
    return truth
