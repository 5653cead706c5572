"""What `report.json` and `compare.json` hold.

Shares and metrics are fractions in [0, 1]; every mapping is in a fixed order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.records import Judged
from speciarl_verl.evaluation.report.published import Published
from speciarl_verl.evaluation.run import Run
from speciarl_verl.evaluation.statistics.best_of import BestOf
from speciarl_verl.evaluation.statistics.intervals import Scores
from speciarl_verl.evaluation.statistics.paired import HmDifference, McNemar


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bootstrap(_Part):
    """How intervals were drawn: pictures again with replacement, the middle `level` of so many resamples."""

    level: float
    resamples: int
    seed: int


class OutcomeShare(_Part):
    """`count` samples, `share` of all samples of the data set."""

    count: int
    share: float


class WrongAnswer(_Part):
    """How often a class got one wrong answer."""

    answer: str
    count: int


class ConfusedClass(_Part):
    """A class and its most common wrong answers.

    Attributes:
        n: samples of the class.
        wrong: those that the judge called wrong.
        without_answer: those that count as wrong because they were unparseable or failed.
        answers: most common first; spellings that differ by case or white space are one.
    """

    ground_truth: str
    n: int
    wrong: int
    without_answer: int
    answers: tuple[WrongAnswer, ...]


class DatasetReport(_Part):
    """One data set.

    Attributes:
        images: pictures.
        n: samples, all of which count.
        shares: of `W`, `A`, `G`, `S-`, `S`, `S+` as judged, then `unparseable` and `failed`, which count as wrong in
            `scores`; the eight add up to 1.
        best_of: for k = 1..N; empty for one sample an image.
        conti: None where the protocol of Conti et al. was not asked for.
        confusions: the classes with most wrong answers, worst first.
    """

    name: str
    images: int
    n: int
    scores: Scores
    shares: dict[str, OutcomeShare]
    best_of: tuple[BestOf, ...] = ()
    conti: ContiScores | None = None
    confusions: tuple[ConfusedClass, ...] = ()


class AverageReport(_Part):
    """Means over the data sets of a group, each of the same weight.

    Attributes:
        scores: None while `missing` names a data set that was not evaluated.
        conti: as `scores`; one of its four is None where one of the data sets lacks it.
    """

    name: str
    title: str
    datasets: tuple[str, ...]
    missing: tuple[str, ...]
    n: int
    scores: Scores | None
    best_of: tuple[BestOf, ...] = ()
    conti: ContiScores | None = None


class JudgeReport(_Part):
    """Who judged.

    Attributes:
        kind: as in the judge's configuration, such as `server` or `taxonomy`.
        model: the judge model's name; None where the kind has none.
        rubric: name of the judging prompt or taxonomy.
        sources: verdicts by who decided them, `Judged.source`.
        is_training_judge: the model was trained on this judge's rewards; None when the training judge is not known.
    """

    kind: str
    model: str | None = None
    rubric: str | None = None
    sources: dict[str, int] = {}
    is_training_judge: bool | None = None

    @property
    def described(self) -> str:
        """Kind, model and rubric, as far as there are."""
        return ", ".join(part for part in (self.kind, self.model, self.rubric) if part)


class Report(_Part):
    """A whole evaluation.

    Attributes:
        name: the run's name in tables and plots.
        run: its manifest: what was asked of which model, over which data. When it was `created` is the only part of a
            report that differs between equal runs.
    """

    schema_version: Literal[2] = 2
    name: str
    run: Run
    judge: JudgeReport
    bootstrap: Bootstrap
    warnings: tuple[str, ...]
    datasets: tuple[DatasetReport, ...]
    averages: tuple[AverageReport, ...]


@dataclass(frozen=True)
class ComparedRun:
    """A finished run: its report, and the predictions that it was built from."""

    report: Report
    judged: Sequence[Judged]


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

    schema_version: Literal[2] = 2
    notes: tuple[str, ...]
    reports: tuple[Report, ...]
    pairs: tuple[PairReport, ...]
    published: Published
