"""How many: a number of pictures, or a percentage."""

import re
from dataclasses import dataclass

from data_prep.error import DataPrepError


@dataclass(frozen=True)
class Size:
    """A number of pictures, or a percentage of a pool.

    Attributes:
        text: as the user wrote it.
        number: of pictures or of per cent.
    """

    text: str
    number: float
    percent: bool

    @classmethod
    def parse(cls, text: str, flag: str) -> "Size":
        """Read `3000` or `12.5%`.

        Raises:
            DataPrepError: neither of them, or out of range; `flag` names what is wrong.
        """
        match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)\s*%", text.strip(), re.ASCII)
        if match is None:
            raise DataPrepError(f"{flag} {text}: not a size: give a number of pictures (3000) or a percentage (10%)")
        if match[1] is not None:
            return cls(text=text, number=int(match[1]), percent=False)
        if float(match[2]) > 100:
            raise DataPrepError(f"{flag} {text}: more than everything: give at most 100%")
        return cls(text=text, number=float(match[2]), percent=True)

    def of(self, total: int) -> int:
        """The number of pictures, of `total`; a half is rounded up."""
        return int(self.number * total / 100 + 0.5) if self.percent else int(self.number)
