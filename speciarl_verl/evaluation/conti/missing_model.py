"""A model that is not at hand, and why: what needs it is off and says so, and the rest goes on."""

import logging
from collections.abc import Callable
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class MissingModelError(RuntimeError):
    """A model cannot be had; names it and the cure in one line. It also stands where the model would."""


def load_or_missing(load: Callable[[], T]) -> T | MissingModelError:
    """The loaded model, or why there is none."""
    try:
        return load()
    except MissingModelError as error:
        logger.warning("%s", error)
        return error


def first_line(error: BaseException) -> str:
    """What a library's error says, without its pages of advice."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
