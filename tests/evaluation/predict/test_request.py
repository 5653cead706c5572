from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import SpeciaRLError
from speciarl_verl.evaluation.pictures import read_pictures
from speciarl_verl.evaluation.predict.request import PredictRequest, requested_run
from speciarl_verl.evaluation.run import EngineKind, Run
from tests.evaluation.small_set import model_folder, write_set


def requested(folder: Path, recorded: Run | None = None, labels: tuple[str, ...] = ("Wren",), **flags: Any) -> Run:
    overrides = {name: flags.pop(name) for name in list(flags) if name in ("samples", "temperature", "seed", "limit")}
    pictures = read_pictures([write_set(folder / "data.parquet", labels)])
    return requested_run(PredictRequest(data=["x"], overrides=overrides, **flags), pictures, recorded)


def test_defaults_are_those_of_the_papers_evaluation(tmp_path: Path) -> None:
    run = requested(tmp_path, model=model_folder(tmp_path / "m"))
    settings = run.settings
    assert (settings.engine, settings.samples, settings.temperature) == (EngineKind.VLLM, 1, 0.0)
    assert (settings.prompt, settings.max_tokens, settings.min_pixels, settings.max_pixels) == (
        "train",
        2048,
        None,
        None,
    )


def test_flags_that_are_not_given_stay_as_recorded(tmp_path: Path) -> None:
    first = requested(tmp_path, model=model_folder(tmp_path / "m"), prompt="short", samples=4, temperature=0.6, seed=7)
    again = requested(tmp_path, first)
    assert again == first
    first.require_same(again, tmp_path)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param({}, "--model is missing", id="nothing"),
        pytest.param({"model": "./nowhere"}, "--model ./nowhere: no such folder", id="no folder"),
        pytest.param({"model": "a/b/c"}, "--model a/b/c: no such folder", id="no hub id"),
        pytest.param({"server": "http://x", "adapter": "y"}, "--adapter: a server loads", id="adapter of a server"),
        pytest.param({"model": "a/b", "served_model": "c"}, "--served-model belongs to --server", id="served"),
        pytest.param({"model": "a/b", "samples": 4}, "at temperature 0 are all alike", id="greedy samples"),
        pytest.param({"model": "a/b", "prompt": "none-such"}, "unknown prompt", id="prompt"),
    ],
)
def test_flags_that_make_no_sense_are_refused(tmp_path: Path, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(SpeciaRLError, match=message) as caught:
        requested(tmp_path, **flags)
    assert "\n" not in str(caught.value)
