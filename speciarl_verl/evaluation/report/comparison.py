"""What `compare.json` holds, and what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from speciarl_verl.evaluation.records import Judged
from speciarl_verl.evaluation.report.published import Published
from speciarl_verl.evaluation.report.schema import Estimate, Report

COMPARE_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ComparedRun:
    """A finished run: its report, and the predictions that it was built from."""

    report: Report
    judged: Sequence[Judged]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class McNemar(_Part):
    """Pictures that only one of the two runs gets right, and the exact two-sided p."""

    only_first: int
    only_second: int
    p_value: float


class HmDifference(_Part):
    """HM of the second run less HM of the first, with its paired bootstrap interval and p."""

    difference: Estimate
    p_value: float


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
