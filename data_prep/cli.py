"""The command line: `python -m data_prep <data set> --source PATH --out DIR`.

A fault in the input or in the flags is one line on stderr and exit status 2, an interruption exit status 130.
"""

import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import typer

from data_prep import options
from data_prep.error import DataPrepError
from data_prep.picture import DEFAULT_MAX_PIXELS
from data_prep.prepare import ReadListing, prepare
from data_prep.readers.cub import read_cub

app = typer.Typer(
    help="Image-classification data sets, as their publishers ship them -> parquet that verl trains on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _commands() -> None:
    """With a callback, Typer keeps the name of a command even while there is only one."""


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
        skip_broken: options.SkipBroken = False,
        workers: options.Workers = None,
    ) -> None:
        _run(lambda: prepare(read, options.make_request(**context.params)))


_add("cub", read_cub, "CUB-200-2011 (CUB_200_2011.tgz).")


def main() -> NoReturn:
    """Run the command line and exit."""
    logging.basicConfig(level=logging.INFO, format="data_prep: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    app(prog_name="python -m data_prep")
    sys.exit(0)


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
