from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import read_pictures
from speciarl_verl.evaluation.predict.request import PredictRequest, requested_run
from speciarl_verl.evaluation.run import RUN, load_run, save_model
from tests.evaluation.predict.test_request import requested
from tests.evaluation.small_set import model_folder, write_set


def test_manifest_survives_its_file(tmp_path: Path) -> None:
    run = requested(tmp_path, model=model_folder(tmp_path / "m"), samples=4, temperature=0.6)
    save_model(run, tmp_path / RUN)
    assert load_run(tmp_path) == run
    assert load_run(tmp_path / "elsewhere") is None


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


@pytest.mark.parametrize("text", ["{", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_a_foreign_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / RUN).write_text(text)
    with pytest.raises(EvaluationError, match=r"run\.json: .*another --out"):
        load_run(tmp_path)
