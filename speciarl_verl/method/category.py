"""The six ordered categories that a judge gives to a prediction.

Source: arXiv 2603.03197, section 3 (categories) and section 4 (specificity scores).
"""

from enum import IntEnum


class Category(IntEnum):
    """How a prediction relates to the ground truth; a higher value is a more specific truth.

    >>> Category.from_label("S-") < Category.SPECIFIC, Category.GENERIC.label, Category.MORE_SPECIFIC.symbol
    (True, 'generic', 'S+')
    """

    WRONG = 0
    ABSTAIN = 1
    GENERIC = 2
    LESS_SPECIFIC = 3
    SPECIFIC = 4
    MORE_SPECIFIC = 5

    @property
    def symbol(self) -> str:
        """The paper's short name: W, A, G, S-, S or S+."""
        return _SYMBOLS[self]

    @property
    def label(self) -> str:
        """The words that a judge answers with, such as `less specific`."""
        return self.name.lower().replace("_", " ")

    @property
    def is_correct(self) -> bool:
        """True for everything but `WRONG`: an abstention says nothing false."""
        return self is not Category.WRONG

    @property
    def specificity_score(self) -> int:
        """s(c): 0 for W, 1 for A, 2 for G, 3 for S-, 4 for S and S+."""
        return min(self.value, Category.SPECIFIC.value)

    @classmethod
    def from_label(cls, text: str) -> "Category":
        """The category whose label or symbol is exactly `text`, up to case and outer white space.

        Raises:
            ValueError: `text` names none of the six.
        """
        category = _BY_NAME.get(text.strip().lower())
        if category is None:
            raise ValueError(f"unknown category {text!r}: expected one of {', '.join(c.label for c in cls)}")
        return category


_SYMBOLS = {
    Category.WRONG: "W",
    Category.ABSTAIN: "A",
    Category.GENERIC: "G",
    Category.LESS_SPECIFIC: "S-",
    Category.SPECIFIC: "S",
    Category.MORE_SPECIFIC: "S+",
}
_BY_NAME = {name.lower(): c for c in Category for name in (c.label, c.symbol)}
