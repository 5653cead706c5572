"""The command `speciarl doctor`: one line a finding, and a spinner for who waits at a terminal."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from speciarl_verl.cli.judge_flags import JudgeUrl

if TYPE_CHECKING:
    from speciarl_verl.preflight.examination import Examination


def doctor(
    judge_url: JudgeUrl = None,
    model: Annotated[
        str | None, typer.Option(metavar="DIR|ID", help="Does it load with a processor, and does a training fit?")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Is it a parquet of ours? May be repeated.")
    ] = None,
) -> None:
    """Check the installation, the machine and what is named: exit 0 when all is well; each fault with its cure."""
    from speciarl_verl.preflight import doctor as practice
    from speciarl_verl.preflight.examination import examine

    wait = waiting()
    well = True
    for examination in (*practice.EXAMINATIONS, *practice.asked_examinations(judge_url, model, data or ())):
        with wait(examination):
            finding = examine(examination)
        typer.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.text}")
        well = well and finding.ok
    raise typer.Exit(0 if well else 1)


def waiting() -> "Callable[[Examination], AbstractContextManager[object]]":
    """A spinner on a terminal; in a log the subject, at once: importing verl takes a while."""
    if not sys.stderr.isatty():

        def tell(examination: "Examination") -> AbstractContextManager[object]:
            typer.echo(f"...  {examination.subject}", err=True)
            return nullcontext()

        return tell
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    return lambda examination: console.status(escape(examination.subject))
