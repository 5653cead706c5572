"""The paper's figures of an evaluation, in all and by visibility: the truth is the species however little shows."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.quickstart.world import Visibility
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.records import Judged, Outcome
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.files import read_text
from speciarl_verl.method.metrics import compute_metrics

Figures = Mapping[str, Any]
"""`Metrics.as_json()` and `unparseable`; in all of an evaluation also `by_visibility`, the same for each."""


def read_visibilities(visibility: Path) -> dict[str, Visibility]:
    """From file name to what is visible: `visibility.txt` joined with the `images.txt` of the data set beside it.

    Raises:
        InputError: one of the two cannot be read, a line is malformed, or an image has no visibility.
    """
    try:
        shown = {image_id: Visibility(word) for image_id, word in _pairs(visibility)}
    except ValueError as error:
        raise InputError(f"{visibility}: {error}") from None
    names = dict(_pairs(visibility.parent / "CUB_200_2011" / "images.txt"))
    missing = names.keys() - shown.keys()
    if missing:
        raise InputError(f"{visibility}: no line for {len(missing)} images, such as id {min(missing)}")
    return {name: shown[image_id] for image_id, name in names.items()}


def read_figures(run: Path, visibilities: Mapping[str, Visibility]) -> Figures:
    """The figures of a finished `speciarl evaluate`.

    Raises:
        InputError: it holds no verdicts, or a picture of another world.
        EvaluationError: its verdicts cannot be read.
    """
    judged = verdicts_journal(run).load(repair=False)
    if not judged:
        raise InputError(f"{run}: holds no verdicts: finish the evaluation first")
    return summarise(judged, visibilities)


def summarise(judged: Sequence[Judged], visibilities: Mapping[str, Visibility]) -> Figures:
    """The figures of all pictures, and `by_visibility` the same for each that occurs.

    Raises:
        InputError: a picture of another world.
    """
    seen: dict[Visibility, list[Judged]] = {visibility: [] for visibility in Visibility}
    for one in judged:
        name = one.prediction.key.image.removeprefix("images/")
        if name not in visibilities:
            raise InputError(f"{name} is not in the images.txt beside the visibilities: another data set?")
        seen[visibilities[name]].append(one)
    return _figures(judged) | {"by_visibility": {v.value: _figures(part) for v, part in seen.items() if part}}


def _figures(judged: Sequence[Judged]) -> dict[str, object]:
    metrics = compute_metrics(one.counted for one in judged)
    return metrics.as_json() | {"unparseable": sum(one.outcome is Outcome.UNPARSEABLE for one in judged)}


def _pairs(path: Path) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        first, _, rest = line.partition(" ")
        if not rest:
            raise InputError(f"{path}:{number}: expected `<image_id> <value>`, got {line!r}")
        yield first, rest
