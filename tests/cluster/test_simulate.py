"""The simulation against what can be worked out by hand; `tests.benchmarks --only j` holds it against a clock."""

from dataclasses import replace

import numpy as np
import pytest

from recipes.cluster.simulate import Step, draw_ends, replicas_needed, simulate, table

ONE = Step(pictures=1, rollouts=4, workers=1, latency_s=1.0, slots=1)


def test_requests_that_come_together_are_served_one_after_the_other() -> None:
    outcome = simulate(ONE, ends=[10.0, 10.0, 10.0, 10.0])
    assert (outcome.generated_s, outcome.judged_s, outcome.requests) == (10.0, 14.0, 4)
    assert outcome.waited_s == (0 + 1 + 2 + 3) / 4


@pytest.mark.parametrize(
    ("changes", "judged_s"),
    [
        pytest.param({"slots": 4}, 11.0, id="slots for all"),
        pytest.param({"slots": 2, "replicas": 2}, 11.0, id="over two replicas"),
        pytest.param({"slots": 2}, 12.0, id="two at a time"),
        pytest.param({"slots": 4, "in_flight": 1}, 14.0, id="the worker's own limit"),
        pytest.param({"spared": 1.0}, 10.0, id="nothing to ask"),
    ],
)
def test_last_verdict_comes_when_the_slots_allow(changes: dict[str, float], judged_s: float) -> None:
    assert simulate(replace(ONE, **changes), ends=[10.0, 10.0, 10.0, 10.0]).judged_s == judged_s  # type: ignore[arg-type]


def test_workers_limits_are_their_own() -> None:
    step = Step(pictures=2, rollouts=2, workers=2, latency_s=1.0, slots=4, in_flight=1)
    assert simulate(step, ends=[10.0, 10.0, 10.0, 10.0]).judged_s == 12.0


def test_request_between_two_others_waits_only_for_its_slot() -> None:
    outcome = simulate(replace(ONE, rollouts=3), ends=[0.0, 0.5, 9.0])
    assert outcome.judged_s == 10.0
    assert outcome.waited_s == pytest.approx(0.5 / 3)


def test_rollouts_have_a_long_tail_with_an_end() -> None:
    ends = draw_ends(Step(pictures=1000, rollout_s=60.0, tail=0.5, longest=3.0))
    assert np.median(ends) == pytest.approx(60, rel=0.05)
    assert ends.max() == 180.0
    assert (ends == draw_ends(Step(pictures=1000, rollout_s=60.0, tail=0.5, longest=3.0))).all()


def test_replicas_needed_are_enough_and_one_fewer_is_not() -> None:
    step = Step(pictures=256, rollouts=10, rollout_s=10.0, latency_s=1.0, slots=16)
    needed = replicas_needed(step)
    assert needed is not None
    assert needed > 1
    assert not simulate(replace(step, replicas=needed)).is_limited(step.latency_s)
    assert simulate(replace(step, replicas=needed - 1)).is_limited(step.latency_s)


def test_workers_that_are_the_limit_themselves_are_told_apart() -> None:
    step = Step(pictures=256, rollouts=10, workers=1, rollout_s=10.0, latency_s=1.0, in_flight=4)
    assert replicas_needed(step) is None


def test_table_has_a_line_a_size_and_fewer_requests_where_they_are_spared() -> None:
    lines = table(Step(rollout_s=300.0), spared=0.5)
    assert len(lines) == 5
    cells = [cell.strip() for cell in lines[2].split("|")]
    assert cells[1] == "256 x 10"
    assert cells[2] == "2,560"
    assert int(cells[4].replace(",", "")) < 2560
