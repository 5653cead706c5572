"""What of a source is no part of the output: counted and named, on stderr and in the manifest."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

_NAMED = 5
"""Names kept of each kind; the rest is only counted."""


@dataclass(frozen=True)
class LeftOut:
    """Some things that are left out for one reason.

    Attributes:
        what: in the plural, such as `files ending in .heic`.
        names: the first of them.
    """

    what: str
    count: int
    names: tuple[str, ...]

    @classmethod
    def of(cls, what: str, names: Iterable[str]) -> "tuple[LeftOut, ...]":
        """One entry for all of `names`, or none when there are no names."""
        held = list(names)
        return (cls(what, len(held), tuple(held[:_NAMED])),) if held else ()

    def line(self) -> str:
        """For stderr."""
        more = ", ..." if self.count > len(self.names) else ""
        return f"left out: {self.count} {self.what} ({', '.join(self.names)}{more})"

    def summary(self) -> dict[str, Any]:
        """For the manifest."""
        return {**asdict(self), "names": list(self.names)}
