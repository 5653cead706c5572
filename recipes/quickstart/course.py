"""The course of a training, as verl's `file` logger writes it: lines of `{"step": int, "data": {metric: value}}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from speciarl_verl.errors import InputError
from speciarl_verl.files import json_lines, read_text

_REWARD = "critic/score/mean"
_SHARE = "training/speciarl/share/"


@dataclass(frozen=True)
class Step:
    """One step of training.

    Attributes:
        number: from 1.
        reward: mean over the rollouts.
        shares: fraction in [0, 1] of the rollouts for each category's symbol, and `unparseable`; empty if not logged.
    """

    number: int
    reward: float
    shares: Mapping[str, float]


def read_steps(metrics: Path) -> list[Step]:
    """The training steps in verl's file log: one JSONL, or a folder of them, one for each time the run was resumed.

    A step that was logged twice, before a kill and after the resume, counts as logged last. A last line that the kill
    cut short is left out.

    Raises:
        InputError: a file cannot be read, a line is no JSON, or none is a training step.
    """
    files = sorted(metrics.glob("*.jsonl")) if metrics.is_dir() else [metrics]
    steps: dict[int, Step] = {}
    for file in files:
        text = read_text(file)
        for _, record in json_lines(text[: text.rfind("\n") + 1], file):
            data = record["data"]
            if _REWARD in data:
                shares = {key.removeprefix(_SHARE): data[key] for key in data if key.startswith(_SHARE)}
                steps[record["step"]] = Step(record["step"], data[_REWARD], shares)
    if not steps:
        raise InputError(f"{metrics}: no line holds {_REWARD}: is this the file log of a verl training?")
    return [steps[number] for number in sorted(steps)]
