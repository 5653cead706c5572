"""How each stage runs from the command line: bad input is one line on stderr and exit status 2."""

from collections.abc import Callable
from typing import Any

import typer

from speciarl_verl.judge.protocol import JudgeError


def run_stage(main: Callable[..., Any]) -> None:
    """`typer.run` for people who do not read tracebacks."""
    try:
        typer.run(main)
    except (ValueError, OSError, JudgeError) as error:
        typer.echo(f"quickstart: {' '.join(str(error).split())}", err=True)
        raise SystemExit(2) from None
