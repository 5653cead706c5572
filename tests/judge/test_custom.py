"""The door for a judge of one's own: what it must be, and that nothing it does becomes a reward by accident."""

import asyncio
import sys
from types import ModuleType
from typing import Any

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge, check_judge
from speciarl_verl.judge.custom import source_text
from speciarl_verl.judge.judge_config import CustomJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category

PAIR = Pair("robin", "European robin")


class FirstLetter:
    """Specific where the first letters are the same."""

    def __init__(self, otherwise: str = "wrong") -> None:
        self.otherwise = Category.from_label(otherwise)
        self.closed = 0

    async def judge(self, pair: Pair) -> Verdict:
        same = pair.prediction[:1] == pair.ground_truth[:1]
        return Verdict(Category.SPECIFIC if same else self.otherwise, Source.CUSTOM)

    async def check(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the user's."""
    module = ModuleType("own_judges")
    monkeypatch.setitem(sys.modules, "own_judges", module)
    return module


def config_of(own: ModuleType, factory: Any, **options: Any) -> CustomJudgeConfig:
    own.make = factory  # type: ignore[attr-defined]
    return CustomJudgeConfig(factory="own_judges:make", options=options)


async def test_own_judge_is_made_from_its_options_and_accounted(own: ModuleType) -> None:
    made: list[FirstLetter] = []

    def make(options: dict[str, Any]) -> FirstLetter:
        made.append(FirstLetter(**options))
        return made[-1]

    ledger = Ledger()
    judge = build_judge(config_of(own, make, otherwise="generic"), ledger)
    await judge.check()
    assert (await judge.judge(PAIR)).category is Category.GENERIC
    assert (await judge.judge(Pair("Erithacus", "European robin"))).category is Category.SPECIFIC
    await judge.close()
    assert made[0].closed == 1
    assert ledger.account().decided == {Source.CUSTOM: 2}
    assert "2 custom" in ledger.account().lines()[0]


class Without(FirstLetter):
    judge = None  # type: ignore[assignment]


class TakesTexts(FirstLetter):
    async def judge(self, prediction: str, ground_truth: str) -> Verdict:  # type: ignore[override]
        raise NotImplementedError


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        pytest.param(lambda: FirstLetter(), r"must take \(options\) and takes \(\)", id="factory takes nothing"),
        pytest.param(lambda options: None, "made a NoneType, which has no method judge", id="nothing"),
        pytest.param(lambda options: Without(), "made a Without, which has no method judge", id="method missing"),
        pytest.param(lambda options: TakesTexts(), r"judge: must take \(pair\)", id="judge of another signature"),
        pytest.param(lambda options: options["depth"], "failed with KeyError: 'depth'", id="factory fails"),
        pytest.param(3, "is no function", id="no function"),
    ],
)
async def test_factory_that_makes_no_judge_is_one_line(own: ModuleType, factory: Any, message: str) -> None:
    with pytest.raises(JudgeError, match=message) as caught:
        await check_judge(config_of(own, factory))
    assert str(caught.value).startswith("speciarl.judge.factory=own_judges:make")
    assert "\n" not in str(caught.value)


async def test_factory_that_is_not_there_is_one_line() -> None:
    with pytest.raises(JudgeError, match="No module named 'no_such_package'"):
        await check_judge(CustomJudgeConfig(factory="no_such_package:make"))


def judging(answer: Any) -> Any:
    class Judging(FirstLetter):
        async def judge(self, pair: Pair) -> Verdict:
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]

    return lambda options: Judging()


class NotAsync(FirstLetter):
    def judge(self, pair: Pair) -> Verdict:  # type: ignore[override]
        return Verdict(Category.SPECIFIC, Source.CUSTOM)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        pytest.param(judging("S"), "gave 'S' for Pair.*no Verdict", id="text"),
        pytest.param(judging(None), "gave None for", id="nothing"),
        pytest.param(judging(Verdict("S", Source.CUSTOM)), "needs a Category and a Source", id="no category"),  # type: ignore[arg-type]
        pytest.param(judging(Verdict(Category.WRONG, "me")), "needs a Category and a Source", id="no source"),  # type: ignore[arg-type]
        pytest.param(judging(IndexError("empty")), "judge failed with IndexError: empty on Pair", id="raises"),
        pytest.param(judging(JudgeError("no GPU left")), "^no GPU left$", id="its own failure"),
        pytest.param(lambda options: NotAsync(), "judge must be `async def`", id="not async"),
    ],
)
async def test_answer_that_is_no_verdict_is_a_failure(own: ModuleType, factory: Any, message: str) -> None:
    ledger = Ledger()
    with pytest.raises(JudgeError, match=message):
        await build_judge(config_of(own, factory), ledger).judge(PAIR)
    assert ledger.account().failed == 1


async def test_cancelled_question_is_no_failure(own: ModuleType) -> None:
    class Slow(FirstLetter):
        async def judge(self, pair: Pair) -> Verdict:
            await asyncio.sleep(60)
            raise NotImplementedError

    judge = build_judge(config_of(own, lambda options: Slow()))
    asking = asyncio.create_task(judge.judge(PAIR))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_configurations_are_keys_of_caches() -> None:
    one, same = (CustomJudgeConfig(factory="m:f", options={"a": [1], "b": 2}) for _ in range(2))
    assert len({one, same, CustomJudgeConfig(factory="m:f"), CustomJudgeConfig(factory="m:f", options=None)}) == 2  # type: ignore[arg-type]


def test_source_text_is_the_modules_own(own: ModuleType) -> None:
    assert "class Pair" in source_text(CustomJudgeConfig(factory="speciarl_verl.judge.protocol:Pair"))
    assert source_text(config_of(own, judging(None))) == ""
