"""Stacked areas over the steps of one run: what its rollouts came to, and the bars that its groups set."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from speciarl_verl.evaluation.outcome_colours import LIGHT
from speciarl_verl.evaluation.report.plots.canvas import FAINT, clear_frame, new_figure
from speciarl_verl.evaluation.report.plots.palette import outcome_handles
from speciarl_verl.rollout.step_figures import NONE, OURS
from speciarl_verl.run_report.run_folder import Run
from speciarl_verl.watch.metrics_log import LoggedStep

_BAR = "reference"
_COLOURS = {symbol: tone.colour for symbol, tone in LIGHT.items()} | {NONE: FAINT}


def draw_outcomes_over_steps(run: Run) -> Figure:
    """Categories of the rollouts, the groups' best category, and their bar."""
    figure = new_figure(3.4)
    panels = (
        ("rollouts: category", "share"),
        ("groups: best, $c_{best}$", "best"),
        ("groups: bar, $c^*$", "reference"),
    )
    seen: set[str] = set()
    for axes, (title, kind) in zip(figure.subplots(1, 3, sharey=True), panels, strict=True):
        seen |= _stack(axes, run.training, f"{OURS}{kind}/")
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("step", fontsize=9)
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    handles = outcome_handles(seen)
    if NONE in seen:
        handles = [Patch(color=_COLOURS[NONE], label="none"), *handles]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _stack(axes: Axes, steps: Sequence[LoggedStep], prefix: str) -> set[str]:
    logged = [step for step in steps if f"{prefix}W" in step.figures]
    symbols = [symbol for symbol in _COLOURS if any(step.get(prefix + symbol) > 0 for step in logged)]
    axes.set_ylim(0, 1)
    axes.tick_params(labelsize=9)
    clear_frame(axes)
    if not logged or symbols == [NONE]:
        said = "no rule with a bar" if logged else "not logged"
        axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", fontsize=9)
        return set()
    shares = [[step.get(prefix + symbol) for step in logged] for symbol in symbols]
    numbers = [step.number for step in logged]
    if len(numbers) == 1:
        # An area needs a width.
        numbers, shares = [numbers[0], numbers[0] + 1], [share * 2 for share in shares]
    axes.stackplot(numbers, shares, colors=[_COLOURS[symbol] for symbol in symbols], linewidth=0)
    axes.set_xlim(numbers[0], numbers[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return set(symbols)
