"""The offline judge: a file that lists, for every label, its other names, its close parents and its broad ancestors.

It needs no server and gives the same verdict for ever, which makes it the judge for trying things and for tests. It
knows only the names in its file: a true name that is not listed counts as wrong.

File: JSON, UTF-8.

    {"name": "birds",
     "root": ["bird", "animal"],
     "labels": {"Brewer Blackbird": {"synonyms": ["Brewer's Blackbird", "Euphagus cyanocephalus"],
                                     "parents": ["blackbird", "Icteridae"],
                                     "generic": ["songbird"],
                                     "narrower": []}}}

Config key: `speciarl.judge.taxonomy`, a shipped name or the path of such a file.
"""

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from speciarl_verl.errors import InputError, JudgeError
from speciarl_verl.files import read_text
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.judge.wording import is_abstention, is_scientific, normalise
from speciarl_verl.method.category import Category

# "Blue Jay (Cyanocitta cristata)", "Blue Jay, Cyanocitta cristata", "Blue Jay - Cyanocitta cristata"
_TWO_NAMES = re.compile(r"(.+?)(?:\s*[(\[]([^()\[\]]+)[)\]]\W*|(?:[,:]|\s[-\u2013\u2014])\s+(.+))")


def _with_letters(name: str) -> str:
    if not normalise(name):
        raise ValueError(f"{name!r} has neither letters nor digits")
    return name


_Name = Annotated[str, AfterValidator(_with_letters)]


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    synonyms: tuple[_Name, ...] = ()
    parents: tuple[_Name, ...] = ()
    generic: tuple[_Name, ...] = ()
    narrower: tuple[_Name, ...] = ()


class _TaxonomyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    root: tuple[_Name, ...] = ()
    labels: dict[_Name, _Label] = Field(min_length=1)


class TaxonomyJudge:
    """Judges by looking the prediction up among the names of the ground truth's own entry.

    Names are compared after `normalise`. Where one name stands at several levels of the entry, the first of these
    decides: the label and its `synonyms` (specific), `narrower` (more specific), `parents` (less specific), `generic`
    and `root` (generic). Then come the abstentions of `wording`; anything else, another label's name too, is wrong.
    A name with another behind it, in brackets or after a comma, colon or dash, counts by the narrower one, when both
    are names of the entry; a scientific name may be missing from an entry that lists none, when no other label has it.
    """

    def __init__(self, taxonomy: _TaxonomyFile, origin: str) -> None:
        self._origin = origin
        self._entries: dict[str, Mapping[str, Category]] = {}
        for label, entry in taxonomy.labels.items():
            key = normalise(label)
            if key in self._entries:
                raise JudgeError(f"taxonomy {origin}: the label {label!r} is there twice (up to case and punctuation)")
            self._entries[key] = _levels(label, entry, taxonomy.root)
        self._scientific = {
            normalise(name): normalise(label)
            for label, entry in taxonomy.labels.items()
            for name in (label, *entry.synonyms)
            if is_scientific(name)
        }

    @classmethod
    def from_file(cls, path: str | Path) -> "TaxonomyJudge":
        """Read a taxonomy.

        Raises:
            JudgeError: the file cannot be read or breaks the format; the message names it and the first fault.
        """
        try:
            text = read_text(Path(path))
        except InputError as error:
            raise JudgeError(f"taxonomy {error}") from error
        return cls(_parse(text, str(path)), str(path))

    @classmethod
    def shipped(cls, name: str) -> "TaxonomyJudge":
        """Read a taxonomy of this package by its name, such as `cub`.

        Raises:
            JudgeError: there is none of that name.
        """
        if name not in shipped_taxonomies():
            raise JudgeError(f"no taxonomy {name!r} is shipped: there are {', '.join(shipped_taxonomies())}")
        text = (resources.files(__package__) / "taxonomies" / f"{name}.json").read_text(encoding="utf-8")
        return cls(_parse(text, name), name)

    async def judge(self, pair: Pair) -> Verdict:
        """Look one pair up.

        Raises:
            JudgeError: the taxonomy has no entry for the ground truth.
        """
        levels = self._entries.get(normalise(pair.ground_truth))
        if levels is None:
            raise JudgeError(
                f"taxonomy {self._origin} does not know the ground truth {pair.ground_truth!r} (it has "
                f"{len(self._entries)} labels): add the label to the file, name the taxonomy of this data set in "
                "speciarl.judge.taxonomy, or use the server judge"
            )
        category = levels.get(normalise(pair.prediction))
        if category is None:
            category = self._level_of_two_names(pair, levels)
        if category is None:
            category = Category.ABSTAIN if is_abstention(pair.prediction) else Category.WRONG
        return Verdict(category, Source.TAXONOMY)

    def _level_of_two_names(self, pair: Pair, levels: Mapping[str, Category]) -> Category | None:
        names = _TWO_NAMES.fullmatch(pair.prediction)
        if names is None:
            return None
        known = {name: levels.get(normalise(name)) for name in names.groups() if name is not None}
        lists_one = normalise(pair.ground_truth) in self._scientific.values()
        if not all(
            level is not None or (is_scientific(name) and not lists_one and normalise(name) not in self._scientific)
            for name, level in known.items()
        ):
            return None
        return max((level for level in known.values() if level is not None), default=None)

    async def check(self) -> None:
        """Nothing can fail any more: the file was read and validated at construction."""

    async def close(self) -> None:
        """Nothing is held open."""


def shipped_taxonomies() -> tuple[str, ...]:
    """The names that `TaxonomyJudge.shipped` knows."""
    folder = resources.files(__package__) / "taxonomies"
    return tuple(sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")))


def _parse(text: str, origin: str) -> _TaxonomyFile:
    try:
        return _TaxonomyFile.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        place = ".".join(str(part) for part in faults[0]["loc"])
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise JudgeError(
            f"taxonomy {origin}: {f'{place}: ' if place else ''}{faults[0]['msg']}{more}; "
            "the format is described in speciarl_verl/judge/taxonomy.py"
        ) from error


def _levels(label: str, entry: _Label, root: tuple[str, ...]) -> Mapping[str, Category]:
    ascending = (
        ((*root, *entry.generic), Category.GENERIC),
        (entry.parents, Category.LESS_SPECIFIC),
        (entry.narrower, Category.MORE_SPECIFIC),
        ((label, *entry.synonyms), Category.SPECIFIC),
    )
    return {normalise(name): category for names, category in ascending for name in names}
