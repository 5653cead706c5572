import asyncio

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.accounted import AccountedJudge
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category

PAIR = Pair("robin", "European robin")


class Scripted:
    """Gives verdicts and raises errors in turn."""

    def __init__(self, *outcomes: Verdict | BaseException) -> None:
        self.outcomes, self.told = list(outcomes), []

    async def judge(self, pair: Pair) -> Verdict:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def check(self) -> None:
        self.told.append("check")

    async def close(self) -> None:
        self.told.append("close")


async def test_judge_counts_each_verdict_by_its_source():
    sources = [Source.SERVER, Source.CACHE, Source.CACHE, Source.TAXONOMY]
    ledger = Ledger()
    verdicts = [Verdict(Category.GENERIC, source) for source in sources]
    judge = AccountedJudge(Scripted(*verdicts), ledger)
    assert [await judge.judge(PAIR) for _ in sources] == verdicts
    account = ledger.account()
    assert account.decided == {Source.SERVER: 1, Source.CACHE: 2, Source.TAXONOMY: 1}
    assert (account.asked, account.failed, account.votes) == (4, 0, 0)


async def test_judge_counts_votes_and_their_agreement():
    ledger = Ledger()
    votes = [Verdict(Category.WRONG, Source.SERVER, agreement=share) for share in (1.0, 0.6)]
    judge = AccountedJudge(Scripted(*votes), ledger)
    for _ in votes:
        await judge.judge(PAIR)
    assert ledger.account().figures()["agreement"] == pytest.approx(0.8)


async def test_judge_counts_a_failure_and_passes_it_on():
    ledger = Ledger()
    judge = AccountedJudge(Scripted(JudgeError("gone"), Verdict(Category.SPECIFIC, Source.SERVER)), ledger)
    with pytest.raises(JudgeError, match="gone"):
        await judge.judge(PAIR)
    await judge.judge(PAIR)
    assert (ledger.account().failed, ledger.account().asked) == (1, 2)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TypeError("a bug")])
async def test_judge_counts_nothing_of_what_was_given_up_or_is_a_bug(error):
    ledger = Ledger()
    with pytest.raises(type(error)):
        await AccountedJudge(Scripted(error), ledger).judge(PAIR)
    assert ledger.account().asked == 0


async def test_check_and_close_are_passed_on_and_count_nothing():
    ledger, inner = Ledger(), Scripted()
    judge = AccountedJudge(inner, ledger)
    await judge.check()
    await judge.close()
    assert (inner.told, ledger.account().asked) == (["check", "close"], 0)
