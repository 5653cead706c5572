"""What the trainer takes from the rollouts, with an eye on the judge.

verl hook: `trainer.v1.sampler.custom_sampler` (a `ReplayBuffer` subclass, built in the trainer's process), which
returns the groups of one step and metrics beside them. verl's V1 drops `reward_extra_info` in training, so here is
where categories per step reach verl's tracker and a JSONL a step, and the judge's account the tracker and a JSON.
Config keys: `trainer.v1.sampler.sampler_kwargs.*` (set by the preset).
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import transfer_queue as tq
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from speciarl_verl.errors import StopRunError
from speciarl_verl.files import write_text
from speciarl_verl.judge.ledger import Account
from speciarl_verl.method.category import Category
from speciarl_verl.plugin.registration import missing_registrations
from speciarl_verl.plugin.trainer_mail import published_account, raise_if_announced
from speciarl_verl.rollout.step_figures import OURS, step_figures
from speciarl_verl.rollout.trace import TRACE_KEY, written

logger = logging.getLogger(__name__)

_FIELDS = ("extra_fields", "reward_model", "data_source", "extra_info")
_NAMES = {"index": "index", "image": "file_name"}
"""Of a picture, as our rows and as data_prep's parquet have them."""
_LAST_POLL_S = 0.05
"""Between two looks at the very last rollouts: while the trainer waits for them, everything waits."""


class SpeciaRLReplayBuffer(ReplayBuffer):
    """verl's buffer of the synchronous trainer; stops on a failed judge or rule, reports and writes out categories."""

    def __init__(self, sampler_kwargs: Mapping[str, Any], **kwargs: Any) -> None:
        missing = missing_registrations()
        if missing:
            raise RuntimeError(f"the speciarl_verl plugin did not load ({', '.join(missing)}): run `speciarl doctor`")
        groups = sampler_kwargs["filter_groups"]
        super().__init__(
            sampler_kwargs=sampler_kwargs,
            poll_interval=sampler_kwargs["poll_interval_s"],
            filter_groups_metric=groups["metric"] if groups["enable"] else None,
            max_inflight_gen_batches=groups["max_inflight_gen_batches"],
            train_batch_size=sampler_kwargs["train_batch_size"],
            gen_batch_size=1 if groups["enable"] else sampler_kwargs["train_batch_size"],
            **kwargs,
        )
        self._poll_interval_s = float(sampler_kwargs["poll_interval_s"])
        directory = sampler_kwargs["rollouts_dir"]
        self._rollouts_dir = Path(directory) if directory else None
        account = sampler_kwargs["judge_account"]
        self._account_path = Path(account) if account else None
        self._account_before = Account()
        self._texts, self._seed = int(sampler_kwargs["rollout_texts"]), int(sampler_kwargs["seed"])
        self._suspected: set[Category] = set()

    def _wait_for_next_poll(self, partition_id: str, last_debug_time: float) -> float:
        """See `ReplayBuffer._wait_for_next_poll`; the less of the step is outstanding, the sooner it looks again."""
        outstanding = len(self.pending_keys[partition_id]) + len(self.running_keys[partition_id])
        ended = len(self.finished_keys[partition_id]) + len(self.failure_keys[partition_id])
        share = outstanding / max(1, outstanding + ended)
        self.poll_interval = min(self._poll_interval_s, max(_LAST_POLL_S, share * self._poll_interval_s))
        return super()._wait_for_next_poll(partition_id, last_debug_time)

    def _sync_metadata_from_transfer_queue(self) -> None:
        super()._sync_metadata_from_transfer_queue()
        try:
            raise_if_announced(self.partitions)
        except StopRunError:
            self._read_account()
            raise

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """See `ReplayBuffer.sample`; the metrics gain `training/speciarl/...`.

        Raises:
            StopRunError: the judge or the rule failed while this step's rollouts were made.
        """
        batch, metrics = super().sample(global_steps=global_steps, partition_id=partition_id, batch_size=batch_size)
        # Read once more: the rollouts' account was there before they were.
        self._sync_metadata_from_transfer_queue()
        account = self._read_account()
        if partition_id == "train":
            metrics |= judge_figures(account, self._account_before)
            records = judged_rollouts(batch.keys, partition_id)
            metrics |= step_figures(records, groups_asked=batch_size)
            if self._rollouts_dir is not None:
                path = self._rollouts_dir / f"{global_steps}.jsonl"
                write_rollouts(written(records, self._texts, self._seed), path)
        # What a validation asks is none of the next step's.
        self._account_before = account
        return batch, metrics

    def _read_account(self) -> Account:
        account = published_account(self.partitions)
        if self._account_path is not None:
            write_account(account, self._account_path)
        for suspicion in account.suspicions():
            if suspicion.category not in self._suspected:
                self._suspected.add(suspicion.category)
                logger.warning("the judge's audit: %s; measure it with `speciarl judge calibrate`", suspicion)
        return account


def judged_rollouts(keys: Sequence[str], partition_id: str) -> list[dict[str, Any]]:
    """The judged rollouts behind TransferQueue's keys `{uid}_{session_id}_{index}`, in the order of the keys."""
    data = tq.kv_batch_get(keys=list(keys), partition_id=partition_id, select_fields=[*_FIELDS, "rm_scores"])
    columns = (data[name] for name in (*_FIELDS, "rm_scores"))
    records = []
    for key, *values, scores in zip(keys, *columns, strict=True):
        fields = dict(zip(_FIELDS, map(_plain, values), strict=True))
        uid, session_id, _ = key.rsplit("_", 2)
        records.append(
            {
                "uid": uid,
                "session_id": int(session_id),
                "data_source": fields["data_source"],
                **{name: (fields["extra_info"] or {}).get(key) for name, key in _NAMES.items()},
                "ground_truth": fields["reward_model"]["ground_truth"],
                "reward": float(scores.sum()),
                **fields["extra_fields"]["reward_extra_info"],
                **fields["extra_fields"].get(TRACE_KEY, {}),
            }
        )
    return records


def _plain(value: Any) -> Any:
    """TransferQueue hands non-tensor data back either bare or wrapped, depending on how it was batched."""
    return getattr(value, "data", value)


def judge_figures(account: Account, before: Account) -> dict[str, float]:
    """`judge/...`: the account of the run so far; `judge_step/...`: what this step added to it."""
    figures = {f"{OURS}judge/{name}": value for name, value in account.figures().items()}
    return figures | {f"{OURS}judge_step/{name}": value for name, value in account.since(before).figures().items()}


def write_account(account: Account, path: Path) -> None:
    """The figures of the run so far."""
    write_text(path, json.dumps(account.figures(), indent=2) + "\n")


def write_rollouts(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One JSON object a line; a step that is trained again overwrites its file."""
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
