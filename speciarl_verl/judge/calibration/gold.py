"""The gold set: pairs of ground truth and prediction whose category is known, to measure a judge by.

The shipped one, `gold.jsonl`, was written by hand for this project, by the table of the six categories and by the
decisions that the strict rubric spells out. One JSON object a line:

    {"ground_truth": "Mallard", "prediction": "Anas platyrhynchos", "category": "S", "domain": "birds",
     "kind": "scientific", "note": "why, where it is not plain"}
"""

from collections.abc import Mapping
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from speciarl_verl.errors import InputError
from speciarl_verl.files import json_lines, read_text
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category


class Kind(str, Enum):
    """What a pair puts to the test."""

    EXACT = "exact"
    SYNONYM = "synonym"
    SCIENTIFIC = "scientific"
    SPELLING = "spelling"
    LANGUAGE = "language"
    PARENT = "parent"
    GENERIC = "generic"
    NARROWER = "narrower"
    VERBOSE = "verbose"
    DOUBT = "doubt"
    SIBLING = "sibling"
    NEAR_MISS = "near-miss"
    UNRELATED = "unrelated"
    CONTRADICTION = "contradiction"
    HEDGE = "hedge"
    GARBLED = "garbled"
    REFUSAL = "refusal"
    INJECTION = "injection"


def _of_symbol(value: object) -> object:
    # A number is refused: nobody counts categories by hand without a slip.
    return Category.from_label(value if isinstance(value, str) else repr(value))


class GoldPair(BaseModel):
    """One line of a gold set.

    Attributes:
        category: what a judge should say; in the file, its symbol or its label.
        domain: the kind of data set, such as `birds`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ground_truth: str = Field(min_length=1)
    prediction: str
    category: Annotated[Category, BeforeValidator(_of_symbol)]
    domain: str = Field(min_length=1)
    kind: Kind
    note: str | None = None

    @property
    def pair(self) -> Pair:
        """What the judge is asked."""
        return Pair(prediction=self.prediction, ground_truth=self.ground_truth)


def load_gold(path: Path | None = None) -> tuple[GoldPair, ...]:
    """Read the shipped gold set, or a file of the same format.

    Raises:
        InputError: the file cannot be read, is empty, or a line is malformed or there twice; the message names it.
    """
    name = path or "gold.jsonl"
    gold: dict[Pair, GoldPair] = {}
    for number, values in json_lines(_read(path), name):
        entry = _parse(values, f"{name}:{number}")
        if entry.pair in gold:
            raise InputError(f"{name}:{number}: the same ground truth and prediction are there before; drop one line")
        gold[entry.pair] = entry
    if not gold:
        raise InputError(f"{name}: holds no pairs; each line must be one JSON object")
    return tuple(gold.values())


def _read(path: Path | None) -> str:
    if path is None:
        return (resources.files(__package__) / "gold.jsonl").read_text(encoding="utf-8")
    return read_text(path)


def _parse(values: Mapping[str, object], place: str) -> GoldPair:
    try:
        return GoldPair.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in fault["loc"])
        raise InputError(f"{place}: {f'{key}: ' if key else ''}{fault['msg']}; correct this line") from error
