import asyncio
import logging
import time
from dataclasses import dataclass

import pytest

from speciarl_verl.judge.protocol import Pair
from speciarl_verl.server_client import breaker as module
from speciarl_verl.server_client.breaker import Breaker, breaker_of
from speciarl_verl.server_client.retry import TransientError

SERVER = "http://judge:30000/v1"


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that the breaker sees, with a probe a second."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "_REST_S", 1.0)
    return clock


@pytest.fixture
def down(clock: Clock) -> Breaker:
    """A breaker that has just seen its server go down."""
    breaker = Breaker(SERVER)
    for _ in range(module._FAILURES):
        breaker.failed(TransientError("HTTP 503"))
    return breaker


def test_wait_s_new_breaker_lets_everything_go(clock):
    assert [Breaker(SERVER).wait_s() for _ in range(100)] == [0.0] * 100


def test_failed_fewer_than_the_limit_lets_everything_go(clock):
    breaker = Breaker(SERVER)
    for _ in range(module._FAILURES - 1):
        breaker.failed(TransientError("reset"))
        assert breaker.wait_s() == 0


def test_failed_as_often_as_the_limit_holds_everything_back(down):
    assert [down.wait_s() for _ in range(5)] == [1.0] * 5
    assert str(down.fault) == "HTTP 503"


def test_answered_between_failures_starts_the_count_anew(clock):
    breaker = Breaker(SERVER)
    for _ in range(20):
        for _ in range(module._FAILURES - 1):
            breaker.failed(TransientError("reset"))
        breaker.answered()
        assert breaker.wait_s() == 0


def test_wait_s_tells_how_long_until_the_next_probe(clock, down):
    clock.now += 0.25
    assert down.wait_s() == pytest.approx(0.75)
    clock.now += 0.5
    assert down.wait_s() == pytest.approx(0.25)


def test_wait_s_one_probe_a_second_however_many_ask(clock, down):
    probes = []
    for tenth in range(1, 101):
        clock.now = 1000.0 + tenth / 10
        probes += [tenth / 10 for _ in range(64) if down.wait_s() == 0]
    assert probes == pytest.approx(list(range(1, 11)), abs=0.11)
    assert len(probes) in (9, 10)


def test_failed_probe_keeps_the_breaker_open(clock, down):
    clock.now += 1
    assert down.wait_s() == 0
    down.failed(TransientError("refused"))
    assert down.wait_s() == pytest.approx(1.0)
    assert str(down.fault) == "refused"


def test_failed_of_requests_under_way_does_not_put_off_the_probe(clock, down):
    clock.now += 0.9
    for _ in range(64):
        down.failed(TransientError("no answer"))
    clock.now += 0.1
    assert down.wait_s() == 0


def test_answered_probe_lets_everything_go_at_once(clock, down):
    clock.now += 1
    assert down.wait_s() == 0
    down.answered()
    assert [down.wait_s() for _ in range(100)] == [0.0] * 100
    down.failed(TransientError("reset"))
    assert down.wait_s() == 0


def test_breaker_says_once_that_a_server_is_down_and_once_that_it_is_back(clock, caplog):
    breaker = Breaker(SERVER)
    for _ in range(50):
        breaker.failed(TransientError("HTTP 503"))
    clock.now += 12.5
    for _ in range(50):
        breaker.answered()
    gone, back = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert SERVER in gone
    assert f"{module._FAILURES} failures in a row, the last: HTTP 503" in gone
    assert f"{SERVER}: back after 12.5 s" in back


def test_breaker_of_is_one_a_server():
    assert breaker_of("http://a/v1") is breaker_of("http://a/v1")
    assert breaker_of("http://a/v1") is not breaker_of("http://b/v1")


async def test_judge_server_down_gets_a_probe_at_a_time_and_then_everything(fake, make_judge, monkeypatch):
    monkeypatch.setattr(module, "_REST_S", 0.1)
    judge = make_judge(budget_s=120, max_concurrency=64)
    await judge.judge(Pair("first", "robin"))
    fake.script.extend([fake.reply(503)] * (64 + 20))
    start = time.monotonic()
    await asyncio.gather(*(judge.judge(Pair(f"bird {number}", "robin")) for number in range(64)))
    # 64 fail at once, of which a few may try again before the tenth has failed; the other 503s take a rest each.
    assert time.monotonic() - start > 10 * 0.1
    assert len(fake.chats) == 1 + 64 + 20 + 64
