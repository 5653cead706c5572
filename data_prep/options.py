"""The flags that the data sets share."""

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from data_prep.error import DataPrepError
from data_prep.picture import Verify
from data_prep.prepare import Request
from data_prep.sampling import Sampling
from data_prep.size import Size
from data_prep.workers import available_cores

Source = Annotated[str, typer.Option(help="The publisher's archive, its unpacked folder, or a folder of its archives.")]
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
MergeVal = Annotated[bool, typer.Option("--merge-val", help="Join the publisher's validation split to train first.")]
Seed = Annotated[int, typer.Option(help="Seed of the draw; smaller draws of one seed lie within larger ones.")]
IncludeClass = Annotated[list[str] | None, typer.Option(help="Take only classes that match (`*` is a wildcard).")]
ExcludeClass = Annotated[list[str] | None, typer.Option(help="Leave out classes that match.")]
VerifyMode = Annotated[str, typer.Option("--verify", help="full: decode every picture; header: read only its head.")]
MaxPixels = Annotated[int, typer.Option(help="Larger pictures are scaled down to this many pixels.")]
SplitFile = Annotated[Path | None, typer.Option(help="JSON of another split than the publisher's, such as CoOp's.")]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave broken pictures out instead of stopping.")]
Workers = Annotated[int | None, typer.Option(help="Worker processes; default: one a core.")]


def make_request(
    source: str,
    out: Path,
    train_size: str | None,
    val_size: str | None,
    test_size: str | None,
    stratified: bool,
    merge_val: bool,
    seed: int,
    include_class: list[str] | None,
    exclude_class: list[str] | None,
    verify: str,
    max_pixels: int,
    skip_broken: bool,
    split_file: Path | None,
    workers: int | None,
) -> Request:
    """Check the flags and put them together.

    Raises:
        DataPrepError: naming the first flag that has no such value.
    """

    def size(text: str | None, flag: str) -> Size | None:
        return None if text is None else Size.parse(text, flag)

    return Request(
        source=source,
        out=out,
        sampling=Sampling(
            train_size=size(train_size, "--train-size"),
            val_size=size(val_size, "--val-size"),
            test_size=size(test_size, "--test-size"),
            stratified=stratified,
            seed=seed,
            merge_val=merge_val,
            include=tuple(include_class or ()),
            exclude=tuple(exclude_class or ()),
        ),
        verify=_verify(verify),
        max_pixels=max_pixels,
        skip_broken=skip_broken,
        split_file=split_file,
        workers=available_cores() if workers is None else workers,
    )


def _verify(text: str) -> Verify:
    for mode in get_args(Verify):
        if text == mode:
            return cast(Verify, mode)
    raise DataPrepError(f"--verify {text}: no such mode: give header or full")
