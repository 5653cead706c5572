"""A failed judge ends the run: from the process that met the failure to the trainer, over verl's TransferQueue.

In verl a reward that raises only loses its rollouts: the run goes on, and with group filtering for ever. The trainer
watches nothing but TransferQueue, so that is where the failure is announced; replay_buffer.py reads it at every poll.
"""

from collections.abc import Mapping
from typing import Any

from speciarl_verl.judge.protocol import JudgeError

PARTITION = "speciarl_stop"
_KEY = "judge"
_REASON = "reason"


async def announce_judge_failure(error: JudgeError) -> None:
    """Tell the trainer, once or many times; the last message stays."""
    import transfer_queue

    await transfer_queue.async_kv_put(key=_KEY, partition_id=PARTITION, tag={_REASON: str(error)})


def raise_if_announced(partitions: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Given TransferQueue's `{partition: {key: tag}}`.

    Raises:
        JudgeError: a judge failed; with its message and how to go on.
    """
    announced = partitions.get(PARTITION, {}).get(_KEY)
    if announced:
        raise JudgeError(
            f"training stopped: {announced[_REASON]} No reward was made up. Start the same command again to resume "
            "from the last checkpoint."
        )
