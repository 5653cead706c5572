"""The audit on scripted streams of verdicts, and in the configuration."""

import asyncio
import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.audit import Auditor
from speciarl_verl.judge.build import build_auditor
from speciarl_verl.judge.judge_config import AuditConfig, HostedJudgeConfig, ServerJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.ledger import Account, Ledger
from speciarl_verl.judge.llm.rubric import load_rubric
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category
from tests.judge.fake_server import FakeServer

S, W = Category.SPECIFIC, Category.WRONG
VERDICTS_A_STEP = 2560
WEIGHTS = {W: 0.3, Category.ABSTAIN: 0.05, Category.GENERIC: 0.2, Category.LESS_SPECIFIC: 0.15, S: 0.3}


class Script:
    """A second opinion that knows the truth: it is what the pair's prediction says."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    async def judge(self, pair: Pair) -> Verdict:
        self.asked.append(pair)
        return Verdict(Category.from_label(pair.prediction), Source.TAXONOMY)

    async def check(self) -> None: ...

    async def close(self) -> None: ...


async def stream(auditor: Auditor, step: int, wrong_called_specific: float) -> None:
    """One step of a judge that calls so many of the wrong answers specific."""
    dice = random.Random(step)
    truths = dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=VERDICTS_A_STEP)
    for number, truth in enumerate(truths):
        given = S if truth is W and dice.random() < wrong_called_specific else truth
        pair = Pair(truth.symbol, f"bird {number % 200}")
        auditor.consider(
            pair, Verdict(given, Source.SERVER), step, f"picture {number // 10}", str(step), str(number % 10)
        )
    await auditor.settled()


async def test_a_judge_that_calls_a_tenth_of_the_wrong_specific_is_found() -> None:
    ledger, second = Ledger(), Script()
    auditor = Auditor(second, AuditConfig(taxonomy="cub"), ledger, seed=0)
    for step in range(1, 166):
        await stream(auditor, step, wrong_called_specific=0.1)
        if suspected := ledger.account().suspicions():
            break
    (found,) = suspected
    assert (found.category, found.instead) == (S, W)
    # 1% of the verdicts, 26 a step, of which a third are S: it says how many of these it needed.
    assert (step, len(second.asked), found.audited) == (11, 301, 101)
    assert "of 101 verdicts S that were asked again" in "\n".join(ledger.account().lines())


async def test_a_judge_that_is_right_is_not_suspected_in_a_whole_run() -> None:
    ledger = Ledger()
    auditor = Auditor(Script(), AuditConfig(taxonomy="cub"), ledger, seed=0)
    for step in range(1, 166):
        await stream(auditor, step, wrong_called_specific=0.0)
        assert not ledger.account().suspicions()
    assert ledger.account().figures()["audit_agreement"] == 1


async def test_the_draw_is_the_seeds_and_no_step_asks_more_than_the_most() -> None:
    drawn = []
    for seed in (0, 0, 1):
        second = Script()
        auditor = Auditor(second, AuditConfig(taxonomy="cub", most=20), Ledger(), seed)
        for step in (1, 2):
            await stream(auditor, step, 0.1)
        drawn.append(second.asked)
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(asked) for asked in drawn] == [40, 40, 40]


@pytest.mark.parametrize("source", [Source.FAST_PATH, Source.ANSWER_RULE])
async def test_what_a_rule_decided_is_not_asked_again(source: Source) -> None:
    second = Script()
    auditor = Auditor(second, AuditConfig(taxonomy="cub", share=1.0), Ledger(), seed=0)
    auditor.consider(Pair("S", "robin"), Verdict(S, source), 1, "a")
    await auditor.settled()
    assert not second.asked


async def test_an_audit_that_fails_is_counted_and_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Script):
        async def judge(self, pair: Pair) -> Verdict:
            raise JudgeError("gone")

    ledger = Ledger()
    auditor = Auditor(Broken(), AuditConfig(taxonomy="cub", share=1.0), ledger, seed=0)
    for name in "ab":
        auditor.consider(Pair("S", "robin"), Verdict(S, Source.SERVER), 1, name)
    await auditor.settled()
    assert ledger.audit_failed == 2
    assert ledger.account().figures()["audit_failed"] == 2
    assert len(caplog.records) == 1


async def test_nobody_waits_for_a_second_opinion() -> None:
    class Slow(Script):
        async def judge(self, pair: Pair) -> Verdict:
            await release.wait()
            return await super().judge(pair)

    release, ledger = asyncio.Event(), Ledger()
    auditor = Auditor(Slow(), AuditConfig(taxonomy="cub", share=1.0), ledger, seed=0)
    auditor.consider(Pair("W", "robin"), Verdict(S, Source.SERVER), 1, "a")
    await asyncio.sleep(0)
    assert not ledger.audited
    release.set()
    await auditor.settled()
    assert ledger.audited == {(S, W): 1}


def test_the_account_of_several_processes_adds_up() -> None:
    one, other = Ledger(), Ledger()
    one.audited[S, W], one.audit_tolerance = 12, 0.02
    other.audited[S, S], other.audit_tolerance, other.audit_failed = 90, 0.02, 3
    total = Account.total(Account.from_json(ledger.account().to_json()) for ledger in (one, other))
    assert total.audited == {(S, W): 12, (S, S): 90}
    figures = total.figures()
    assert figures["audited"] == 102
    assert figures["audit_agreement_S"] == pytest.approx(90 / 102)
    assert figures["audit_suspected"] == 1
    assert "audited" not in Ledger().account().figures(), "no audit, no figures of one"


def test_there_is_no_audit_until_somebody_is_named() -> None:
    assert build_auditor(ServerJudgeConfig(url="http://127.0.0.1:1"), Ledger(), 0) is None
    assert build_auditor(TaxonomyJudgeConfig(), Ledger(), 0) is None


async def test_another_rubric_is_asked_of_the_same_server(fake: FakeServer) -> None:
    fake.answer = "wrong"
    audit = AuditConfig(prompt="checklist", share=1.0)
    ledger = Ledger()
    auditor = build_auditor(ServerJudgeConfig(url=fake.url, cache="memory", audit=audit), ledger, 0)
    assert auditor is not None
    auditor.consider(Pair("robin", "jay"), Verdict(S, Source.SERVER), 1, "a")
    await auditor.settled()
    await auditor.check()
    assert ledger.audited == {(S, W): 1}
    (rubric,) = {request.body["messages"][0]["content"] for request in fake.chats}
    assert rubric.startswith(load_rubric("checklist").text)
    assert ledger.sent == 0, "what the audit costs is not the judge's"


def test_a_second_opinion_that_cannot_be_had_is_found_before_training(tmp_path: Path) -> None:
    audit = AuditConfig(taxonomy=str(tmp_path / "none.json"))
    with pytest.raises(JudgeError, match=r"none\.json"):
        build_auditor(ServerJudgeConfig(url="http://127.0.0.1:1", audit=audit), Ledger(), 0)
    with pytest.raises(JudgeError, match=r"speciarl\.judge\.audit: a hosted judge has no address here"):
        build_auditor(HostedJudgeConfig(audit=AuditConfig(prompt="checklist")), Ledger(), 0)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"shares": 0.1}, "Extra inputs are not permitted"),
        ({"share": 0}, "greater than 0"),
        ({"taxonomy": "cub", "prompt": "checklist"}, "drop one"),
        ({"url": "judge:30000"}, "http"),
    ],
)
def test_what_is_no_audit_is_refused(keys: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        ServerJudgeConfig.model_validate({"name": "server", "audit": keys})
