"""One rollout's way to its reward: response -> answer -> verdict -> group -> reward. No verl.

One scorer a process, shared by all rollouts in it (plugin/process_scorer.py).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from speciarl_verl.config.schema import OverlongConfig, SpeciaRLConfig
from speciarl_verl.draw import rank
from speciarl_verl.errors import InputError
from speciarl_verl.judge.audit import Auditor
from speciarl_verl.judge.protocol import Judge, Pair
from speciarl_verl.judge.response import JudgedResponse, judge_response
from speciarl_verl.method.category import Category
from speciarl_verl.method.facts import Group
from speciarl_verl.method.noise import noised
from speciarl_verl.method.rules import GroupReward
from speciarl_verl.rollout.meeting import GroupMeeting, Seat
from speciarl_verl.rollout.row import Origin
from speciarl_verl.rollout.rule import load_rule

UNPARSEABLE = "unparseable"
SHARE_KEYS = (*(category.symbol for category in Category), UNPARSEABLE)
"""What a response can come out as: the six categories, or no answer at all."""


@dataclass(frozen=True)
class Rollout:
    """One response as the rollout engine gave it.

    Attributes:
        text: the decoded response, without special tokens.
        response_tokens: its length, and `max_response_tokens` the most it could have had.
        origin: needed where judge noise is drawn.
    """

    text: str
    ground_truth: str
    response_tokens: int
    max_response_tokens: int
    origin: Origin | None = None


@dataclass(frozen=True)
class JudgedRollout:
    """What a rollout brings to its group; the category is the verdict's unless judge noise moved it."""

    rollout: Rollout
    response: JudgedResponse
    category: Category | None


@dataclass(frozen=True)
class _Timed:
    response: JudgedResponse
    seconds: float


@dataclass(frozen=True)
class ScoredRollout:
    """What verl gets to see of one rollout.

    Attributes:
        reward: what is trained on, overlong penalty included; in validation s(c) / 4 and 0 for no answer.
        group_reward: the same before the penalty; `algorithm.filter_groups.metric=group_reward` filters on it.
        group: the group's outcome, None in validation, where a rollout stands alone.
        category: what counted: the verdict's, unless judge noise moved it.
        verdict_s: seconds that the verdict took; the wait for the siblings is none of it.
    """

    response: JudgedResponse
    category: Category | None
    reward: float
    group_reward: float
    group: GroupReward | None
    verdict_s: float = 0.0

    def extra_info(self) -> dict[str, str | float]:
        """verl's `reward_extra_info`: the same keys for every rollout; numbers become validation metrics."""
        category = self.category
        outcome = _symbol(category)
        best = self.group.best if self.group else None
        reference = self.group.reference if self.group else None
        return {
            "acc": float(category is not None and category.is_correct),
            "specificity_score": _share_of_specific(category),
            "group_reward": self.group_reward,
            **{f"share_{key}": float(key == outcome) for key in SHARE_KEYS},
            "category": outcome,
            "verdict": _symbol(self.response.category),
            "best": "" if best is None else best.symbol,
            "reference": "" if reference is None else reference.symbol,
            "answer": self.response.answer or "",
            "rule": self.response.rule or "",
        }


def overlong_penalty(response_tokens: int, max_response_tokens: int, config: OverlongConfig) -> float:
    """DAPO's soft overlong punishment, in [-factor, 0]. Source: arXiv 2503.14476, section 3.4."""
    if not config.enable:
        return 0.0
    exceeded = response_tokens - (max_response_tokens - config.buffer_tokens)
    return min(0.0, -exceeded / config.buffer_tokens * config.factor)


class GroupScorer:
    """Scores rollouts in groups (training) or alone (validation).

    Attributes:
        meeting: where the rollouts of one group wait for each other.

    Args:
        auditor: is shown each verdict of a training rollout, and changes none.

    Raises:
        RuleError: the rule cannot be loaded.
    """

    def __init__(self, config: SpeciaRLConfig, judge: Judge, auditor: Auditor | None = None) -> None:
        self._config = config
        self._judge = judge
        self._auditor = auditor
        self._rule = load_rule(config.reward)
        self.meeting = GroupMeeting(self._reward, config.group_timeout_s)

    async def score_alone(self, rollout: Rollout) -> ScoredRollout:
        """A validation rollout: its category says all; a group of its own would call anything not wrong a success."""
        timed = await self._judged(rollout)
        category = timed.response.category
        score = _share_of_specific(category)
        return ScoredRollout(timed.response, category, score, group_reward=score, group=None, verdict_s=timed.seconds)

    async def score_in_group(self, rollout: Rollout, seat: Seat[JudgedRollout]) -> ScoredRollout:
        """A training rollout: judged at once, rewarded when its last sibling is judged.

        Raises:
            InputError: judge noise is asked for, and the rollout has no origin to draw it by.
        """
        timed = await self._judged(rollout)
        response = timed.response
        self._audit(response, rollout)
        category = self._noised(response.category, rollout.origin)
        share = await seat.hand_in(JudgedRollout(rollout, response, category))
        overlong = self._config.reward.overlong
        penalty = overlong_penalty(rollout.response_tokens, rollout.max_response_tokens, overlong)
        return ScoredRollout(response, category, share.reward + penalty, share.reward, share.group, timed.seconds)

    def _noised(self, category: Category | None, origin: Origin | None) -> Category | None:
        noise = self._config.reward.judge_noise
        if category is None or not noise:
            return category
        if origin is None:
            raise InputError(
                "speciarl.reward.judge_noise: a row came without data_source, extra_info.content_hash or global_steps: "
                "make its parquet with data_prep"
            )
        return noised(category, noise, rank(self._config.seed, "judge noise", *origin.names))

    def _audit(self, response: JudgedResponse, rollout: Rollout) -> None:
        """Of a rollout whose row does not tell its origin nothing is drawn that would be the same in another run."""
        origin = rollout.origin
        if self._auditor is None or origin is None or response.answer is None or response.verdict is None:
            return
        pair = Pair(response.answer, rollout.ground_truth)
        self._auditor.consider(pair, response.verdict, origin.step, *origin.names)

    async def _judged(self, rollout: Rollout) -> _Timed:
        start = time.perf_counter()
        response = await judge_response(rollout.text, rollout.ground_truth, self._judge, self._config.answer.mode)
        return _Timed(response, time.perf_counter() - start)

    def _reward(self, siblings: Sequence[JudgedRollout]) -> GroupReward:
        return self._rule(
            Group(
                ground_truth=siblings[0].rollout.ground_truth,
                categories=tuple(one.category for one in siblings),
                answers=tuple(one.response.answer for one in siblings),
                response_tokens=tuple(one.rollout.response_tokens for one in siblings),
                max_response_tokens=siblings[0].rollout.max_response_tokens,
                format_reward=self._config.reward.format_reward,
            )
        )


def _symbol(category: Category | None) -> str:
    return UNPARSEABLE if category is None else category.symbol


def _share_of_specific(category: Category | None) -> float:
    score = 0 if category is None else category.specificity_score
    return score / Category.SPECIFIC.specificity_score
