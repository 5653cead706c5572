"""One look of `speciarl doctor`, and what it found."""

import logging
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report; where it is not ok, with the cure."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Examination:
    """One look, which may take a while.

    Attributes:
        subject: what is looked at, for those who wait.
    """

    subject: str
    look: Callable[[], Finding]


def examine(examination: Examination) -> Finding:
    """Look, and report whatever breaks."""
    logging.getLogger("verl").setLevel(logging.ERROR)
    try:
        return examination.look()
    except Exception as error:  # a doctor reports whatever breaks
        told = " ".join(str(error).split())[:600]
        return Finding(False, f"{examination.subject}: {type(error).__name__}: {told}")
