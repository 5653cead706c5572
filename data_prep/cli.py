"""The command line: `python -m data_prep <data set> --source PATH --out DIR`.

A fault in the input or in the flags is one line on stderr and exit status 2, an interruption exit status 130.
"""

import logging
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from data_prep import options
from speciarl_verl.errors import SpeciaRLError

# What reads and writes is imported when a command runs: --help answers at once.

PUBLISHED = {
    "cub": "CUB-200-2011: CUB_200_2011.tgz.",
    "flowers102": "Oxford 102 Flowers: 102flowers.tgz, imagelabels.mat and setid.mat in one folder.",
    "food101": "Food-101: food-101.tar.gz.",
    "oxford_pets": "Oxford-IIIT Pet: images.tar.gz and annotations.tar.gz in one folder.",
    "stanford_cars": "Stanford Cars: devkit, test labels and both archives in one folder.",
    "caltech101": "Caltech-101: caltech-101.zip.",
}
"""Name -> help. `data_prep.readers.NAME` has the function `read_NAME`."""

app = typer.Typer(
    help="Image-classification data sets, as their publishers ship them -> parquet that verl trains on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _add(name: str, help_text: str) -> None:
    @app.command(name, help=help_text)
    @options.with_shared_flags
    def command(flags: dict[str, Any]) -> None:
        read = getattr(import_module(f"data_prep.readers.{name}"), f"read_{name}")
        _prepare(lambda: read, flags)


for _name, _help in PUBLISHED.items():
    _add(_name, _help)

SplitMap = Annotated[
    list[str] | None,
    typer.Option("--split", help="NAME=SPLIT: what a split of the source is: train, val, test, or none to leave out."),
]
Names = Annotated[Path | None, typer.Option(help="File that names classes which are numbers or ids.")]


@app.command("fgvc_aircraft")
@options.with_shared_flags
def fgvc_aircraft_command(
    flags: dict[str, Any],
    keep_banner: Annotated[
        bool, typer.Option("--keep-banner", help="Keep the 20 rows at the bottom that name the photographer.")
    ] = False,
) -> None:
    """FGVC-Aircraft by variant: fgvc-aircraft-2013b.tar.gz."""
    from data_prep.readers.fgvc_aircraft import BANNER, read_fgvc_aircraft

    if not keep_banner:
        flags["cut_bottom"] = max(BANNER, flags["cut_bottom"])
    _prepare(lambda: read_fgvc_aircraft, flags)


@app.command("folder")
@options.with_shared_flags
def folder_command(
    flags: dict[str, Any],
    name: Annotated[str, typer.Option(help="What `data_source` is to say.")] = "folder",
    labels: Annotated[Path | None, typer.Option(help="CSV or JSONL of labels; default: class-named folders.")] = None,
    file_column: Annotated[str, typer.Option(help="Its column of file names, relative to --source.")] = "file_name",
    label_column: Annotated[str, typer.Option(help="Its column of labels.")] = "label",
    split_column: Annotated[str, typer.Option(help="Its column of splits, if it has one.")] = "split",
    split: SplitMap = None,
    names: Names = None,
    unseen_classes: Annotated[
        bool, typer.Option("--unseen-classes", help="Folders of val and test may name classes that train has not.")
    ] = False,
    name_encoding: Annotated[
        str | None, typer.Option(help="Encoding of the names in an archive that are not UTF-8, such as gbk.")
    ] = None,
) -> None:
    """Your own pictures: one folder a class, or a table of labels."""
    from data_prep.readers.folder import FolderReader
    from data_prep.readers.label_table import LabelTable
    from data_prep.splits import SplitNames

    table = LabelTable(file_column, label_column, split_column)
    _prepare(
        lambda: FolderReader(name, labels, table, SplitNames.parse(split or ()), names, name_encoding, unseen_classes),
        flags,
    )


@app.command("hub")
@options.with_shared_flags
def hub_command(
    flags: dict[str, Any],
    name: Annotated[str | None, typer.Option(help="What `data_source` is to say; default: the id's last part.")] = None,
    config: Annotated[str | None, typer.Option(help="The configuration, where there are several.")] = None,
    revision: Annotated[str | None, typer.Option(help="A commit, tag or branch.")] = None,
    image_column: Annotated[str, typer.Option(help="The column of pictures.")] = "image",
    label_column: Annotated[str, typer.Option(help="The column of labels.")] = "label",
    split: SplitMap = None,
    names: Names = None,
) -> None:
    """Any image-classification data set of the Hugging Face hub."""
    from data_prep.readers.hub import HubReader
    from data_prep.splits import SplitNames

    _prepare(
        lambda: HubReader(name, config, revision, image_column, label_column, names, SplitNames.parse(split or ())),
        flags,
    )


@app.command("mix")
def mix_command(
    part: Annotated[list[str], typer.Option(help="DIR=500 or DIR=10%: a folder made by data_prep, how much of it.")],
    out: options.Out,
    val_each: Annotated[str, typer.Option(help="Validation pictures of each part, a number or P%.")] = "100%",
    stratified: options.Stratified = False,
    draw: options.DrawMode = "hash",
    seed: options.Seed = 42,
) -> None:
    """Join prepared data sets in given amounts."""
    from data_prep.mix import Part, mix
    from data_prep.size import Size

    def work() -> None:
        way = options.check_draw(draw, stratified)
        mix(list(map(Part.parse, part)), out, seed, stratified, Size.parse(val_each, "--val-each"), way)

    _run(work)


@app.command("inspect")
def inspect_command(
    path: Annotated[Path, typer.Argument(help="A parquet made by data_prep, or the folder of its splits.")],
    sheet: Annotated[
        Path | None, typer.Option(help="The contact sheet; default: FILE with .png for .parquet, DIR/inspect.png.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 24,
) -> None:
    """Show what the splits hold and what is odd about their labels, and write a contact sheet."""

    def work() -> None:
        from data_prep.inspection.contact_sheet import write_contact_sheet
        from data_prep.inspection.findings import inspect_files
        from data_prep.inspection.screen import screen

        findings = inspect_files(path, samples)
        target = sheet or (path / "inspect.png" if path.is_dir() else path.with_suffix(".png"))
        write_contact_sheet(findings.samples, target)
        for line in screen(findings):
            typer.echo(line)
        typer.echo(f"contact sheet of {len(findings.samples)} pictures: {target}")

    _run(work)


def main() -> NoReturn:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.INFO, format="data_prep: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    app(prog_name="python -m data_prep")
    sys.exit(0)


def _prepare(reader: Callable[[], Any], flags: dict[str, Any]) -> None:
    def work() -> None:
        from data_prep.prepare import prepare

        prepare(reader(), options.make_request(**flags))

    _run(work)


def _run(work: Callable[[], object]) -> None:
    from tqdm import tqdm

    # Without its monitor thread: worker processes are forked.
    tqdm.monitor_interval = 0
    try:
        work()
    except SpeciaRLError as error:
        typer.echo(f"data_prep: error: {_printable(error)}", err=True)
        raise typer.Exit(2) from error
    except UnicodeEncodeError as error:
        around = ascii(str(error.object)[max(0, error.start - 40) : error.end + 40])
        typer.echo(f"data_prep: error: {around}: not UTF-8: rename it", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt as error:
        typer.echo("data_prep: interrupted: run the same command again to go on from its finished shards", err=True)
        raise typer.Exit(130) from error


def _printable(error: Exception) -> str:
    """One line, whatever signs a name in it has."""
    return " ".join(str(error).split()).encode("utf-8", "backslashreplace").decode()


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
