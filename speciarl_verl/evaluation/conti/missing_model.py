"""A model that is not at hand, and why: what needs it is off and says so, and the rest goes on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class MissingModelError(RuntimeError):
    """A model cannot be had; the message names it and the cure in one line."""


@dataclass(frozen=True)
class MissingModel:
    """Stands where a model would.

    Attributes:
        reason: in one line.
    """

    reason: str


def load_or_missing(load: Callable[[], T]) -> T | MissingModel:
    """The loaded model, or `MissingModel` with the loader's reason."""
    try:
        return load()
    except MissingModelError as error:
        logger.warning("%s", error)
        return MissingModel(str(error))


def first_line(error: BaseException) -> str:
    """What a library's error says, without its pages of advice."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
