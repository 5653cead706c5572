"""The table of faults: what each leads to, one by one and all mixed."""

import asyncio
import json
import random
import zlib
from collections import Counter
from typing import Any

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.llm import llm_judge
from speciarl_verl.judge.llm.reply import Reply, read_reply
from speciarl_verl.judge.llm.rubric import Menu
from speciarl_verl.judge.protocol import Pair, Source
from speciarl_verl.method.category import Category
from tests.judge.fake_server import FakeServer, chat, models

PAIR = Pair("robin", "House Sparrow")

ASKED_AGAIN = "asked again until it answers"
REPEATED_ONCE = "asked once more, then an error"
AN_ERROR = "an error at once"

_TWO = {"choices": [{"message": {"content": "wrong"}}, {"message": {"content": "wrong"}}]}
FAULTS: dict[str, tuple[str, Any]] = {
    "reset before an answer": (ASKED_AGAIN, lambda writer: writer.transport.abort()),
    "reset mid-body": (ASKED_AGAIN, FakeServer.reset),
    "408": (ASKED_AGAIN, FakeServer.reply(408)),
    "429 without Retry-After": (ASKED_AGAIN, FakeServer.reply(429)),
    "429 with Retry-After": (ASKED_AGAIN, FakeServer.reply(429, Retry_After="0")),
    "500": (ASKED_AGAIN, FakeServer.reply(500, b"boom")),
    "503": (ASKED_AGAIN, FakeServer.reply(503)),
    "hang": (ASKED_AGAIN, FakeServer.hang),
    "slow drip": (ASKED_AGAIN, FakeServer.drip),
    "empty body": (ASKED_AGAIN, FakeServer.reply(200)),
    "not JSON": (ASKED_AGAIN, FakeServer.reply(200, b"<html>busy</html>")),
    "no choices": (ASKED_AGAIN, FakeServer.reply(200, b'{"choices": []}')),
    "two choices": (ASKED_AGAIN, FakeServer.reply(200, json.dumps(_TWO).encode())),
    "200 with an error object": (ASKED_AGAIN, FakeServer.reply(200, b'{"error": {"message": "overloaded"}}')),
    "off-menu label": (REPEATED_ONCE, FakeServer.says("rather specific")),
    "400": (AN_ERROR, FakeServer.reply(400, b"no such field")),
    "401": (AN_ERROR, FakeServer.reply(401)),
    "404": (AN_ERROR, FakeServer.reply(404)),
}
STALLS = ("hang", "slow drip")
MIXED = [name for name, (outcome, _) in FAULTS.items() if outcome is not AN_ERROR]


@pytest.mark.parametrize("name", FAULTS)
async def test_fault_once_has_the_stated_outcome(fake, make_judge, name):
    outcome, fault = FAULTS[name]
    fake.script.append(fault)
    judge = make_judge(timeout_s=1 if name in STALLS else 60, budget_s=60)
    if outcome is AN_ERROR:
        with pytest.raises(JudgeError, match=f"HTTP {name}"):
            await judge.judge(PAIR)
        assert len(fake.chats) == 1
    else:
        assert (await judge.judge(PAIR)).category is Category.SPECIFIC
        # On a busy machine the good answer after a stall may come too late, too.
        assert len(fake.chats) >= 2 if name in STALLS else len(fake.chats) == 2


@pytest.mark.parametrize("name", FAULTS)
async def test_fault_for_ever_is_an_error_and_never_a_verdict(fake, make_judge, name):
    outcome, fault = FAULTS[name]
    fake.script.extend([fault] * 1000)
    with pytest.raises(JudgeError, match=fake.url):
        await make_judge(**({"timeout_s": 0.1, "budget_s": 0.4} if outcome is ASKED_AGAIN else {})).judge(PAIR)
    if outcome is not ASKED_AGAIN:
        assert len(fake.chats) == {AN_ERROR: 1, REPEATED_ONCE: 2}[outcome]


async def test_refused_connection_is_tried_again_until_the_server_is_there(unused_tcp_port):
    fake = FakeServer(pages={"/v1/models": models("sglang")})
    config = ServerJudgeConfig(url=f"http://127.0.0.1:{unused_tcp_port}", cache="memory", budget_s=30)
    judge = build_judge(config)
    waiting = asyncio.create_task(judge.judge(PAIR))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    listener = await asyncio.start_server(fake.serve, "127.0.0.1", unused_tcp_port)
    assert (await waiting).category is Category.SPECIFIC
    await judge.close()
    listener.close()


class FaultyServer(FakeServer):
    """Fails three of ten requests, and grades a prediction by its check sum."""

    def __init__(self) -> None:
        super().__init__(pages={"/v1/models": models("sglang")})
        self.rng = random.Random(0)
        self.given: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.off_menu: set[str] = set()

    def _pick(self, path: str) -> Any:
        if not path.endswith("/chat/completions"):
            return super()._pick(path)
        prediction = json.loads(self.requests.pop().body["messages"][1]["content"])["prediction"]
        if self.rng.random() < 0.3:
            name = self.rng.choice(MIXED)
            # Twice off the menu ends the run, as it must.
            if name != "off-menu label" or prediction not in self.off_menu:
                self.off_menu |= {prediction} if name == "off-menu label" else set()
                self.given[name] += 1
                return FAULTS[name][1]
        self.answered[prediction] += 1
        return self.reply(200, chat(graded(prediction).label))


def graded(prediction: str) -> Category:
    return Category(zlib.crc32(prediction.encode()) % len(Category))


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The texts that reached the judge: a server cannot know which of its answers came too late to be read."""
    texts: Counter[str] = Counter()

    def read(body: object, menu: Menu) -> Reply:
        reply = read_reply(body, menu)
        texts[reply.text] += 1
        return reply

    monkeypatch.setattr(llm_judge, "read_reply", read)
    return texts


async def test_ten_thousand_mixed_requests_lose_nothing(received):
    fake = FaultyServer()
    listener = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    ledger = Ledger()
    # The hanging ones cost their timeout; much less, and a busy machine loses good answers to it as well.
    judge = build_judge(ServerJudgeConfig(url=url, cache="memory", timeout_s=2, max_concurrency=64), ledger)
    pairs = [Pair(f"prediction {number}", "House Sparrow") for number in range(10_000)]
    verdicts = await asyncio.gather(*(judge.judge(pair) for pair in pairs))
    await judge.close()
    listener.close()
    assert [verdict.category for verdict in verdicts] == [graded(pair.prediction) for pair in pairs]
    assert set(fake.given) == set(MIXED)
    account = ledger.account()
    assert (account.asked, account.failed, account.decided) == (10_000, 0, {Source.SERVER: 10_000})
    assert account.sent == 10_000 + account.off_menu == sum(received.values())
    assert account.off_menu == received["rather specific"] > 0
    # On a busy machine an answer may come too late, a good one or one off the menu: it is given twice then, and the
    # client, which saw neither, asked again instead. None was given for nothing otherwise.
    assert account.off_menu <= len(fake.off_menu)
    assert account.retries >= sum(fake.given.values()) - account.off_menu > 3000
