"""The error browser: one HTML file with every judged prediction and its picture, to be read in any web browser.

The page is `assets/page.html.j2` with the style sheet and the scripts beside it inside; it loads nothing from
anywhere. What a model said is never markup: it travels as JSON in a block that no browser runs, reaches the page as
text nodes, and the page's policy allows no script but ours, known by its hash.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from speciarl_verl.evaluation.error_browser.thumbnails import encode_thumbnails
from speciarl_verl.evaluation.outcome_colours import DARK, LIGHT
from speciarl_verl.evaluation.records import OUTCOMES, Judged, SampleKey
from speciarl_verl.evaluation.store import judged_line
from speciarl_verl.files import whole_file
from speciarl_verl.method.category import Category

logger = logging.getLogger(__name__)

_SCRIPTS = ("rows.js", "filters.js", "controls.js")
_SYMBOLS = list(OUTCOMES)
# Neither tag nor comment can begin within the block, whatever it holds. The JSON itself is ASCII already.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True)
class _Inline:
    """A style sheet or script inside the page, and how the page's policy names it."""

    text: str

    @property
    def source(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()
        return f"'sha256-{digest}'"


def write_browser(
    judged: Sequence[Judged], pictures: Callable[[SampleKey], bytes | None], path: Path, *, title: str
) -> None:
    """Write the page to `path`, in one piece or not at all. The same input makes the same bytes.

    Args:
        judged: in any order; the page has them by key.
        pictures: the image file of a sample, None where it is missing. Called in this thread, with the first sample of
            each image. A missing or damaged picture is a placeholder on the page, and counted in a warning.
        path: in a folder that exists.
        title: such as the run's name.

    Raises:
        ValueError: nothing to show, or two predictions for one sample.
        InputError: the page cannot be written.
    """
    ordered = sorted(judged, key=lambda item: item.prediction.key)
    _check(ordered)
    firsts = _first_samples(ordered)
    thumbnails = list(encode_thumbnails(len(firsts), lambda number: pictures(firsts[number])))
    _warn_of_missing(firsts, thumbnails)
    # Only the title is not ASCII by now; what UTF-8 cannot hold of it becomes a character reference.
    text = _render(ordered, thumbnails, title).encode("utf-8", "xmlcharrefreplace")
    with whole_file(path) as partial:
        partial.write_bytes(text)


def _check(ordered: Sequence[Judged]) -> None:
    if not ordered:
        raise ValueError("no predictions to show")
    for one, other in pairwise(item.prediction.key for item in ordered):
        if one == other:
            raise ValueError(f"two predictions for {one}")


def _first_samples(ordered: Iterable[Judged]) -> list[SampleKey]:
    """One key an image."""
    firsts: dict[tuple[str, str], SampleKey] = {}
    for item in ordered:
        firsts.setdefault(item.prediction.key.picture, item.prediction.key)
    return list(firsts.values())


def _warn_of_missing(firsts: Sequence[SampleKey], thumbnails: Sequence[bytes | None]) -> None:
    missing = [key for key, thumbnail in zip(firsts, thumbnails, strict=True) if thumbnail is None]
    if missing:
        name = f"{missing[0].dataset}/{missing[0].image}"
        logger.warning("%d of %d pictures are missing or damaged, the first is %r", len(missing), len(firsts), name)


def _render(ordered: Sequence[Judged], thumbnails: Sequence[bytes | None], title: str) -> str:
    folder = resources.files(__package__) / "assets"
    style = _Inline((folder / "style.css").read_text(encoding="utf-8") + _tones())
    script = _Inline("".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS))
    template = (folder / "page.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(template)
    return page.render(title=title, style=style, script=script, data=_to_json(ordered, thumbnails))


def _to_json(ordered: Sequence[Judged], thumbnails: Sequence[bytes | None]) -> str:
    """The page's data. Non-ASCII is escaped: lone surrogates too, which UTF-8 has no bytes for."""
    data = {
        "categories": [
            {"symbol": symbol, "name": outcome.label if isinstance(outcome, Category) else symbol}
            for symbol, outcome in OUTCOMES.items()
        ],
        "pictures": [thumbnail and base64.b64encode(thumbnail).decode() for thumbnail in thumbnails],
        "rows": _rows(ordered),
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def _rows(ordered: Sequence[Judged]) -> list[dict[str, object]]:
    """A line of `verdicts.jsonl` each, without what is None; `picture` numbers the images in the order of the keys."""
    numbers = {key.picture: number for number, key in enumerate(_first_samples(ordered))}
    rows = []
    for item in ordered:
        line = judged_line(item)
        line |= {"picture": numbers[item.prediction.key.picture], "category": _SYMBOLS.index(line.pop("outcome"))}
        rows.append({name: value for name, value in line.items() if value is not None})
    return rows


def _tones() -> str:
    """The colours of the outcomes, and of what is written on them, by their places in `OUTCOMES`."""
    schemes = {"{}": LIGHT, "@media (prefers-color-scheme: dark) {{ {} }}": DARK}
    return "".join(
        rule.format(f".c{number} {{ --tone: {tones[symbol].colour}; --on: {tones[symbol].ink}; }}") + "\n"
        for rule, tones in schemes.items()
        for number, symbol in enumerate(_SYMBOLS)
    )
