"""What the judging cost, from the processes that judge to the trainer, over verl's TransferQueue.

Published before a group's reward is: when the trainer has a step's rollouts it has their account as well.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import Any

from speciarl_verl.judge.ledger import Account, Ledger

PARTITION = "speciarl_judge"
_ACCOUNT = "account"


class AccountPublisher:
    """Publishes the ledger of this process; calls that come while one is on its way share the next."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._key = f"{socket.gethostname()}-{os.getpid()}"
        self._called = 0
        self._covered = 0
        self._turn = asyncio.Lock()

    async def publish(self) -> None:
        """When this returns, the trainer can read all that was counted before the call."""
        import transfer_queue

        self._called += 1
        call = self._called
        async with self._turn:
            if self._covered < call:
                covered, account = self._called, self._ledger.account()
                tag = {_ACCOUNT: account.to_json()}
                await transfer_queue.async_kv_put(key=self._key, partition_id=PARTITION, tag=tag)
                self._covered = covered


def published_account(partitions: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Account:
    """The sum over all processes, given TransferQueue's `{partition: {key: tag}}`."""
    return Account.total(Account.from_json(tag[_ACCOUNT]) for tag in partitions.get(PARTITION, {}).values())
