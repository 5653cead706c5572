"""What `compare.json` holds, and what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from speciarl_verl.evaluation.records import Judged
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.published import Published
from speciarl_verl.evaluation.statistics.paired import HmDifference, McNemar

COMPARE_SCHEMA_VERSION = 2


@dataclass(frozen=True)
class ComparedRun:
    """A finished run: its report, and the predictions that it was built from."""

    report: Report
    judged: Sequence[Judged]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PairReport(_Part):
    """Two runs on one data set.

    Attributes:
        mcnemar: None where a run has several samples a picture: a picture is then not simply right or wrong.
    """

    first: str
    second: str
    dataset: str
    images: int
    mcnemar: McNemar | None
    hm: HmDifference


class Comparison(_Part):
    """Two or more runs.

    Attributes:
        notes: what was left out, and what else a reader must know before reading the figures.
        reports: of the common pictures only.
        pairs: every two runs on every data set.
        published: the paper's rows. Nothing is computed with them.
    """

    schema_version: int = COMPARE_SCHEMA_VERSION
    notes: tuple[str, ...]
    reports: tuple[Report, ...]
    pairs: tuple[PairReport, ...]
    published: Published
