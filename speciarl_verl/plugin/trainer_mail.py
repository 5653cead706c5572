"""What the processes that judge tell the trainer, over verl's TransferQueue, which is all that the trainer watches.

Two things travel: a failed judge or rule, which must end the run, and what the judging cost. In verl a reward that
raises only loses its rollouts: the run goes on, and with group filtering for ever. replay_buffer.py reads both at every
poll.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Any

from speciarl_verl.errors import StopRunError
from speciarl_verl.judge.ledger import Account, Ledger

Partitions = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""TransferQueue's `{partition: {key: tag}}`."""

STOP_PARTITION = "speciarl_stop"
ACCOUNT_PARTITION = "speciarl_judge"
_KEY = "failure"
_REASON = "reason"
_ACCOUNT = "account"


async def announce_failure(error: StopRunError) -> None:
    """Tell the trainer, once or many times; the last message stays."""
    import transfer_queue

    await transfer_queue.async_kv_put(key=_KEY, partition_id=STOP_PARTITION, tag={_REASON: str(error)})


def raise_if_announced(partitions: Partitions) -> None:
    """Read the mail of the processes that judge.

    Raises:
        StopRunError: a judge or the rule failed; with its message and how to go on.
    """
    announced = partitions.get(STOP_PARTITION, {}).get(_KEY)
    if announced:
        raise stop_run_error(announced[_REASON])


def stop_run_error(reason: str) -> StopRunError:
    """What a run ends with, and how to go on; `reason` is one or more whole sentences."""
    return StopRunError(
        f"training stopped: {reason} No reward was made up. Start the same command again to resume from the last "
        "checkpoint."
    )


class AccountPublisher:
    """Publishes the ledger of this process where it changed; calls that come while one is on its way share the next.

    Published before a group's reward is: when the trainer has a step's rollouts it has their account as well.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._key = f"{socket.gethostname()}-{os.getpid()}"
        self._called = 0
        self._covered = 0
        self._published = Account()
        self._turn = asyncio.Lock()

    async def publish(self) -> None:
        """When this returns, the trainer can read all that was counted before the call."""
        import transfer_queue

        self._called += 1
        call = self._called
        async with self._turn:
            if self._covered < call:
                covered, account = self._called, self._ledger.account()
                if account != self._published:
                    tag = {_ACCOUNT: account.to_json()}
                    await transfer_queue.async_kv_put(key=self._key, partition_id=ACCOUNT_PARTITION, tag=tag)
                self._covered, self._published = covered, account


def published_account(partitions: Partitions) -> Account:
    """The sum over all processes."""
    return Account.total(Account.from_json(tag[_ACCOUNT]) for tag in partitions.get(ACCOUNT_PARTITION, {}).values())
