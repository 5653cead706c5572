"""MATLAB files, in which Flowers-102 and Stanford Cars keep their labels."""

from pathlib import Path
from typing import Any

from data_prep.error import DataPrepError

_CURE = "restore the publisher's file"


def read_mat(path: Path, *names: str) -> dict[str, Any]:
    """The named variables of a MATLAB 5 file, as numpy arrays of one dimension; a struct array by its field names.

    Raises:
        DataPrepError: the file is missing, empty, damaged or lacks a variable.
    """
    import numpy
    from scipy.io import loadmat

    if not path.is_file():
        raise DataPrepError(f"{path}: missing: {_CURE}")
    if path.stat().st_size == 0:
        raise DataPrepError(f"{path}: is empty: {_CURE}")
    try:
        content = loadmat(str(path), squeeze_me=True)
    except Exception as error:  # scipy raises a dozen types for damaged files, its own and Python's
        reason = " ".join(str(error).split())
        raise DataPrepError(f"{path}: not a readable MATLAB 5 file ({reason}): {_CURE}") from error
    for name in names:
        if name not in content:
            raise DataPrepError(f"{path}: has no variable {name!r}: {_CURE}")
    return {name: numpy.atleast_1d(content[name]).reshape(-1) for name in names}


def integers(path: Path, values: Any, low: int, high: int, meaning: str) -> list[int]:
    """The values as numbers within [low, high].

    Raises:
        DataPrepError: naming the first that is not.
    """
    numbers = []
    for position, value in enumerate(values, start=1):
        if not (float(value).is_integer() and low <= value <= high):
            raise DataPrepError(f"{path}: {meaning} {position} is {value}, not from {low} to {high}: {_CURE}")
        numbers.append(int(value))
    return numbers
