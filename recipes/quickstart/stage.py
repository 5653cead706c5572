"""How each stage runs from the command line: bad input is one line on stderr and exit status 2."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from speciarl_verl.cli.refusal import refusing


def run_stage(main: Callable[..., Any]) -> None:
    """`typer.run` for people who do not read tracebacks."""

    @wraps(main)
    def stage(*args: Any, **kwargs: Any) -> None:
        with refusing("quickstart"):
            main(*args, **kwargs)

    typer.run(stage)
