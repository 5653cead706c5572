"""Each warning is provoked by a scripted run, and kept silent by one just this side of its threshold."""

from collections.abc import Callable
from pathlib import Path

import pytest

from speciarl_verl.rollout.step_figures import OURS
from speciarl_verl.watch import alerts
from speciarl_verl.watch.alerts import find_alerts, spells
from speciarl_verl.watch.follower import Follower
from speciarl_verl.watch.metrics_log import REWARD, LoggedStep
from tests.watch.test_metrics_log import line

STEPS = 30
HEALTHY = {
    REWARD: 0.5,
    f"{OURS}share/W": 0.2,
    f"{OURS}share/S+": 0.02,
    f"{OURS}share/unparseable": 0.01,
    f"{OURS}groups_without_signal": 0.4,
    f"{OURS}answer_words": 2.0,
    f"{OURS}truth_words": 3.0,
    f"{OURS}top_answer": 0.3,
    alerts.FAST_PATH_AGREEMENT: 0.99,
    alerts.AUDIT_SUSPECTED: 0.0,
    alerts.CACHE_ERRORS: 0.0,
    alerts.AUDIT_AGREEMENT: 0.97,
    alerts.GAP: 4e-3,
}


def run(steps: int = STEPS, **courses: Callable[[float], float]) -> list[LoggedStep]:
    """A run whose figures are healthy, but for those that go another way; a course is a function of [0, 1]."""
    named = {_name(key): course for key, course in courses.items()}
    return [
        LoggedStep(n, HEALTHY | {name: course((n - 1) / max(1, steps - 1)) for name, course in named.items()})
        for n in range(1, steps + 1)
    ]


def _name(key: str) -> str:
    short = {
        "reward": REWARD,
        "audit_suspected": alerts.AUDIT_SUSPECTED,
        "cache_errors": alerts.CACHE_ERRORS,
        "gap": alerts.GAP,
        "agreement": alerts.FAST_PATH_AGREEMENT,
    }
    return short.get(key) or next(name for name in HEALTHY if name.endswith(key.replace("Splus", "S+")))


PROVOKED = [
    pytest.param("guessing", {"W": lambda t: 0.2 + 0.1 * t, "reward": lambda t: 0.4 + 0.3 * t}, "W 20.9% -> 29.1%"),
    pytest.param("no signal", {"groups_without_signal": lambda t: float(t == 1)}, "all groups of the step"),
    pytest.param("format", {"unparseable": lambda t: 0.06}, "6.0% of the responses have no answer"),
    pytest.param("growing answers", {"answer_words": lambda t: 2 + 4 * t}, "2.3 -> 5.7 words"),
    pytest.param("collapse", {"top_answer": lambda t: 0.3 + 0.6 * t}, "the commonest makes up 87.9% of all"),
    pytest.param("judge against fast path", {"agreement": lambda t: 1 - 0.1 * t}, "99.1% -> 90.9%"),
    pytest.param("judge's audit", {"audit_suspected": lambda t: float(t > 0.5)}, "fault with 1 of"),
    pytest.param("verdict cache", {"cache_errors": lambda t: 7.0 * (t == 1)}, "failed 7 times in this step"),
    pytest.param("S+ often", {"Splus": lambda t: 0.12}, "calls 12.0% of the answers more specific"),
    pytest.param("probabilities apart", {"gap": lambda t: 4e-3 + 0.03 * t}, "0.033 apart (0.0066 at first)"),
    pytest.param("probabilities apart", {"gap": lambda t: 4e-7 + 5e-3 * t * t}, "0.0047 apart"),
]


@pytest.mark.parametrize(
    ("name", "courses", "number"), PROVOKED, ids=lambda value: value if value == str(value) else ""
)
def test_run_that_goes_wrong_is_warned_of_with_its_number_and_cure(
    name: str, courses: dict[str, Callable[[float], float]], number: str
) -> None:
    (alert,) = find_alerts(run(**courses))
    assert alert.name == name
    assert number in alert.text
    assert alert.cure


@pytest.mark.parametrize(
    "courses",
    [
        pytest.param({}, id="healthy"),
        pytest.param({"W": lambda t: 0.2 + 0.1 * t, "reward": lambda t: 0.5 - t / 5}, id="W rises, the reward falls"),
        pytest.param({"W": lambda t: 0.3 - 0.1 * t, "reward": lambda t: 0.4 + t / 5}, id="only the reward rises"),
        pytest.param({"W": lambda t: 0.2 + (t == 1) / 2, "reward": lambda t: (t == 1) / 2}, id="one odd step"),
        pytest.param({"groups_without_signal": lambda t: float(t == 0)}, id="signal came back"),
        pytest.param({"unparseable": lambda t: 0.09 * (0.4 < t < 0.5)}, id="a burst that healed"),
        pytest.param({"cache_errors": lambda t: 7.0 * (t < 0.9)}, id="a cache that is back"),
        pytest.param({"answer_words": lambda t: 1 + 2 * t}, id="answers become as long as names are"),
        pytest.param({"answer_words": lambda t: 6.0}, id="long answers from the start"),
        pytest.param({"agreement": lambda t: 0.9}, id="low agreement that does not fall"),
        pytest.param({"gap": lambda t: 4e-7 + 1e-5 * t}, id="rounding of fp32 that grows"),
    ],
)
def test_run_that_does_not_go_wrong_is_left_alone(courses: dict[str, Callable[[float], float]]) -> None:
    assert find_alerts(run(**courses)) == []


def test_figures_that_are_not_logged_warn_of_nothing() -> None:
    assert find_alerts([LoggedStep(1, {REWARD: 0.0})]) == []
    assert find_alerts([LoggedStep(0, {})]) == find_alerts([]) == []


def test_trend_needs_some_steps() -> None:
    courses = {"W": lambda t: t, "reward": lambda t: t}
    assert find_alerts(run(5, **courses)) == []
    assert [alert.name for alert in find_alerts(run(6, **courses))] == ["guessing"]


def test_spells_say_from_when_to_when_the_latest_first() -> None:
    steps = run(unparseable=lambda t: 0.5 * (t < 0.2), groups_without_signal=lambda t: float(t > 0.9))
    assert [(spell.alert.name, spell.first, spell.last) for spell in spells(steps)] == [
        ("no signal", 28, 30),
        ("format", 1, 8),
    ]


def test_warning_is_told_on_the_terminal_once_and_again_when_it_comes_back(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text("".join(line(n, **HEALTHY) for n in range(1, 5)))
    follower = Follower(tmp_path / "2.jsonl", tmp_path / "train.log")
    bad = HEALTHY | {f"{OURS}groups_without_signal": 1.0}
    course = [*range(5, 8), *range(20, 23)]
    (tmp_path / "2.jsonl").write_text("".join(line(n, **(bad if n in course else HEALTHY)) for n in range(5, 25)))
    told = list(follower.look())
    where = [told[at - 1].split()[1] for at, text in enumerate(told) if text.startswith("WARNING: all groups")]
    assert where == ["5", "20"]
    assert "Cure: nothing is learnt from such a step: --algo dapo-dynamic" in "".join(told)


def test_trend_over_a_kill_is_seen(tmp_path: Path) -> None:
    steps = run(W=lambda t: t / 2, reward=lambda t: t)
    for name, part in (("1", steps[:15]), ("2", steps[15:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(line(step.number, **step.figures) for step in part))
    assert "WARNING: wrong answers rise with the reward" in "".join(
        Follower(tmp_path / "2.jsonl", tmp_path / "l").look()
    )
