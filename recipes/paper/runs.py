"""The table of runs (`runs.yaml`), typed; an unknown key or name in it is refused."""

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from speciarl_verl.errors import InputError

Flags = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(_Part):
    """What a kind of training is started with: flags of its script, then overrides of verl's configuration."""

    flags: Flags = ()
    overrides: Flags = ()


class Run(_Part):
    """One experiment of the paper.

    Attributes:
        draw: training pictures of each set.
        of: the run whose training is evaluated, where this one has none.
        published: a method of `published.yaml`.
        hm: the published HM over the fine-grained sets, where nothing else was published.
        differs: what cannot be as the authors did it, or is not known of it.
    """

    name: str
    what: str
    kind: Literal["rl", "sft", "base"] = "rl"
    draw: dict[str, int] = {}
    train: Flags = ()
    overrides: Flags = ()
    evaluate: Flags = ()
    of: str | None = None
    published: str | None = None
    hm: float | None = None
    differs: str = ""


class Scale(_Part):
    """A smaller size of every run; see `runs.yaml`."""

    set: str
    train_size: int
    draw: Flags
    rl: Settings
    sft: Settings
    evaluate: Flags


class Paper(_Part):
    """All of `runs.yaml`."""

    model: str
    sets: dict[str, Flags]
    tested: tuple[str, ...]
    prepare: Flags
    draw: Flags
    whole: Flags
    unvalidated: tuple[str, ...]
    mix: Flags
    rl: Settings
    sft: Settings
    evaluate: Flags
    runs: tuple[Run, ...]
    scales: dict[str, Scale]

    @model_validator(mode="after")
    def _hangs_together(self) -> "Paper":
        names = [run.name for run in self.runs]
        for run in self.runs:
            if names.count(run.name) > 1:
                raise ValueError(f"{run.name} is there twice")
            if (run.kind == "base" or run.of is not None) == bool(run.draw):
                raise ValueError(f"{run.name}: a training has a draw, anything else has none")
            if run.of is not None and run.of not in names:
                raise ValueError(f"{run.name}: no run {run.of}")
            if unknown := set(run.draw) - set(self.sets):
                raise ValueError(f"{run.name}: no set {', '.join(sorted(unknown))}")
        return self

    def find(self, name: str) -> Run:
        """The run of that name.

        Raises:
            InputError: there is none.
        """
        for run in self.runs:
            if run.name == name:
                return run
        raise InputError(f"{name}: no such run: `recipes/paper.sh list` lists them")


@cache
def paper() -> Paper:
    """Read the table."""
    return Paper.model_validate(yaml.safe_load(files(__package__).joinpath("runs.yaml").read_text(encoding="utf-8")))
