"""Two bars a class."""

from collections import Counter

from speciarl_verl.run_report.class_plot import SHOWN, draw_classes
from speciarl_verl.run_report.survey import ClassCourse, Tally


def tally(**outcomes: int) -> Tally:
    return Tally(Counter(outcomes))


def test_first_classes_are_drawn_early_over_late_with_their_hm() -> None:
    courses = [ClassCourse(f"class {n}", tally(W=1, G=1), tally(S=3, G=1)) for n in range(SHOWN + 5)]
    (axes,) = draw_classes(courses).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"class {n}" for n in range(SHOWN)]
    told = [text.get_text() for text in axes.texts if "HM" in text.get_text()]
    assert told == ["early HM 0.50", "late HM 0.93"] * SHOWN


def test_name_of_a_class_is_no_formula() -> None:
    (axes,) = draw_classes([ClassCourse("$x_{", tally(S=1), tally(S=1))]).axes
    assert axes.get_yticklabels()[0].get_text() == r"\$x_{"
