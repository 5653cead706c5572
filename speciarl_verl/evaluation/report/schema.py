"""What `report.json` holds. Shares and metrics are fractions in [0, 1]; every mapping is in a fixed order."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

REPORT_SCHEMA_VERSION = 1


class _Part(BaseModel):
    # `model` is a field here, so pydantic's guard of names that start with `model_` is of no use.
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)


class JudgeAbout(_Part):
    """Who judged.

    Attributes:
        kind: as in the judge's configuration, such as `server` or `taxonomy`.
        model: the judge model's name; None where the kind has none.
        rubric: name of the judging prompt or taxonomy.
    """

    kind: str
    model: str | None = None
    rubric: str | None = None


class SamplingAbout(_Part):
    """How responses were drawn: `n` an image, greedy where the temperature is 0."""

    n: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int | None = None


class Versions(_Part):
    """What ran: this package, and the engine by name and version."""

    package: str
    engine: str | None = None


class RunAbout(_Part):
    """What was asked of which model, over which data.

    Attributes:
        name: the run's name in tables and plots.
        model: name or path of the model.
        adapter: LoRA adapter laid over it.
        prompt: name of the prompt.
        training_judge: model (or kind, where it has no model) of the judge that gave the rewards of the training, where
            known. Only compared with `judge`.
        data: the parquet files, in the order given.
        seed: of sampling.
        created: when the run was made; the only part of a report that differs between equal runs.
    """

    name: str
    model: str
    adapter: str | None = None
    prompt: str
    judge: JudgeAbout
    training_judge: str | None = None
    sampling: SamplingAbout
    data: tuple[str, ...]
    seed: int = 0
    created: AwareDatetime
    versions: Versions
    schema_version: int = REPORT_SCHEMA_VERSION


class Bootstrap(_Part):
    """How intervals were drawn: pictures again with replacement, the middle `level` of so many resamples."""

    level: float
    resamples: int
    seed: int


class Estimate(_Part):
    """A metric with its bootstrap interval."""

    value: float
    low: float
    high: float


class Scores(_Part):
    """The paper's three figures."""

    specificity: Estimate
    correctness: Estimate
    hm: Estimate


class Share(_Part):
    """`count` samples, `share` of all samples of the data set."""

    count: int
    share: float


class BestOfPoint(_Part):
    """The figures when the best of k samples of each image counts."""

    k: int
    specificity: float
    correctness: float
    hm: float


class Conti(_Part):
    """TI, LI, SS and CS; None where one is off, and `notes` says why under the field's name."""

    text_inclusion: float | None
    llama_inclusion: float | None
    semantic_similarity: float | None
    concept_similarity: float | None
    notes: dict[str, str] = {}


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
    shares: dict[str, Share]
    best_of: tuple[BestOfPoint, ...] = ()
    conti: Conti | None = None
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
    best_of: tuple[BestOfPoint, ...] = ()
    conti: Conti | None = None


class JudgeReport(_Part):
    """Who judged, and by what.

    Attributes:
        sources: verdicts by who decided them, `Judged.source`.
        is_training_judge: the model was trained on this judge's rewards; None when the training judge is not known.
    """

    kind: str
    model: str | None
    rubric: str | None
    sources: dict[str, int]
    is_training_judge: bool | None


class Report(_Part):
    """A whole evaluation."""

    schema_version: int = REPORT_SCHEMA_VERSION
    about: RunAbout
    judge: JudgeReport
    bootstrap: Bootstrap
    warnings: tuple[str, ...]
    datasets: tuple[DatasetReport, ...]
    averages: tuple[AverageReport, ...]
