"""`speciarl follow`: looks at a training from its files."""

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

    with refusing("train.sh"):
        status = until_the_end(Follower(metrics, log, log_offset), typer.echo)
    if status:
        typer.echo(f"train.sh: {failure(status, log, log_offset)}", err=True)
