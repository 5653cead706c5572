"""One rollout's way: response -> answer -> verdict -> group -> reward."""

import asyncio
import random
from dataclasses import replace

import pytest

from speciarl_verl.config.schema import OverlongConfig, SpeciaRLConfig, parse_config
from speciarl_verl.draw import rank
from speciarl_verl.errors import GroupError, InputError, JudgeError
from speciarl_verl.judge.protocol import Pair, Verdict
from speciarl_verl.method.category import Category
from speciarl_verl.rollout.row import Origin
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


ORDER = ["W", "A", "G", "S-", "S", "S+"]


def transcribed(answers: list[str | None], mode: str, noise: float, draws: list[bytes]) -> list[float]:
    """METHOD.md from the answers to the rewards, line by line: independent of the code under test."""
    symbols: list[str | None] = []
    for answer, draw in zip(answers, draws, strict=True):
        symbol = answer
        if symbol is not None and int.from_bytes(draw[:8], "big") < noise * 2**64:
            ladder = ["S", "S-", "G", "A", "W"]
            place = ladder.index("S" if symbol == "S+" else symbol)
            step = 1 if place == 0 else -1 if place == 4 else -1 if draw[8] % 2 else 1
            symbol = ladder[place + step]
        symbols.append(symbol)
    judged = [symbol for symbol in symbols if symbol is not None]
    best = max(judged, key=ORDER.index) if judged else "W"
    bar = {"S+": "S", "W": "A"}.get(best, best)
    rewards = []
    for symbol in symbols:
        reached = symbol is not None and ORDER.index(symbol) >= ORDER.index(bar)
        first = mode == "all" or 1.0 not in rewards
        rewards.append(-1.0 if symbol is None else 1.0 if reached and first else 0.0)
    return rewards


async def test_groups_equal_a_transcription_with_noise_answer_modes_and_single_mode_10_000_times() -> None:
    draw = random.Random(11)
    symbols = {category.label: category.symbol for category in Category}
    # Where the answer stands, and whether strict and paper find it.
    places = {
        "<think>hm</think><answer>{}</answer>": ("strict", "paper"),
        "<think>hm <answer>{}</answer>": ("paper",),
        "<Answer>{}</Answer>": ("strict",),
        "{}": (),
    }
    for number in range(10_000):
        answer_mode, reward_mode = draw.choice(["strict", "paper"]), draw.choice(["all", "single"])
        noise = draw.choice([0.0, 0.05, 0.25, 1.0])
        config = parse_config(
            {
                "judge": {"name": "taxonomy"},
                "answer": {"mode": answer_mode},
                "reward": {"mode": reward_mode, "judge_noise": noise},
            }
        )
        labels = draw.choices(draw.sample(list(symbols), draw.randint(1, 6)), k=draw.randint(1, 8))
        shapes = draw.choices(list(places), [5, 1, 1, 1], k=len(labels))
        origins = [Origin(f"cub/{number % 100}", number, i) for i in range(len(labels))]
        rollouts = [
            Rollout(shape.format(label), TRUTH, 9, 32, origin)
            for shape, label, origin in zip(shapes, labels, origins, strict=True)
        ]
        scored = await score_group(GroupScorer(config, WordJudge()), rollouts)
        found = [
            symbols[label] if answer_mode in places[shape] else None
            for shape, label in zip(shapes, labels, strict=True)
        ]
        draws = [rank(42, "judge noise", o.image, str(o.step), str(o.session_id)) for o in origins]
        assert [s.reward for s in scored] == transcribed(found, reward_mode, noise, draws)  # type: ignore[union-attr]


def noisy(seed: int = 42, noise: float = 0.5) -> SpeciaRLConfig:
    return parse_config({"judge": {"name": "taxonomy"}, "seed": seed, "reward": {"judge_noise": noise}})


def at(session_id: int, image: str = "cub/a", step: int = 1) -> Rollout:
    return replace(response("generic"), origin=Origin(image, step, session_id))


async def categories(config: SpeciaRLConfig, rollouts: list[Rollout]) -> list[str]:
    return [s.extra_info()["category"] for s in await score_group(GroupScorer(config, WordJudge()), rollouts)]  # type: ignore[union-attr, misc]


async def test_judge_noise_is_the_same_for_a_seed_whatever_the_order() -> None:
    rollouts = [at(i) for i in range(32)]
    forwards = await categories(noisy(), rollouts)
    assert (await categories(noisy(), rollouts[::-1]))[::-1] == forwards
    others = [
        await categories(noisy(seed=43), rollouts),
        await categories(noisy(), [at(i, image="cub/b") for i in range(32)]),
        await categories(noisy(), [at(i, step=2) for i in range(32)]),
    ]
    assert all(other != forwards for other in others)
    assert set(forwards) == {"A", "G", "S-"}


async def test_judge_noise_keeps_the_verdict_beside_what_counted_and_spares_the_unparseable() -> None:
    rollouts = [at(0), replace(at(1), text="no answer")]
    infos = [s.extra_info() for s in await score_group(GroupScorer(noisy(noise=1.0), WordJudge()), rollouts)]  # type: ignore[union-attr]
    assert [info["verdict"] for info in infos] == ["G", "unparseable"]
    assert infos[0]["category"] in ("A", "S-")
    assert infos[1]["category"] == "unparseable"


async def test_judge_noise_is_none_of_validation() -> None:
    info = (await GroupScorer(noisy(noise=1.0), WordJudge()).score_alone(at(0))).extra_info()
    assert (info["category"], info["verdict"]) == ("G", "G")


async def test_judge_noise_without_an_origin_is_refused() -> None:
    (result,) = await score_group(GroupScorer(noisy(), WordJudge()), [response("generic")])
    assert isinstance(result, InputError)
    assert "judge_noise" in str(result)
