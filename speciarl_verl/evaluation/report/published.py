"""The rows that the paper published, as they stand there; see `published.yaml`. They are shown, never computed with."""

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class PublishedRow(BaseModel):
    """One method's published mean over a group of data sets; None for a figure that was not given.

    Attributes:
        scope: `benchmarks.Group.name`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    scope: str
    specificity: float | None = None
    correctness: float | None = None
    hm: float | None = None


class Published(BaseModel):
    """All published rows and where they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    setting: str
    rows: tuple[PublishedRow, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method once, in the paper's order."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    def find(self, method: str, scope: str) -> PublishedRow | None:
        """A method's row of one group, where there is one."""
        return next((row for row in self.rows if (row.method, row.scope) == (method, scope)), None)


@cache
def published() -> Published:
    """Read the data file."""
    text = files(__package__).joinpath("published.yaml").read_text(encoding="utf-8")
    return Published.model_validate(yaml.safe_load(text))
