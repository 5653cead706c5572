"""The one handler of all commands: what is wrong with the input is one line on stderr and exit status 2."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer

from speciarl_verl.errors import SpeciaRLError


@contextmanager
def refusing(command: str = "speciarl", told_before: Callable[[], Sequence[str]] = tuple) -> Iterator[None]:
    """Turn a `SpeciaRLError` into its line; anything else is a bug of ours and passes.

    Args:
        told_before: lines that come first on stderr, such as what was paid until then.
    """
    try:
        yield
    except SpeciaRLError as error:
        for line in (*told_before(), f"{command}: {' '.join(str(error).split())}"):
            typer.echo(line, err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo(f"{command}: stopped; repeat the command to resume", err=True)
        raise typer.Exit(130) from None
