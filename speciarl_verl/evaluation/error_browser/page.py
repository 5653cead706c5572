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
from speciarl_verl.evaluation.records import Judged, Outcome, SampleKey
from speciarl_verl.files import whole_file
from speciarl_verl.method.category import Category

logger = logging.getLogger(__name__)

_SCRIPTS = ("rows.js", "filters.js", "controls.js")
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
            name = f"{one.dataset}/{one.image}"
            raise ValueError(f"two predictions for sample {one.sample} of {name!r}")


def _first_samples(ordered: Iterable[Judged]) -> list[SampleKey]:
    """One key an image."""
    firsts: dict[tuple[str, str], SampleKey] = {}
    for item in ordered:
        key = item.prediction.key
        firsts.setdefault((key.dataset, key.image), key)
    return list(firsts.values())


def _warn_of_missing(firsts: Sequence[SampleKey], thumbnails: Sequence[bytes | None]) -> None:
    missing = [key for key, thumbnail in zip(firsts, thumbnails, strict=True) if thumbnail is None]
    if missing:
        name = f"{missing[0].dataset}/{missing[0].image}"
        logger.warning("%d of %d pictures are missing or damaged, the first is %r", len(missing), len(firsts), name)


def _render(ordered: Sequence[Judged], thumbnails: Sequence[bytes | None], title: str) -> str:
    folder = resources.files(__package__) / "assets"
    style = _Inline((folder / "style.css").read_text(encoding="utf-8"))
    script = _Inline("".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS))
    template = (folder / "page.html.j2").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(template)
    return page.render(title=title, style=style, script=script, data=_to_json(ordered, thumbnails))


def _to_json(ordered: Sequence[Judged], thumbnails: Sequence[bytes | None]) -> str:
    """The page's data. Non-ASCII is escaped: lone surrogates too, which UTF-8 has no bytes for."""
    names = [*(category.label for category in Category), *(outcome.value for outcome in Outcome)]
    symbols = [*(category.symbol for category in Category), *(outcome.value for outcome in Outcome)]
    data = {
        "categories": [{"symbol": symbol, "name": name} for symbol, name in zip(symbols, names, strict=True)],
        "pictures": [thumbnail and base64.b64encode(thumbnail).decode() for thumbnail in thumbnails],
        "rows": _rows(ordered, symbols),
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def _rows(ordered: Sequence[Judged], symbols: Sequence[str]) -> list[dict[str, object]]:
    """One a prediction, without the fields that are None; `picture` numbers the images in the order of the keys."""
    images: dict[tuple[str, str], int] = {}
    rows = []
    for item in ordered:
        prediction, key = item.prediction, item.prediction.key
        row: dict[str, object] = {
            "dataset": key.dataset,
            "image": key.image,
            "sample": key.sample,
            "picture": images.setdefault((key.dataset, key.image), len(images)),
            "truth": prediction.ground_truth,
            "category": symbols.index(item.symbol),
            "answer": item.answer,
            "refusal": item.refusal,
            "response": prediction.response,
            "failure": prediction.failure,
            "tokens": prediction.response_tokens,
            "source": item.source,
            "confidence": item.confidence,
        }
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows
