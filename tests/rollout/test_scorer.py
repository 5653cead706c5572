"""One rollout's way: response -> answer -> verdict -> group -> reward."""

import asyncio
from dataclasses import replace

import pytest

from speciarl_verl.config.schema import OverlongConfig, SpeciaRLConfig, parse_config
from speciarl_verl.errors import GroupError, JudgeError
from speciarl_verl.judge.protocol import Pair, Verdict
from speciarl_verl.method.category import Category
from speciarl_verl.rollout.scorer import GroupScorer, Rollout, ScoredRollout, overlong_penalty

CONFIG = parse_config({"judge": {"name": "taxonomy"}})
TRUTH = "golden retriever"


class WordJudge:
    """The prediction names its own category; "crash" is a judge's failure. Counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    async def judge(self, pair: Pair) -> Verdict:
        self.asked.append(pair)
        if pair.prediction == "crash":
            raise JudgeError("judge at http://nowhere: connection refused")
        return Verdict(Category.from_label(pair.prediction), "test")

    async def check(self) -> None: ...

    async def close(self) -> None: ...


def response(answer: str, tokens: int = 10) -> Rollout:
    return Rollout(f"<think>hm</think><answer>{answer}</answer>", TRUTH, tokens, 32)


async def score_group(scorer: GroupScorer, rollouts: list[Rollout]) -> list[ScoredRollout | BaseException]:
    async def one(i: int, rollout: Rollout) -> ScoredRollout:
        async with scorer.meeting.seat("u", i, len(rollouts)) as seat:
            return await scorer.score_in_group(rollout, seat)

    return await asyncio.gather(*(one(i, r) for i, r in enumerate(rollouts)), return_exceptions=True)


async def test_group_is_judged_and_rewarded_and_unparseable_ones_are_not_judged() -> None:
    judge = WordJudge()
    rollouts = [response("specific"), response("generic"), response("???"), response("wrong")]
    scored = await score_group(GroupScorer(CONFIG, judge), rollouts)
    assert [s.reward for s in scored] == [1.0, 0.0, -1.0, 0.0]  # type: ignore[union-attr]
    assert [pair.prediction for pair in judge.asked] == ["specific", "generic", "wrong"]
    assert {pair.ground_truth for pair in judge.asked} == {TRUTH}


async def test_extra_info_has_the_same_keys_for_every_outcome_and_one_share_set() -> None:
    scorer = GroupScorer(CONFIG, WordJudge())
    infos = [s.extra_info() for s in await score_group(scorer, [response("generic"), response("")])]  # type: ignore[union-attr]
    infos.append((await scorer.score_alone(response("wrong"))).extra_info())
    assert len({tuple(info) for info in infos}) == 1
    assert all(sum(v for k, v in info.items() if k.startswith("share_")) == 1 for info in infos)  # type: ignore[misc]
    assert [info["category"] for info in infos] == ["G", "unparseable", "W"]
    assert [info["rule"] for info in infos] == ["", "empty", ""]
    assert infos[0]["best"] == infos[0]["reference"] == "G"


@pytest.mark.parametrize(
    ("answer", "reward", "acc"),
    [
        ("wrong", 0.0, 0.0),
        ("abstain", 0.25, 1.0),
        ("generic", 0.5, 1.0),
        ("less specific", 0.75, 1.0),
        ("specific", 1.0, 1.0),
        ("more specific", 1.0, 1.0),
    ],
)
async def test_validation_scores_a_rollout_by_its_own_category(answer: str, reward: float, acc: float) -> None:
    scored = await GroupScorer(CONFIG, WordJudge()).score_alone(response(answer))
    assert (scored.reward, scored.extra_info()["acc"], scored.group) == (reward, acc, None)


async def test_judge_failure_is_raised_and_releases_the_siblings() -> None:
    results = await score_group(GroupScorer(CONFIG, WordJudge()), [response("specific"), response("crash")])
    assert isinstance(results[0], GroupError)
    assert isinstance(results[1], JudgeError)


async def test_each_rollout_is_judged_before_its_siblings_have_ended() -> None:
    judge = WordJudge()
    scorer = GroupScorer(CONFIG, judge)
    still_generating = asyncio.Event()

    async def slow() -> ScoredRollout:
        async with scorer.meeting.seat("u", 1, 2) as seat:
            await still_generating.wait()
            return await scorer.score_in_group(response("generic"), seat)

    async def quick() -> ScoredRollout:
        async with scorer.meeting.seat("u", 0, 2) as seat:
            return await scorer.score_in_group(response("specific"), seat)

    tasks = [asyncio.create_task(slow()), asyncio.create_task(quick())]
    await asyncio.sleep(0.01)
    assert [pair.prediction for pair in judge.asked] == ["specific"]
    still_generating.set()
    assert [s.reward for s in await asyncio.gather(*tasks)] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("tokens", "penalty"),
    [(0, 0.0), (24, 0.0), (25, -0.125), (28, -0.5), (32, -1.0)],
)
def test_overlong_penalty_is_linear_over_the_buffer(tokens: int, penalty: float) -> None:
    assert overlong_penalty(tokens, 32, OverlongConfig(enable=True, buffer_tokens=8)) == penalty
    assert overlong_penalty(tokens, 32, OverlongConfig(enable=False, buffer_tokens=8)) == 0.0


async def test_overlong_penalty_comes_after_the_group_rule_and_leaves_group_reward_alone() -> None:
    overlong = OverlongConfig(enable=True, buffer_tokens=8)
    config: SpeciaRLConfig = CONFIG.model_copy(
        update={"reward": CONFIG.reward.model_copy(update={"overlong": overlong})}
    )
    rollouts = [replace(response("specific"), response_tokens=28), response("specific")]
    scored = await score_group(GroupScorer(config, WordJudge()), rollouts)
    assert [(s.reward, s.group_reward) for s in scored] == [(0.5, 1.0), (1.0, 1.0)]  # type: ignore[union-attr]
