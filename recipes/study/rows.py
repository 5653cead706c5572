"""The rows of the study, in the order in which they are run; fixed beforehand: no row is picked by its result."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

SEEDS = 5
"""Of the named contrasts."""
SEEDS_FURTHER = 3
BASELINES = "baselines"
"""The row that trains nothing and gives four results."""
BASELINE_NAMES = {
    "greedy": "zero-shot",
    "be-specific": "be specific",
    "calibrated": "calibrated",
    "best-of-64": "best-of-64",
    "oracle": "oracle",
}


@dataclass(frozen=True)
class Setting:
    """What all trainings share; prompts a step are fixed, as in the paper, so that more rollouts are more work.

    Attributes:
        warmup: optimiser steps of the warm-up.
        images: birds to train on.
        held_out: pictures of each domain for evaluation.
    """

    warmup: int = 900
    images: int = 3000
    held_out: int = 800
    prompts: int = 32
    steps: int = 30
    rate: float = 1e-4
    kl: float = 0.001


@dataclass(frozen=True)
class Row:
    """A method with its number of rollouts; the same seed gives all rows the same policy and pictures.

    Attributes:
        flags: of `recipes/train.sh`.
        images: of the setting's birds, a draw of so many; None takes all.
        supervised: fine-tuned on the labels by `recipes/sft.sh`, each bird once, at the rate of its preset.
    """

    name: str
    n: int = 0
    flags: tuple[str, ...] = ()
    images: int | None = None
    supervised: bool = False


@dataclass(frozen=True)
class Run:
    """A row and a seed."""

    row: Row
    seed: int
    setting: Setting

    @property
    def images(self) -> int:
        """How many birds there are to train on."""
        return self.row.images or self.setting.images

    @property
    def steps(self) -> int:
        """Of the optimiser."""
        if self.row.supervised:
            return self.images // self.setting.prompts
        return self.setting.steps if self.row.n else 0

    @property
    def rollouts(self) -> int:
        """How many answers it samples and judges."""
        return 0 if self.row.supervised else self.steps * self.setting.prompts * self.row.n

    def as_json(self) -> dict[str, Any]:
        """What makes two results comparable; of a row that trains nothing, only what it depends on."""
        setting = asdict(self.setting)
        if not self.row.n:
            setting = {name: setting[name] for name in ("warmup", "held_out")}
        return {
            "row": self.row.name,
            "seed": self.seed,
            "n": self.row.n,
            "flags": list(self.row.flags),
            "images": self.images,
            "setting": setting,
        }


def _reward(name: str, *flags: str) -> tuple[str, ...]:
    return ("--reward", name, *flags)


_DYNAMIC = _reward("dynamic")
_HALF = _reward("dynamic", "--reliability", "0.5")
_TWO_THIRDS = _reward("dynamic", "--reliability", "0.6667")
_FLOOR = _reward("floor")

_CONTRASTS = (
    Row(BASELINES),
    Row("dynamic N=8", 8, _DYNAMIC),
    Row("binary N=8", 8, _reward("binary")),
    Row("dynamic N=16", 16, _DYNAMIC),
    Row("dynamic N=4", 4, _DYNAMIC),
    Row("reliability 2/3 N=16", 16, _TWO_THIRDS),
)
_FURTHER = (
    *(Row(f"graded-1 N={n}", n, _reward("graded-1")) for n in (8, 16)),
    *(Row(f"floor 2/3 N={n}", n, _FLOOR) for n in (8, 16)),
    Row("binary N=16", 16, _reward("binary")),
    *(Row(f"reliability 1/2 N={n}", n, _HALF) for n in (4, 8, 16)),
    *(Row(f"reliability 2/3 N={n}", n, _TWO_THIRDS) for n in (4, 8)),
    *(Row(f"Dr.GRPO dynamic N={n}", n, (*_DYNAMIC, "--algo", "drgrpo")) for n in (8, 16)),
    *(Row(f"Dr.GRPO reliability 2/3 N={n}", n, (*_TWO_THIRDS, "--algo", "drgrpo")) for n in (8, 16)),
    *(Row(f"support 25% N={n}", n, _reward("dynamic", "--support", "0.25")) for n in (8, 16)),
    Row("graded-2 N=8", 8, _reward("graded-2")),
    Row("graded-3 N=8", 8, _reward("graded-3")),
    Row("DAPO dynamic N=8", 8, (*_DYNAMIC, "--algo", "dapo")),
    Row("DAPO binary N=8", 8, (*_reward("binary"), "--algo", "dapo")),
    Row("SFT", 1, supervised=True),
    *(Row(f"noise {rate}% N=8", 8, (*_DYNAMIC, "--judge-noise", f"{rate / 100}"), 1024) for rate in (5, 10, 25)),
    *(Row(f"{images} images N=8", 8, _DYNAMIC, images) for images in (128, 1024)),
)
_STAGES: Sequence[tuple[Sequence[Row], int]] = (
    (_CONTRASTS, SEEDS),
    *(((row,), SEEDS_FURTHER) for row in _FURTHER),
)


def all_runs(setting: Setting) -> Iterator[Run]:
    """Every run in order: all contrasts seed by seed, so that each seed has a pair of each, then the further rows."""
    for rows, seeds in _STAGES:
        for seed in range(seeds):
            for row in rows:
                yield Run(row, seed, setting)


def choose(runs: Iterator[Run], only: Sequence[str], seeds: Sequence[int]) -> list[Run]:
    """Those whose row matches one of the patterns and whose seed is among those given; no pattern or seed takes all.

    A seed beyond those of the study is run too, for whom wants to repeat a row.

    Raises:
        ValueError: a pattern matches no row.
    """
    planned = list(runs)
    names = {run.row.name for run in planned}
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(f"--only {pattern}: no such row: choose from {', '.join(sorted(names))} (* is a wildcard)")
    chosen = [run for run in planned if not only or any(fnmatchcase(run.row.name, pattern) for pattern in only)]
    if not seeds:
        return chosen
    rows = list(dict.fromkeys(run.row for run in chosen))
    setting = planned[0].setting
    return [Run(row, seed, setting) for seed in seeds for row in rows]
