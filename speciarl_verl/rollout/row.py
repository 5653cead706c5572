"""What a row tells of a rollout: its group, its number in it, whether it is validation, and the truth. No verl.

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


def read_ground_truth(sample: Mapping[str, Any]) -> str:
    """The label of the row's picture.

    Raises:
        InputError: it has none.
    """
    truth = (sample.get("reward_model") or {}).get("ground_truth")
    if not isinstance(truth, str) or not truth.strip():
        raise InputError(f"uid {sample.get('uid')} has no ground truth: make its parquet with data_prep")
    return truth
