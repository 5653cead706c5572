"""`speciarl report` and `speciarl follow`: look at a training from its files."""

from pathlib import Path
from typing import Annotated

import typer

from speciarl_verl.cli.refusal import refusing


def follow(
    metrics: Annotated[Path, typer.Argument(help="The JSONL of verl's file logger, of this launch.")],
    log: Annotated[Path, typer.Argument(help="verl's output.")],
    log_offset: Annotated[int, typer.Option(help="Bytes of the log that earlier launches wrote.")] = 0,
) -> None:
    """Print a line a step until the training's exit status comes on standard input; `recipes/train.sh` calls it."""
    from speciarl_verl.watch.follower import Follower, failure
    from speciarl_verl.watch.follower import follow as until_the_end
    from speciarl_verl.watch.versions import write_versions

    with refusing("train.sh"):
        write_versions(metrics)
        follower = Follower(metrics, log, log_offset)
        status = until_the_end(follower, typer.echo)
    if status == 0 and (early := follower.early_end()) is not None:
        typer.echo(f"train.sh: {early}")
    if status:
        typer.echo(f"train.sh: {failure(status, log, log_offset)}", err=True)


def report(
    runs: Annotated[list[Path], typer.Argument(help="The --out of one or more trainings.", metavar="RUN...")],
    out: Annotated[Path | None, typer.Option(help="Folder of the report (one run: its own folder report).")] = None,
) -> None:
    """Explain trainings in one HTML page and plots: curves, verdicts, the same picture early and late, warnings."""
    from speciarl_verl.errors import InputError
    from speciarl_verl.run_report.writing import write_report

    with refusing():
        if out is None and len(runs) > 1:
            raise InputError("--out is needed for a report of several runs")
        typer.echo(str(write_report(runs, out or runs[0] / "report")))
