import json
import math
import random
import re

import numpy as np
import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.accounted import AccountedJudge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Account, Ledger
from speciarl_verl.judge.llm.llm_judge import ServerJudge
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category

QUANTILES = (0.5, 0.9, 0.95, 0.99)


def filled(seed: int = 0, answers: int = 200) -> Ledger:
    """A ledger of random counts and times."""
    dice = random.Random(seed)
    ledger = Ledger()
    for source in Source:
        ledger.decided[source] += dice.randrange(1000)
    for name in ("failed", "sent", "retries", "off_menu", "cache_errors", "prompt_tokens", "votes"):
        setattr(ledger, name, dice.randrange(1000))
    ledger.cached_prompt_tokens, ledger.completion_tokens = dice.randrange(10**9), dice.randrange(10**9)
    ledger.agreement = dice.random() * ledger.votes
    for _ in range(answers):
        ledger.answered(dice.lognormvariate(-1, 1))
    return ledger


@pytest.mark.parametrize("draw", ["lognormvariate", "expovariate", "uniform"])
def test_latency_s_is_numpys_percentile_to_two_percent(draw):
    dice = random.Random(1)
    parameters = {"lognormvariate": (-1.0, 1.0), "expovariate": (4.0,), "uniform": (0.01, 60.0)}[draw]
    times = [getattr(dice, draw)(*parameters) for _ in range(20_000)]
    ledger = Ledger()
    for seconds in times:
        ledger.answered(seconds)
    for quantile in QUANTILES:
        expected = np.quantile(times, quantile, method="inverted_cdf")
        assert ledger.account().latency_s(quantile) == pytest.approx(expected, rel=0.0101)
        assert ledger.account().latency_s(quantile) == pytest.approx(np.quantile(times, quantile), rel=0.02)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 100, 101])
def test_latency_s_of_few_answers_is_one_of_them(count):
    ledger = Ledger()
    times = [0.1 * 1.3**number for number in range(count)]
    for seconds in times:
        ledger.answered(seconds)
    for quantile in (0.0, *QUANTILES, 1.0):
        expected = times[max(0, math.ceil(round(quantile * count, 9)) - 1)]
        assert ledger.account().latency_s(quantile) == pytest.approx(expected, rel=0.0101)


def test_latency_s_without_answers_is_none():
    assert Account().latency_s(0.5) is None


def test_answered_in_no_time_is_counted():
    ledger = Ledger()
    ledger.answered(0.0)
    assert ledger.account().latency_s(0.5) == pytest.approx(1e-6, rel=0.02)


def test_total_over_processes_is_as_one_ledger():
    parts = [filled(seed) for seed in range(5)]
    one = Ledger()
    for part in parts:
        for name, value in vars(part).items():
            if isinstance(value, dict):
                getattr(one, name).update(value)
            else:
                setattr(one, name, getattr(one, name) + value)
    total = Account.total(part.account() for part in parts)
    assert total == one.account()
    assert total.asked == sum(part.account().asked for part in parts)
    assert [total.latency_s(quantile) for quantile in QUANTILES] == [
        one.account().latency_s(quantile) for quantile in QUANTILES
    ]


def test_total_of_percentiles_is_that_of_all_answers():
    dice = random.Random(2)
    parts, times = [Ledger() for _ in range(4)], []
    for _ in range(8000):
        times.append(dice.lognormvariate(0, 1))
        # The slow ones all in one process: a mean of the processes' percentiles would be far off.
        parts[3 if times[-1] > 2 else dice.randrange(3)].answered(times[-1])
    total = Account.total(part.account() for part in parts)
    for quantile in QUANTILES:
        assert total.latency_s(quantile) == pytest.approx(np.quantile(times, quantile), rel=0.02)


def test_total_of_nothing_is_empty():
    assert Account.total([]) == Account()


def test_account_is_not_changed_by_later_counting():
    ledger = filled()
    account = ledger.account()
    before = account.to_json()
    ledger.decided[Source.SERVER] += 1
    ledger.sent += 1
    ledger.answered(1.0)
    assert account.to_json() == before
    assert ledger.account().sent == account.sent + 1


@pytest.mark.parametrize("account", [Account(), filled(1).account(), filled(2, answers=0).account()])
def test_from_json_gives_back_what_to_json_wrote(account):
    text = account.to_json()
    assert Account.from_json(text) == account
    assert Account.from_json(text).to_json() == text
    assert json.loads(text)["decided"].keys() <= {source.value for source in Source}


def test_figures_are_plain_numbers_under_plain_names():
    ledger = Ledger()
    ledger.decided.update({Source.SERVER: 6, Source.CACHE: 3, Source.FAST_PATH: 2, Source.COALESCED: 1})
    ledger.failed, ledger.sent, ledger.retries, ledger.off_menu, ledger.cache_errors = 4, 8, 5, 2, 1
    ledger.prompt_tokens, ledger.cached_prompt_tokens, ledger.completion_tokens = 5600, 5000, 8
    ledger.votes, ledger.agreement = 4, 3.0
    for _ in range(100):
        ledger.answered(0.25)
    figures = ledger.account().figures()
    latencies = {name: figures.pop(name) for name in ("latency_p50_s", "latency_p95_s", "latency_p99_s")}
    assert figures == {
        "asked": 16,
        "answer_rule": 0,
        "custom": 0,
        "taxonomy": 0,
        "fast_path": 2,
        "cache": 3,
        "coalesced": 1,
        "server": 6,
        "failed": 4,
        "sent": 8,
        "retries": 5,
        "off_menu": 2,
        "cache_errors": 1,
        "prompt_tokens": 5600,
        "cached_prompt_tokens": 5000,
        "completion_tokens": 8,
        "votes": 4,
        "agreement": 0.75,
    }
    assert list(latencies.values()) == pytest.approx([0.25] * 3, rel=0.011)
    json.dumps(figures | latencies, allow_nan=False)


def test_figures_leave_out_what_is_not_known():
    assert {"votes", "agreement", "latency_p50_s"}.isdisjoint(Account().figures())


def test_lines_say_pairs_requests_tokens_times_and_votes():
    ledger = Ledger()
    ledger.decided.update({Source.SERVER: 6, Source.FAST_PATH: 2})
    ledger.failed, ledger.sent, ledger.retries = 1, 7, 3
    ledger.prompt_tokens, ledger.cached_prompt_tokens, ledger.completion_tokens = 5600, 5000, 8
    ledger.votes, ledger.agreement = 4, 3.0
    ledger.answered(0.25)
    pairs, requests, tokens, seconds, votes = ledger.account().lines()
    assert pairs == "pairs: 9 asked; 2 fast path, 6 server; 1 failed"
    assert requests == "requests: 7 sent, 3 retries, 0 off the menu, 0 cache errors"
    assert tokens == "tokens: 5600 prompt (5000 from the server's prefix cache), 8 completion"
    assert re.fullmatch(r"seconds: p50 (0\.2[45]\d) p95 \1 p99 \1", seconds)
    assert votes == "votes: 4 pairs, mean agreement 0.750"


def test_lines_of_requests_that_all_failed_have_no_times():
    ledger = Ledger()
    ledger.failed, ledger.sent, ledger.retries = 3, 3, 9
    lines = ledger.account().lines()
    assert lines[0] == "pairs: 3 asked; none decided; 3 failed"
    assert lines[1].startswith("requests: 3 sent, 9 retries")
    assert not any(line.startswith("seconds") for line in lines)


def test_lines_of_nothing_is_one_line():
    assert Account().lines() == ["pairs: 0 asked; none decided; 0 failed"]


class Scripted:
    """A judge that gives what it was given, or raises it."""

    def __init__(self, *results: Verdict | Exception) -> None:
        self._results = list(results)

    async def judge(self, pair: Pair) -> Verdict:
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def check(self) -> None:
        await self.judge(Pair("a", "b"))

    async def close(self) -> None:
        raise JudgeError("closed")


async def test_accounted_judge_counts_each_pair_once_and_passes_it_on():
    outcomes = [
        Verdict(Category.SPECIFIC, Source.SERVER),
        Verdict(Category.WRONG, Source.CACHE, agreement=0.5),
        Verdict(Category.WRONG, Source.COALESCED, agreement=1.0),
        JudgeError("no verdict"),
    ]
    ledger = Ledger()
    judge = AccountedJudge(Scripted(*outcomes), ledger)
    for outcome in outcomes[:3]:
        assert await judge.judge(Pair("a", "b")) == outcome
    with pytest.raises(JudgeError, match="no verdict"):
        await judge.judge(Pair("a", "b"))
    account = ledger.account()
    assert account.decided == {Source.SERVER: 1, Source.CACHE: 1, Source.COALESCED: 1}
    assert (account.failed, account.asked, account.votes, account.agreement) == (1, 4, 2, 1.5)


async def test_accounted_judge_check_is_not_counted():
    ledger = Ledger()
    await AccountedJudge(Scripted(Verdict(Category.SPECIFIC, Source.SERVER)), ledger).check()
    assert ledger.account() == Account()


async def test_ledger_of_a_judge_says_what_the_server_was_sent(fake):
    ledger = Ledger()
    judge = ServerJudge(ServerJudgeConfig(url=fake.url, cache="memory"), ledger)
    fake.script.extend([fake.reply(503), fake.says("rather specific")])
    judged = AccountedJudge(judge, ledger)
    for name in ("sparrow", "sparrow", "wren"):
        await judged.judge(Pair(name, "House Sparrow"))
    account = ledger.account()
    assert account.decided == {Source.SERVER: 2, Source.CACHE: 1}
    assert (account.sent, account.retries, account.off_menu, account.failed) == (3, 1, 1, 0)
    assert len(fake.chats) == account.sent + account.retries
    assert sum(account.latencies.values()) == 3
    await judge.close()


def test_account_since_an_earlier_state_is_what_came_after() -> None:
    ledger = Ledger()
    ledger.decided[Source.SERVER] += 2
    ledger.sent = 3
    ledger.answered(0.1)
    earlier = ledger.account()
    ledger.decided[Source.SERVER] += 1
    ledger.sent = 5
    ledger.answered(2.0)
    since = ledger.account().since(earlier)
    assert (since.asked, since.sent) == (1, 2)
    assert since.latency_s(0.5) == pytest.approx(2.0, rel=0.02)
    assert earlier.since(earlier).figures()["asked"] == 0
