import asyncio
from pathlib import Path

import pytest

from speciarl_verl.errors import EvaluationError, JudgeError
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.evaluation.verdicts.stage import judge_pending, load_verdicts
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.judge.response import AnswerConfig, WellFormedJudge
from speciarl_verl.method.category import Category


def prediction(number: int, response: str | None = "<answer>jay</answer>") -> Prediction:
    failure = None if response is not None else "no answer"
    return Prediction(SampleKey("cub", f"{number:03d}.png", 0), f"label {number}", response, failure)


class CountingJudge:
    """Calls everything specific; dies after so many pairs."""

    def __init__(self, dies_after: int = 10**9, source: Source = Source.SERVER) -> None:
        self.pairs: list[Pair] = []
        self.busy = self.busiest = 0
        self._dies_after = dies_after
        self._source = source

    async def judge(self, pair: Pair) -> Verdict:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(0.001)
        self.busy -= 1
        self.pairs.append(pair)
        if len(self.pairs) > self._dies_after:
            raise JudgeError("judge server http://judge: HTTP 503")
        return Verdict(Category.SPECIFIC, self._source, confidence=0.75)

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing is held."""


async def run(judge: CountingJudge, predictions: list[Prediction], folder: Path, max_words: int = 12) -> list[Judged]:
    rules = WellFormedJudge(judge, AnswerConfig(max_words=max_words))
    journal = verdicts_journal(folder)
    known = load_verdicts(predictions, journal)
    pending = [one for one in predictions if one.key not in known]
    await judge_pending(pending, rules, journal, done=len(known))
    return sorted(journal.load(), key=lambda judged: judged.prediction.key)


async def test_only_answers_reach_the_judge(tmp_path: Path) -> None:
    judge = CountingJudge()
    judged = await run(
        judge,
        [
            prediction(0),
            prediction(1, None),
            prediction(2, "no tags"),
            prediction(3, "<answer>a or b</answer>"),
            prediction(4, "<answer>a b c d</answer>"),
        ],
        tmp_path,
        max_words=3,
    )
    assert judge.pairs == [Pair("jay", "label 0")]
    assert [one.outcome for one in judged] == [
        *(Category.SPECIFIC, Outcome.FAILED, Outcome.UNPARSEABLE),
        *[Category.WRONG] * 2,
    ]
    assert [one.refusal for one in judged] == [None, None, "no-answer", "hedged", "too-long"]
    assert (judged[0].answer, judged[0].source, judged[0].confidence) == ("jay", "server", 0.75)
    assert [one.source for one in judged[1:]] == [None, None, "answer rule", "answer rule"]


@pytest.mark.parametrize("source", [Source.CACHE, Source.COALESCED, Source.SERVER])
async def test_the_servers_word_is_its_own_however_it_came(tmp_path: Path, source: Source) -> None:
    judged = await run(CountingJudge(source=source), [prediction(0)], tmp_path)
    assert judged[0].source == "server"


async def test_the_judge_is_asked_about_many_at_once_and_bounds_itself(tmp_path: Path) -> None:
    judge = CountingJudge()
    await run(judge, [prediction(number) for number in range(40)], tmp_path)
    assert judge.busiest == len(judge.pairs) == 40


async def test_a_judge_that_dies_halfway_keeps_the_verdicts_and_is_resumed(tmp_path: Path) -> None:
    predictions = [prediction(number) for number in range(40)]
    dying = CountingJudge(dies_after=17)
    with pytest.raises(JudgeError, match="HTTP 503"):
        await run(dying, predictions, tmp_path)
    assert len(verdicts_journal(tmp_path).load()) == 17
    second = CountingJudge()
    judged = await run(second, predictions, tmp_path)
    assert len(second.pairs) == 40 - 17
    assert [one.prediction for one in judged] == predictions
    assert {one.outcome for one in judged} == {Category.SPECIFIC}


async def test_killed_at_any_byte_the_stage_ends_with_the_same_verdicts(tmp_path: Path) -> None:
    predictions = [prediction(number) for number in range(5)]
    uninterrupted = await run(CountingJudge(), predictions, tmp_path)
    path = verdicts_journal(tmp_path).path
    whole = path.read_bytes()
    for cut in range(0, len(whole), 11):
        path.write_bytes(whole[:cut])
        judge = CountingJudge()
        assert await run(judge, predictions, tmp_path) == uninterrupted
        assert len(judge.pairs) == 5 - whole[:cut].count(b"\n")


@pytest.mark.parametrize("what", ["twice", "another prediction", "another run"])
async def test_verdicts_on_something_else_are_refused(tmp_path: Path, what: str) -> None:
    predictions = [prediction(0), prediction(1)]
    await run(CountingJudge(), predictions, tmp_path)
    journal = verdicts_journal(tmp_path)
    if what == "twice":
        journal.path.write_bytes(journal.path.read_bytes() * 2)
    changed = {
        "twice": predictions,
        "another prediction": [prediction(0, "<answer>crow</answer>"), prediction(1)],
        "another run": predictions[1:],
    }[what]
    with pytest.raises(EvaluationError, match="there twice" if what == "twice" else "was judged on another"):
        load_verdicts(changed, journal)
