"""The command line: `python -m data_prep <data set> --source PATH --out DIR`.

A fault in the input or in the flags is one line on stderr and exit status 2, an interruption exit status 130.
"""

import inspect
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from tqdm import tqdm

from data_prep import options
from data_prep.contact_sheet import write_contact_sheet
from data_prep.error import DataPrepError
from data_prep.inspection import inspect_parquet
from data_prep.mix import Part, mix
from data_prep.picture import DEFAULT_MAX_PIXELS
from data_prep.prepare import ReadListing, prepare
from data_prep.readers.caltech101 import read_caltech101
from data_prep.readers.cub import read_cub
from data_prep.readers.fgvc_aircraft import read_fgvc_aircraft
from data_prep.readers.flowers102 import read_flowers102
from data_prep.readers.folder import FolderReader
from data_prep.readers.food101 import read_food101
from data_prep.readers.hub import HubReader
from data_prep.readers.label_table import LabelTable
from data_prep.readers.oxford_pets import read_oxford_pets
from data_prep.readers.stanford_cars import read_stanford_cars
from data_prep.size import Size

app = typer.Typer(
    help="Image-classification data sets, as their publishers ship them -> parquet that verl trains on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _add(name: str, read: ReadListing, help_text: str) -> None:
    @app.command(name, help=help_text)
    def command(
        context: typer.Context,
        source: options.Source,
        out: options.Out,
        train_size: options.TrainSize = None,
        val_size: options.ValSize = None,
        test_size: options.TestSize = None,
        stratified: options.Stratified = False,
        merge_val: options.MergeVal = False,
        seed: options.Seed = 42,
        include_class: options.IncludeClass = None,
        exclude_class: options.ExcludeClass = None,
        verify: options.VerifyMode = "full",
        max_pixels: options.MaxPixels = DEFAULT_MAX_PIXELS,
        split_file: options.SplitFile = None,
        skip_broken: options.SkipBroken = False,
        workers: options.Workers = None,
    ) -> None:
        _run(lambda: prepare(read, options.make_request(**_shared(context))))


_add("cub", read_cub, "CUB-200-2011: CUB_200_2011.tgz.")
_add("flowers102", read_flowers102, "Oxford 102 Flowers: 102flowers.tgz, imagelabels.mat and setid.mat in one folder.")
_add("food101", read_food101, "Food-101: food-101.tar.gz.")
_add("oxford_pets", read_oxford_pets, "Oxford-IIIT Pet: images.tar.gz and annotations.tar.gz in one folder.")
_add("stanford_cars", read_stanford_cars, "Stanford Cars: devkit, test labels and both archives in one folder.")
_add("fgvc_aircraft", read_fgvc_aircraft, "FGVC-Aircraft by variant: fgvc-aircraft-2013b.tar.gz.")
_add("caltech101", read_caltech101, "Caltech-101: caltech-101.zip.")


@app.command("folder")
def folder_command(
    context: typer.Context,
    source: options.Source,
    out: options.Out,
    name: Annotated[str, typer.Option(help="What `data_source` is to say.")] = "folder",
    labels: Annotated[Path | None, typer.Option(help="CSV or JSONL of labels; default: class-named folders.")] = None,
    file_column: Annotated[str, typer.Option(help="Its column of file names, relative to --source.")] = "file_name",
    label_column: Annotated[str, typer.Option(help="Its column of labels.")] = "label",
    split_column: Annotated[str, typer.Option(help="Its column of splits, if it has one.")] = "split",
    train_size: options.TrainSize = None,
    val_size: options.ValSize = None,
    test_size: options.TestSize = None,
    stratified: options.Stratified = False,
    merge_val: options.MergeVal = False,
    seed: options.Seed = 42,
    include_class: options.IncludeClass = None,
    exclude_class: options.ExcludeClass = None,
    verify: options.VerifyMode = "full",
    max_pixels: options.MaxPixels = DEFAULT_MAX_PIXELS,
    split_file: options.SplitFile = None,
    skip_broken: options.SkipBroken = False,
    workers: options.Workers = None,
) -> None:
    """Your own pictures: one folder a class, or a table of labels."""
    reader = FolderReader(name=name, labels=labels, table=LabelTable(file_column, label_column, split_column))
    _run(lambda: prepare(reader, options.make_request(**_shared(context))))


@app.command("hub")
def hub_command(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="The id of a data set of the Hugging Face hub, or a local copy.")],
    out: options.Out,
    name: Annotated[str | None, typer.Option(help="What `data_source` is to say; default: the id's last part.")] = None,
    config: Annotated[str | None, typer.Option(help="The configuration, where there are several.")] = None,
    revision: Annotated[str | None, typer.Option(help="A commit, tag or branch.")] = None,
    image_column: Annotated[str, typer.Option(help="The column of pictures.")] = "image",
    label_column: Annotated[str, typer.Option(help="The column of labels.")] = "label",
    names: Annotated[Path | None, typer.Option(help="File with one class name a line, for numbered labels.")] = None,
    train_size: options.TrainSize = None,
    val_size: options.ValSize = None,
    test_size: options.TestSize = None,
    stratified: options.Stratified = False,
    merge_val: options.MergeVal = False,
    seed: options.Seed = 42,
    include_class: options.IncludeClass = None,
    exclude_class: options.ExcludeClass = None,
    verify: options.VerifyMode = "full",
    max_pixels: options.MaxPixels = DEFAULT_MAX_PIXELS,
    split_file: options.SplitFile = None,
    skip_broken: options.SkipBroken = False,
    workers: options.Workers = None,
) -> None:
    """Any image-classification data set of the Hugging Face hub."""
    reader = HubReader(name, config, revision, image_column, label_column, names)
    _run(lambda: prepare(reader, options.make_request(**_shared(context))))


@app.command("mix")
def mix_command(
    part: Annotated[list[str], typer.Option(help="DIR=500 or DIR=10%: a folder made by data_prep, how much of it.")],
    out: options.Out,
    val_each: Annotated[str, typer.Option(help="Validation pictures of each part, a number or P%.")] = "100%",
    stratified: options.Stratified = False,
    seed: options.Seed = 42,
) -> None:
    """Join prepared data sets in given amounts."""
    _run(lambda: mix(list(map(Part.parse, part)), out, seed, stratified, Size.parse(val_each, "--val-each")))


@app.command("inspect")
def inspect_command(
    file: Annotated[Path, typer.Argument(help="A parquet made by data_prep.")],
    sheet: Annotated[Path | None, typer.Option(help="The contact sheet; default: FILE with .png for .parquet.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 24,
) -> None:
    """Print what a parquet holds and write a contact sheet of its pictures with their labels."""

    def work() -> None:
        findings = inspect_parquet(file, samples)
        target = sheet or file.with_suffix(".png")
        write_contact_sheet(findings.samples, target)
        for line in findings.lines():
            typer.echo(line)
        typer.echo(f"contact sheet of {len(findings.samples)} pictures: {target}")

    _run(work)


def main() -> NoReturn:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.INFO, format="data_prep: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    # Without its monitor thread: worker processes are forked.
    tqdm.monitor_interval = 0
    app(prog_name="python -m data_prep")
    sys.exit(0)


def _shared(context: typer.Context) -> dict[str, Any]:
    """The flags that every data set has."""
    names = inspect.signature(options.make_request).parameters
    return {name: value for name, value in context.params.items() if name in names}


def _run(work: Callable[[], object]) -> None:
    try:
        work()
    except DataPrepError as error:
        typer.echo(f"data_prep: error: {error}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt as error:
        typer.echo("data_prep: interrupted: run the same command again to go on from its finished shards", err=True)
        raise typer.Exit(130) from error


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
