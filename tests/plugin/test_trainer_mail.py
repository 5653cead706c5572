import asyncio
import json
from typing import Any

import pytest

from speciarl_verl.errors import JudgeError, StopRunError
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Source
from speciarl_verl.plugin.trainer_mail import (
    AccountPublisher,
    announce_failure,
    published_account,
    raise_if_announced,
)


class Mail:
    """TransferQueue: the last tag of each key; a put may be held up."""

    def __init__(self) -> None:
        self.partitions: dict[str, dict[str, dict[str, Any]]] = {}
        self.puts = 0
        self.open = asyncio.Event()
        self.open.set()

    async def put(self, key: str, partition_id: str, tag: dict[str, Any]) -> None:
        self.puts += 1
        await self.open.wait()
        self.partitions.setdefault(partition_id, {})[key] = json.loads(json.dumps(tag))


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Mail:
    import transfer_queue

    made = Mail()
    monkeypatch.setattr(transfer_queue, "async_kv_put", made.put)
    return made


async def test_a_failure_reaches_the_trainer_with_its_words_and_how_to_go_on(mail: Mail) -> None:
    raise_if_announced(mail.partitions)
    await announce_failure(JudgeError("the judge is gone."))
    with pytest.raises(StopRunError, match=r"training stopped: the judge is gone\. No reward was made up\. .*resume"):
        raise_if_announced(mail.partitions)


async def test_an_account_is_published_where_it_changed(mail: Mail) -> None:
    ledger = Ledger()
    publisher = AccountPublisher(ledger)
    await publisher.publish()
    assert mail.puts == 0
    ledger.decided[Source.TAXONOMY] += 1
    await publisher.publish()
    await publisher.publish()
    assert mail.puts == 1
    assert published_account(mail.partitions).decided == {Source.TAXONOMY: 1}


async def test_calls_that_come_meanwhile_share_the_next_and_lose_nothing(mail: Mail) -> None:
    ledger = Ledger()
    publisher = AccountPublisher(ledger)
    mail.open.clear()
    calls = []
    for _ in range(20):
        ledger.decided[Source.SERVER] += 1
        calls.append(asyncio.create_task(publisher.publish()))
        await asyncio.sleep(0)
    mail.open.set()
    await asyncio.gather(*calls)
    assert mail.puts == 2
    assert published_account(mail.partitions).decided == {Source.SERVER: 20}


def test_nothing_published_is_an_empty_account() -> None:
    assert published_account({}).asked == 0
