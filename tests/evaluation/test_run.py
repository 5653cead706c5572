from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import EvaluationError, SpeciaRLError
from speciarl_verl.evaluation.pictures import read_pictures
from speciarl_verl.evaluation.predict.request import PredictRequest, requested_run
from speciarl_verl.evaluation.run import RUN, EngineKind, Run, load_run, save_model
from tests.evaluation.small_set import write_set


def model_folder(folder: Path, weights: bytes = b"weights") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return str(folder)


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


def test_manifest_survives_its_file(tmp_path: Path) -> None:
    run = requested(tmp_path, model=model_folder(tmp_path / "m"), samples=4, temperature=0.6)
    save_model(run, tmp_path / RUN)
    assert load_run(tmp_path) == run
    assert load_run(tmp_path / "elsewhere") is None


def test_flags_that_are_not_given_stay_as_recorded(tmp_path: Path) -> None:
    first = requested(tmp_path, model=model_folder(tmp_path / "m"), prompt="short", samples=4, temperature=0.6, seed=7)
    again = requested(tmp_path, first)
    assert again == first
    first.require_same(again, tmp_path)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"prompt": "calibrated"}, "prompt", id="prompt"),
        pytest.param({"samples": 8}, "samples 4", id="samples"),
        pytest.param({"temperature": 1.0}, "temperature 0.6", id="temperature"),
        pytest.param({"seed": 8}, "seed 7", id="seed"),
        pytest.param({"limit": 3}, "limit None", id="limit"),
        pytest.param({"labels": ("Robin",)}, "data", id="labels"),
        pytest.param({"labels": ("Wren", "Wren")}, "data", id="rows"),
        pytest.param({"server": "http://x", "served_model": "m"}, "engine 'vllm'", id="engine"),
    ],
)
def test_another_setting_is_refused_by_its_name(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    first = requested(tmp_path, model=model_folder(tmp_path / "m"), prompt="short", samples=4, temperature=0.6, seed=7)
    other = requested(tmp_path, first, **change)
    with pytest.raises(EvaluationError, match=rf"was made with {field}.*now it is .*another --out") as caught:
        first.require_same(other, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_prompt_file_is_known_by_its_text(tmp_path: Path) -> None:
    model = model_folder(tmp_path / "m")
    (tmp_path / "a.txt").write_text("What is it?")
    (tmp_path / "b.txt").write_text("What is it?\n")
    first = requested(tmp_path, model=model, prompt=str(tmp_path / "a.txt"))
    first.require_same(requested(tmp_path, first, prompt=str(tmp_path / "b.txt")), tmp_path)
    (tmp_path / "a.txt").write_text("What else?")
    with pytest.raises(EvaluationError, match=r"was made with prompt .*a\.txt"):
        first.require_same(requested(tmp_path, first, prompt=str(tmp_path / "a.txt")), tmp_path)


def test_a_model_is_known_by_its_weights(tmp_path: Path) -> None:
    first = requested(tmp_path, model=model_folder(tmp_path / "m"))
    first.require_same(requested(tmp_path, first, model=model_folder(tmp_path / "moved")), tmp_path)
    retrained = model_folder(tmp_path / "m", weights=b"Weights")
    with pytest.raises(EvaluationError, match="was made with model"):
        first.require_same(requested(tmp_path, first, model=retrained), tmp_path)


def test_data_may_move(tmp_path: Path) -> None:
    first = requested(tmp_path, model=model_folder(tmp_path / "m"))
    (tmp_path / "elsewhere").mkdir()
    pictures = read_pictures([write_set(tmp_path / "elsewhere" / "copy.parquet", ["Wren"])])
    first.require_same(requested_run(PredictRequest(data=["x"]), pictures, first), tmp_path)


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


@pytest.mark.parametrize("text", ["{", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_a_foreign_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / RUN).write_text(text)
    with pytest.raises(EvaluationError, match=r"run\.json: .*another --out"):
        load_run(tmp_path)
