"""A step of training on one short line, and how long the rest will take."""

from collections.abc import Sequence
from statistics import fmean

from speciarl_verl.rollout.step_figures import OURS, validation_figures
from speciarl_verl.watch.metrics_log import REWARD, LoggedStep

_STEPS_FOR_PACE = 20
"""Enough to hold a validation and a checkpoint in their due share."""


def step_line(steps: Sequence[LoggedStep], total: int | None) -> str:
    """Tell of the last of the steps.

    Args:
        steps: training steps of this launch, at least one.
        total: steps of the whole run, where it is known.
    """
    step = steps[-1]
    width = len(str(total)) if total else 1
    parts = [
        f"step {step.number:>{width}}/{total}" if total else f"step {step.number}",
        f"reward {step.get(REWARD):.3f}",
    ]
    parts += [
        text.format(step.figures[OURS + name])
        for name, text in (
            ("hm", "HM {:.3f}"),
            ("share/W", "W {:.0%}"),
            ("groups_without_signal", "no signal {:.0%}"),
        )
        if OURS + name in step.figures
    ]
    waited = step.figures.get(f"{OURS}judge_wait_s")
    parts.append(f"{seconds_of(step):.1f} s" + ("" if waited is None else f" (judge {waited:.1f} s)"))
    if total and total > step.number:
        pace = fmean(seconds_of(one) for one in steps[-_STEPS_FOR_PACE:])
        parts.append(f"{duration(pace * (total - step.number))} left")
    return "  ".join(parts)


def validation_line(step: LoggedStep) -> str | None:
    """Tell of the validation that was logged with a step; None where there was none."""
    found = validation_figures(step.figures)
    if not found:
        return None
    sets = sorted({key.split("/", 1)[1].rsplit("/", 1)[0] for key in found})
    told = [
        f"{name} HM {found[f'val-core/{name}/hm']:.3f} (specificity {found[f'val-core/{name}/specificity']:.3f}, "
        f"correctness {found[f'val-core/{name}/correctness']:.3f})"
        for name in sets
    ]
    return f"validation at step {step.number}: {'; '.join(told)}"


def seconds_of(step: LoggedStep) -> float:
    """Wall-clock seconds of a step, its checkpoint and its validation included."""
    return step.get("timing_s/step") + step.get("timing_s/testing")


def duration(seconds: float) -> str:
    """For people: `50 s`, `12 min`, `3 h 05 min`.

    >>> duration(11100)
    '3 h 05 min'
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
