"""What a practitioner would want to be warned of, from the figures of the steps. Pure; each threshold has a name.

Early and late are means over a fifth of the steps, from 3 to 20 of them; a trend is looked for from 6 steps on. What
holds now is a mean over the last 3.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from speciarl_verl.rollout.step_figures import OURS
from speciarl_verl.watch.metrics_log import REWARD, LoggedStep

WRONG_RISE = 0.05
"""Share of all rollouts by which W rises; the paper's binary reward costs 0.06 of correctness."""
REWARD_RISE = 0.05
SURE_RISE = 2.0
"""Standard errors, by the spread of the early and of the late steps, that a rise must have beside its size."""
UNPARSEABLE_SHARE = 0.05
LONGER_THAN_TRUTH = 1.5
"""Words of an answer for one of its truth."""
ANSWER_GROWTH = 1.25
TOP_ANSWER_SHARE = 0.8
MORE_SPECIFIC_SHARE = 0.1
"""S+ needs an answer that is true and narrower than a label that is already fine."""
AGREEMENT_FALL = 0.05
PROBABILITY_GAP = 0.02
"""Mean difference of a token's probability: 4e-7 in fp32 on a CPU here, 1e-4 in bf16 on an H200; bf16 itself
rounds to some 4e-3."""
PROBABILITY_GAP_GROWTH = 10.0
SMALLEST_GROWN_GAP = 1e-3

_NOW, _LEAST_TREND = 3, 6
GAP = "training/rollout_probs_diff_mean"
AUDIT_SUSPECTED, AUDIT_AGREEMENT = f"{OURS}judge/audit_suspected", f"{OURS}judge/audit_agreement"
FAST_PATH_AGREEMENT = f"{OURS}judge_step/fast_path_agreement"
CACHE_ERRORS = f"{OURS}judge_step/cache_errors"


@dataclass(frozen=True)
class Alert:
    """A warning.

    Attributes:
        name: the same for all warnings of its kind.
        text: what is seen, with its numbers.
        cure: what to do about it.
    """

    name: str
    text: str
    cure: str


@dataclass(frozen=True)
class Spell:
    """A warning that held from one step to another, as it read at its last."""

    alert: Alert
    first: int
    last: int


class _Course:
    """The figures of the training steps so far, by name; `last` has those of the latest."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[float]] = defaultdict(list)
        self.last: Mapping[str, float] = {}

    def add(self, step: LoggedStep) -> None:
        for name, value in step.figures.items():
            self._values[name].append(value)
        self.last = step.figures

    def now(self, name: str) -> float | None:
        """Mean over the last steps that have the figure."""
        values = self._values.get(name)
        return fmean(values[-_NOW:]) if values else None

    def early_late(self, name: str) -> tuple[float, float] | None:
        """Means of the first and of the last steps."""
        windows = self._windows(name)
        return (fmean(windows[0]), fmean(windows[1])) if windows else None

    def rise(self, name: str, least: float) -> tuple[float, float] | None:
        """The same where the later is higher by so much, and by more than the steps differ among themselves."""
        windows = self._windows(name)
        if not windows:
            return None
        early, late = map(fmean, windows)
        error = sqrt(sum(variance(window) / len(window) for window in windows))
        return (early, late) if late - early >= max(least, SURE_RISE * error) else None

    def _windows(self, name: str) -> tuple[list[float], list[float]] | None:
        values = self._values.get(name, [])
        if len(values) < _LEAST_TREND:
            return None
        window = min(20, max(3, len(values) // 5))
        return values[:window], values[-window:]


def find_alerts(steps: Sequence[LoggedStep]) -> list[Alert]:
    """What is to be warned of after the last of these training steps."""
    course = _Course()
    for step in steps:
        if step.is_training:
            course.add(step)
    return _alerts(course)


def spells(steps: Sequence[LoggedStep]) -> list[Spell]:
    """Every warning of a run, from its first step to its last; the latest come first."""
    found: dict[str, Spell] = {}
    course = _Course()
    for step in steps:
        if not step.is_training:
            continue
        course.add(step)
        for alert in _alerts(course):
            first = found[alert.name].first if alert.name in found else step.number
            found[alert.name] = Spell(alert, first, step.number)
    return sorted(found.values(), key=lambda spell: (-spell.last, spell.first))


def _alerts(course: _Course) -> list[Alert]:
    return [alert for watch in _WATCHES for alert in watch(course)]


def _guessing(course: _Course) -> Iterable[Alert]:
    wrong, reward = course.rise(f"{OURS}share/W", WRONG_RISE), course.rise(REWARD, REWARD_RISE)
    if wrong and reward:
        yield Alert(
            "guessing",
            f"wrong answers rise with the reward: W {wrong[0]:.1%} -> {wrong[1]:.1%}, "
            f"reward {reward[0]:.3f} -> {reward[1]:.3f}",
            "the policy learns to guess: fewer --rollouts, --reliability 0.5, --support 3; --reward dynamic where the "
            "reward is a static one",
        )


def _no_signal(course: _Course) -> Iterable[Alert]:
    name = f"{OURS}groups_without_signal"
    if course.last.get(name) == 1:
        yield Alert(
            "no signal",
            "all groups of the step are without signal: the rollouts of each picture earned the same",
            "nothing is learnt from such a step: --algo dapo-dynamic, a warmer start (sft.sh), other pictures; look at "
            "the verdicts in rollouts/",
        )


def _format(course: _Course) -> Iterable[Alert]:
    share = course.now(f"{OURS}share/unparseable")
    if share is not None and share > UNPARSEABLE_SHARE:
        yield Alert(
            "format",
            f"{share:.1%} of the responses have no answer (more than {UNPARSEABLE_SHARE:.0%})",
            "look at the texts in rollouts/ and at rule/<name>: a longer data.max_response_length where they are cut, "
            "a smaller learning rate where the format is forgotten",
        )


def _growing_answers(course: _Course) -> Iterable[Alert]:
    words, truth = course.early_late(f"{OURS}answer_words"), course.now(f"{OURS}truth_words")
    if words and truth and words[1] >= LONGER_THAN_TRUTH * truth and words[1] >= ANSWER_GROWTH * words[0]:
        yield Alert(
            "growing answers",
            f"answers grow: {words[0]:.1f} -> {words[1]:.1f} words, where a true name has {truth:.1f}",
            "the judge may fall for a list or a description: look at the answers in rollouts/, lower "
            "speciarl.answer.max_words, audit the judge",
        )


def _collapse(course: _Course) -> Iterable[Alert]:
    share = course.now(f"{OURS}top_answer")
    if share is not None and share >= TOP_ANSWER_SHARE:
        yield Alert(
            "collapse",
            f"one answer for everything: the commonest makes up {share:.1%} of all",
            "if it was so from the start, a warmer start or more varied pictures; if it came, the last "
            "checkpoint before it, a smaller learning rate, more KL",
        )


def _fast_path(course: _Course) -> Iterable[Alert]:
    agreement = course.early_late(FAST_PATH_AGREEMENT)
    if agreement and agreement[0] - agreement[1] >= AGREEMENT_FALL:
        yield Alert(
            "judge against fast path",
            f"the judge agrees less with what needs no judge: {agreement[0]:.1%} -> {agreement[1]:.1%} of equal names "
            "and refusals",
            "the judge's server may have changed: compare its model with the run's, speciarl judge calibrate",
        )


def _audit(course: _Course) -> Iterable[Alert]:
    suspected = course.last.get(AUDIT_SUSPECTED, 0)
    if suspected:
        yield Alert(
            "judge's audit",
            f"second opinions find fault with {suspected:.0f} of the judge's categories, and share "
            f"{course.last.get(AUDIT_AGREEMENT, 0):.1%} of all verdicts that were asked again",
            "train.log names the categories; read such verdicts in rollouts/; another rubric or model, measured with "
            "speciarl judge calibrate",
        )


def _cache(course: _Course) -> Iterable[Alert]:
    errors = course.last.get(CACHE_ERRORS, 0)
    if errors:
        yield Alert(
            "verdict cache",
            f"the verdict cache failed {errors:.0f} times in this step",
            "the judge goes on without it and may be asked the same pair again: look at speciarl.judge.cache (does its "
            "server run, is its disk full?); once it works it is used again",
        )


def _more_specific(course: _Course) -> Iterable[Alert]:
    share = course.now(f"{OURS}share/S+")
    if share is not None and share > MORE_SPECIFIC_SHARE:
        yield Alert(
            "S+ often",
            f"the judge calls {share:.1%} of the answers more specific than the truth (more than "
            f"{MORE_SPECIFIC_SHARE:.0%})",
            "invented detail may pass for knowledge: read such answers in rollouts/; another rubric "
            "(speciarl.judge.prompt), measured with speciarl judge calibrate",
        )


def _probabilities(course: _Course) -> Iterable[Alert]:
    now, trend = course.now(GAP), course.early_late(GAP)
    if now is None:
        return
    early = trend[0] if trend else now
    grown = trend is not None and now >= max(SMALLEST_GROWN_GAP, PROBABILITY_GAP_GROWTH * early)
    if now >= PROBABILITY_GAP or grown:
        yield Alert(
            "probabilities apart",
            f"vLLM's and the actor's token probabilities are {now:.2g} apart ({early:.2g} at first)",
            "weights may not reach the engine, or the two compute differently: stop; one dtype for both, "
            "actor_rollout_ref.rollout.load_format as the preset has it, without --lora-rank for a try",
        )


_WATCHES: tuple[Callable[[_Course], Iterable[Alert]], ...] = (
    _guessing,
    _no_signal,
    _format,
    _growing_answers,
    _collapse,
    _fast_path,
    _audit,
    _cache,
    _more_specific,
    _probabilities,
)
