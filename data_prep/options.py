"""The flags that all data sets share, and the request that they make."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from data_prep.error import DataPrepError
from data_prep.pictures.settings import DEFAULT_MAX_PIXELS, MIN_SIDE, Settings, Verify
from data_prep.pictures.workers import available_cores
from data_prep.sampling import Draw, Sampling
from data_prep.size import Size


@dataclass(frozen=True)
class Request:
    """What the user asked for, besides the data set.

    Attributes:
        workers: processes that decode; it changes no byte of the output.
    """

    source: str
    out: Path
    sampling: Sampling
    settings: Settings
    split_file: Path | None
    workers: int


Source = Annotated[
    str,
    typer.Option(
        help="The publisher's archive, its unpacked folder, or a folder of archives; of `hub` an id or a local copy."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for train.parquet, val.parquet, test.parquet and manifest.json.")]
TrainSize = Annotated[str | None, typer.Option(help="Training pictures, a number or P%; default: all not held out.")]
ValSize = Annotated[
    str | None,
    typer.Option(help="Validation pictures; default: the publisher's validation split, or 5% held out of train."),
]
TestSize = Annotated[
    str | None,
    typer.Option(help="Test pictures; default: the publisher's test split, or 20% held out where there is no split."),
]
Stratified = Annotated[bool, typer.Option("--stratified", help="Draw every class in proportion.")]
PerClass = Annotated[int | None, typer.Option(min=1, help="Training pictures of each class (shots), for --train-size.")]
DrawMode = Annotated[
    str,
    typer.Option("--draw", help="hash: smaller draws lie in larger ones; paper: the authors' subsets."),
]
MergeVal = Annotated[bool, typer.Option("--merge-val", help="Join the publisher's validation split to train first.")]
Seed = Annotated[int, typer.Option(help="Seed of the draw; smaller draws of one seed lie within larger ones.")]
IncludeClass = Annotated[list[str] | None, typer.Option(help="Take only classes that match (`*` is a wildcard).")]
ExcludeClass = Annotated[list[str] | None, typer.Option(help="Leave out classes that match.")]
VerifyMode = Annotated[str, typer.Option("--verify", help="full: decode every picture; header: read only its head.")]
MaxPixels = Annotated[int, typer.Option(help="Larger pictures are scaled down to this many pixels.")]
SplitFile = Annotated[Path | None, typer.Option(help="JSON of another split than the publisher's, such as CoOp's.")]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave broken pictures out instead of stopping.")]
CutBottom = Annotated[int, typer.Option(min=0, help="Rows of pixels to cut off every picture, such as a banner.")]
Workers = Annotated[int | None, typer.Option(help="Worker processes; default: one a core.")]


def make_request(
    source: Source,
    out: Out,
    train_size: TrainSize = None,
    val_size: ValSize = None,
    test_size: TestSize = None,
    per_class: PerClass = None,
    stratified: Stratified = False,
    draw: DrawMode = "hash",
    merge_val: MergeVal = False,
    seed: Seed = 42,
    include_class: IncludeClass = None,
    exclude_class: ExcludeClass = None,
    verify: VerifyMode = "full",
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    split_file: SplitFile = None,
    skip_broken: SkipBroken = False,
    cut_bottom: CutBottom = 0,
    workers: Workers = None,
) -> Request:
    """Check the flags and put them together.

    Raises:
        DataPrepError: naming the first flag that has no such value.
    """

    def size(text: str | None, flag: str) -> Size | None:
        return None if text is None else Size.parse(text, flag)

    if max_pixels < MIN_SIDE**2:
        raise DataPrepError(f"--max-pixels {max_pixels}: too few to see anything: give at least {MIN_SIDE**2}")
    if workers is not None and workers < 1:
        raise DataPrepError(f"--workers {workers}: nobody would do the work: give at least 1")
    if per_class is not None and (train_size is not None or stratified):
        raise DataPrepError("--per-class: says how many of each class: leave out --train-size and --stratified")
    return Request(
        source=source,
        out=out,
        sampling=Sampling(
            train_size=size(train_size, "--train-size"),
            val_size=size(val_size, "--val-size"),
            test_size=size(test_size, "--test-size"),
            per_class=per_class,
            stratified=stratified,
            draw=check_draw(draw, stratified or per_class is not None),
            seed=seed,
            merge_val=merge_val,
            include=tuple(include_class or ()),
            exclude=tuple(exclude_class or ()),
        ),
        settings=Settings(_verify(verify), max_pixels, skip_broken, cut_bottom),
        split_file=split_file,
        workers=available_cores() if workers is None else workers,
    )


def with_shared_flags(work: Callable[..., None]) -> Callable[..., None]:
    """A command with the flags of `make_request`, which come to `work` as the values of a dict, and with its own."""
    shared = inspect.signature(make_request).parameters
    own = list(inspect.signature(work).parameters.values())[1:]

    @wraps(work)
    def command(**values: Any) -> None:
        flags = {name: values.pop(name) for name in shared}
        work(flags, **values)

    parameters = {parameter.name: parameter for parameter in [*shared.values(), *own]}
    # typer reads a command's flags from its signature and its annotations.
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters.values()]
    )
    command.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return command


def check_draw(text: str, in_proportion: bool) -> Draw:
    """The way of drawing.

    Raises:
        DataPrepError: there is no such way, or it does not go with drawing by class.
    """
    if text not in get_args(Draw):
        raise DataPrepError(f"--draw {text}: no such way: give hash or paper")
    if text == "paper" and in_proportion:
        raise DataPrepError("--draw paper: draws from all classes together: leave out --stratified and --per-class")
    return cast(Draw, text)


def _verify(text: str) -> Verify:
    for mode in get_args(Verify):
        if text == mode:
            return cast(Verify, mode)
    raise DataPrepError(f"--verify {text}: no such mode: give header or full")
