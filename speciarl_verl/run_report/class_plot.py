"""Two bars a class: its rollouts early and late, of the classes that changed most."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import FAINT, clear_frame, new_figure
from speciarl_verl.evaluation.report.plots.palette import draw_outcomes, outcome_handles
from speciarl_verl.run_report.survey import ClassCourse, Tally

SHOWN = 14


def draw_classes(courses: Sequence[ClassCourse]) -> Figure:
    """Of the first `SHOWN`, which are the most changed; at least one."""
    shown = courses[:SHOWN]
    figure = new_figure(1.1 + 0.42 * len(shown))
    axes = figure.add_subplot()
    for y, course in enumerate(shown):
        for offset, tally, age in ((-0.2, course.early, "early"), (0.2, course.late, "late")):
            draw_outcomes(axes, y + offset, _shares(tally), height=0.36)
            axes.text(1.01, y + offset, f"{age} HM {tally.hm:.2f}", va="center", fontsize=8, color=FAINT)
    axes.set_yticks(range(len(shown)), [for_plot(course.name, 26) for course in shown], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    clear_frame(axes)
    axes.spines["left"].set_visible(False)
    seen = {symbol for course in shown for symbol in (*course.early.outcomes, *course.late.outcomes)}
    figure.legend(handles=outcome_handles(seen), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _shares(tally: Tally) -> dict[str, float]:
    return {symbol: count / tally.n for symbol, count in tally.outcomes.items()}
