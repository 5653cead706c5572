"""The output folder: nothing appears in it before everything is complete.

All work happens in `OUT/.data_prep`. When it is done the parquet files are renamed into place, the manifest last. After
an error the work folder goes; after an interruption it stays, and the same command goes on from its finished shards.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from data_prep.error import DataPrepError

MANIFEST = "manifest.json"
WORK = ".data_prep"


@dataclass(frozen=True)
class Output:
    """An output folder that this process alone works in."""

    folder: Path
    work: Path

    @property
    def scratch(self) -> Path:
        """Where archives are unpacked."""
        return self.work / "unpacked"

    @property
    def shards(self) -> Path:
        """Where finished shards wait."""
        return self.work / "shards"

    def unfinished(self, name: str) -> Path:
        """Where the file `name` is written until it is published."""
        return self.work / name

    def need_space(self, number_of_bytes: int) -> None:
        """Refuse early what cannot end well.

        Raises:
            DataPrepError: the disk has less room than that.
        """
        free = shutil.disk_usage(self.folder).free
        if free < number_of_bytes:
            raise DataPrepError(
                f"{self.folder}: its disk needs about {number_of_bytes / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free: "
                "free some, or choose another --out"
            )

    def publish(self, names: list[str], replaced: tuple[str, ...]) -> None:
        """Move the finished files into place; of `replaced`, those that this run did not make are removed."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for name in replaced:
            if name not in names:
                (self.folder / name).unlink(missing_ok=True)
        for name in sorted(names, key=lambda name: name == MANIFEST):
            self.unfinished(name).replace(self.folder / name)


@contextmanager
def open_output(folder: Path) -> Iterator[Output]:
    """Create the output folder and take it for this process.

    Raises:
        DataPrepError: it cannot be created or written, or another run is at work in it.
    """
    created = next((parent for parent in reversed([folder, *folder.parents]) if not parent.exists()), None)
    if folder.is_dir() and [path.name for path in folder.iterdir()] == [WORK]:
        created = folder  # by an earlier run, which was interrupted
    output = Output(folder=folder, work=folder / WORK)
    try:
        output.shards.mkdir(parents=True, exist_ok=True)
        lock = (output.work / "lock").open("w")
    except OSError as error:
        _remove_created(folder, created)
        raise DataPrepError(f"{folder}: cannot be written ({error.strerror}): choose another --out") from error
    with lock:
        _take(lock, folder)
        try:
            yield output
        except KeyboardInterrupt:
            raise
        except OSError as error:
            _clean_up(output, created)
            name = error.filename or folder
            raise DataPrepError(
                f"{name}: cannot be read or written ({error.strerror or error}): check space and permissions"
            ) from error
        except BaseException:
            _clean_up(output, created)
            raise
        shutil.rmtree(output.work, ignore_errors=True)


def _take(lock: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DataPrepError(f"{folder}: another data_prep is at work here: wait, or choose another --out") from error


def _clean_up(output: Output, created: Path | None) -> None:
    shutil.rmtree(output.work, ignore_errors=True)
    _remove_created(output.folder, created)


def _remove_created(folder: Path, created: Path | None) -> None:
    """Remove the folders that this run made, as far as they are empty."""
    if created is None:
        return
    for path in [folder, *folder.parents]:
        try:
            path.rmdir()
        except OSError:
            return
        if path == created:
            return
