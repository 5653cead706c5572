"""A step on one line."""

import pytest

from speciarl_verl.rollout.step_figures import OURS
from speciarl_verl.watch.metrics_log import REWARD, LoggedStep
from speciarl_verl.watch.step_line import duration, step_line, validation_line

FIGURES = {
    REWARD: 0.48,
    f"{OURS}hm": 0.635,
    f"{OURS}share/W": 0.35,
    f"{OURS}groups_without_signal": 0.21875,
    f"{OURS}judge_wait_s": 1.04,
    "timing_s/step": 8.0,
}


def test_line_tells_the_few_that_matter_and_what_is_left() -> None:
    steps = [LoggedStep(8, {REWARD: 0.4, "timing_s/step": 8.0, "timing_s/testing": 4.0}), LoggedStep(9, FIGURES)]
    assert step_line(steps, 30) == (
        "step  9/30  reward 0.480  HM 0.635  W 35%  no signal 22%  8.0 s (judge 1.0 s)  4 min left"
    )


def test_line_of_the_last_step_and_of_a_run_whose_end_is_not_known() -> None:
    step = LoggedStep(30, {REWARD: 0.5, "timing_s/step": 2.0})
    assert step_line([step], 30) == "step 30/30  reward 0.500  2.0 s"
    assert step_line([step], None) == "step 30  reward 0.500  2.0 s"


def test_validation_has_a_line_of_its_own() -> None:
    shares = dict.fromkeys(["W", "A", "G", "S-", "S+", "unparseable"], 0.0) | {"S": 1.0}
    figures = {f"val-aux/cub/share_{key}/mean@1": share for key, share in shares.items()}
    assert validation_line(LoggedStep(0, figures)) == (
        "validation at step 0: cub HM 1.000 (specificity 1.000, correctness 1.000)"
    )
    assert validation_line(LoggedStep(1, FIGURES)) is None


@pytest.mark.parametrize(("seconds", "text"), [(99, "99 s"), (130, "2 min"), (5940, "99 min"), (7500, "2 h 05 min")])
def test_duration_is_as_exact_as_one_needs(seconds: float, text: str) -> None:
    assert duration(seconds) == text
