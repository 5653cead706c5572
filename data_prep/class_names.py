"""From what a source calls its classes to labels that name something: a judge compares them with what a model says.

Folders and hub sets often say `n01440764`, `17` or `001.Black_footed_Albatross`. Numbers before every name come off;
what names nothing is refused, unless a file of names (`--names`) says what it means.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.readers.lists import read_lines

_NUMBER = re.compile(r"[+-]?\d+(\.0*)?")
_WORDNET = re.compile(r"n\d{8}")
_COUNTED = re.compile(r"(class|cls|label|category|id|folder|group|cluster)[\s_.-]*\d+", re.IGNORECASE)
_HASH = re.compile(r"(?=.*\d)[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FILE = re.compile(r".+\.(jpe?g|png|webp|gif|bmp|tiff?|avif|heic)", re.IGNORECASE)
_FOLDER = re.compile(
    r"(jpeg)?im(age|g)s?|pic(ture)?s?|photos?|jpe?gs?|pngs?|data(set)?|unlabell?ed|unsup|annotations?", re.IGNORECASE
)
_MISSING = frozenset(("nan", "none", "null", "na", "n/a", "#n/a", "undefined"))
_NUMBERED = re.compile(r"(\d+)[\s._-]+(?=\D)")
_WORDNET_PREFIX = re.compile(r"n\d{8}[\s._-]+(?=\S)")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060\u00ad"))
_CURE = "say what they mean with --names FILE"


@dataclass(frozen=True)
class ClassNames:
    """The classes of a source.

    Attributes:
        labels: in the order of their ids.
        ids: what the source calls a class -> position of its label.
        notes: what was done to the names, one line each.
    """

    labels: tuple[str, ...]
    ids: Mapping[str, int]
    notes: tuple[str, ...] = ()


def name_classes(
    source: object, raw: Iterable[str], names: Path | None, underscores: bool, ordered: bool = False
) -> ClassNames:
    """Turn what a source calls its classes into labels; those that become equal are one class.

    Args:
        source: for messages.
        names: a file that says what they mean, see `read_names`.
        underscores: `_` becomes a space, and numbers before every name come off.
        ordered: the order of `raw` is the publisher's; otherwise labels are sorted.

    Raises:
        DataPrepError: a class is called by something that names nothing.
    """
    calls = list(dict.fromkeys(raw))
    meanings = read_names(names, calls) if names is not None else {}
    unnamed = [call for call in calls if call not in meanings]
    notes = []
    found = {call: clean(meanings[call]) for call in calls if call in meanings}
    if underscores:
        bare = without_numbers(unnamed)
        if bare != unnamed:
            notes.append(f"the numbers before all names are left out: {unnamed[0]!r} is {clean(bare[0], True)!r}")
        found |= {call: clean(text, True) for call, text in zip(unnamed, bare, strict=True)}
    else:
        found |= {call: clean(call) for call in unnamed}
    for call in unnamed:
        reason = names_nothing(found[call])
        if reason is not None:
            raise DataPrepError(f"{source}: label {call!r} is {reason}, which no model could say: {_CURE}")
    labels = list(dict.fromkeys(found[call] for call in calls))
    if not ordered:
        labels.sort()
    ids = {label: position for position, label in enumerate(labels)}
    for label in labels:
        same = [call for call in calls if found[call] == label]
        if len(same) > 1:
            notes.append(f"{', '.join(map(repr, same))} are one class, {label!r}")
    folded = {label.casefold(): label for label in labels}
    for label in labels:
        if (other := folded[label.casefold()]) != label:
            notes.append(f"{label!r} and {other!r} differ in case only: two classes")
    return ClassNames(tuple(labels), {call: ids[found[call]] for call in calls}, tuple(notes))


def clean(text: str, underscores: bool = False) -> str:
    """The text in Unicode's composed form, without invisible signs, with single spaces."""
    text = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    return " ".join((text.replace("_", " ") if underscores else text).split())


def names_nothing(label: str) -> str | None:
    """What a label is, if it is an id, a folder or a file and not a name; None for a name."""
    text = label.strip()
    if _NUMBER.fullmatch(text):
        return "a number"
    if _WORDNET.fullmatch(text):
        return "a WordNet id"
    if _COUNTED.fullmatch(text) or _HASH.fullmatch(text):
        return "an id"
    if _FILE.fullmatch(text):
        return "a file name"
    if _FOLDER.fullmatch(text):
        return "a folder of pictures"
    if text.casefold() in _MISSING:
        return "a mark for a missing value"
    return None


def without_numbers(names: Sequence[str]) -> list[str]:
    """The names less the numbers (`001.`, `12_`) or WordNet ids (`n02085620-`) before them, if all have one.

    Numbers come off only where they count the names: one each, from 0 or 1 on, or all of one width with a leading zero.
    """
    if len(names) > 1 and all(_WORDNET_PREFIX.match(name) for name in names):
        return [_WORDNET_PREFIX.sub("", name, count=1) for name in names]
    numbers = [match[1] if (match := _NUMBERED.match(name)) else "" for name in names]
    if len(names) < 2 or not all(numbers) or len(set(map(int, numbers))) < len(names):
        return list(names)
    low, high = min(map(int, numbers)), max(map(int, numbers))
    counts = low in (0, 1) and high - low == len(names) - 1
    padded = len(set(map(len, numbers))) == 1 and any(number.startswith("0") for number in numbers)
    if not (counts or padded):
        return list(names)
    return [_NUMBERED.sub("", name, count=1) for name in names]


def read_names(path: Path, calls: Sequence[str]) -> dict[str, str]:
    """What the classes of a source mean.

    The file is a JSON object (`{"n01440764": "tench"}`; of a list the last text counts), or has one `ID NAME` a line;
    for classes that are numbers it may also be a JSON list of names or have one name a line, from 0 or 1 on.

    Returns:
        call -> name; calls that are names already may be missing.

    Raises:
        DataPrepError: the file is not of that form, or leaves a number or an id without a name.
    """
    table = _json(path) if path.suffix.lower() == ".json" else [line.fields[0] for line in read_lines(path)]
    needy = [call for call in calls if names_nothing(call) is not None]
    by_id = table if isinstance(table, dict) else _by_id(path, table, needy)
    if isinstance(table, list) and not set(needy) <= set(by_id) and all(map(_is_whole, needy)):
        by_id = _by_position(path, needy, table)
    meanings = {call: by_id[call] for call in calls if call in by_id}
    if not meanings:
        raise DataPrepError(f"{path}: names none of {', '.join(calls[:3])}, ...: write one `ID NAME` a line")
    for call in calls:
        if call in needy and call not in meanings:
            raise DataPrepError(f"{path}: has no name for {call!r}: add it")
        if not meanings.get(call, call).strip():
            raise DataPrepError(f"{path}: the name of {call!r} is empty: fill it in")
    return meanings


def _by_id(path: Path, lines: Sequence[str], calls: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        pair = re.split(r"[\s,;:=]+", line, maxsplit=1)
        if len(pair) == 2 and found.setdefault(pair[0], pair[1]) != pair[1] and pair[0] in calls:
            raise DataPrepError(f"{path}: {pair[0]} is {found[pair[0]]!r} and {pair[1]!r}: leave one of them")
    return found


def _by_position(path: Path, calls: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    numbers = [int(call) for call in calls]
    # Numbers from 1 on that need as many names as there are; every other list begins at 0.
    first = 1 if min(numbers) == 1 and max(numbers) == len(names) else 0
    if max(numbers) - first >= len(names):
        raise DataPrepError(f"{path}: has {len(names)} names, label {max(numbers)} has no name: add it")
    return {call: names[number - first] for call, number in zip(calls, numbers, strict=True)}


def _is_whole(call: str) -> bool:
    return call.isascii() and call.isdigit()


def _json(path: Path) -> dict[str, str] | list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataPrepError(f"{path}: not a readable JSON file ({error}): {_CURE}") from error
    if isinstance(content, list) and all(isinstance(value, str) for value in content):
        return content
    if not isinstance(content, dict):
        raise DataPrepError(f"{path}: neither an object nor a list of names: {_CURE}")
    names = {}
    for key, value in content.items():
        names[key] = str(value[-1] if isinstance(value, list) and value else value)
        if isinstance(value, list) and value:
            # Keras writes {"0": ["n01440764", "tench"]}: pictures lie in folders of either name.
            names[str(value[0])] = names[key]
    return names
