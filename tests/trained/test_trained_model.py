from pathlib import Path

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.trained.trained_model import find_model, trained_prompt


def training(run: Path, weights: bool = True) -> Path:
    """What a training leaves; gives its last step's model."""
    for step in (10, 20):
        model = run / f"checkpoints/global_step_{step}/actor/huggingface"
        model.mkdir(parents=True)
        (model / "config.json").write_text("{}")
        if weights:
            (model / "model.safetensors").touch()
    (run / "checkpoints/latest_checkpointed_iteration.txt").write_text("20")
    composed = run / "hydra/.hydra/config.yaml"
    composed.parent.mkdir(parents=True)
    composed.write_text("data: {speciarl: {prompt: short}}\n")
    return run / "checkpoints/global_step_20/actor/huggingface"


@pytest.mark.parametrize("place", ["", "checkpoints", "checkpoints/global_step_20", None])
def test_any_folder_of_a_training_means_its_model(tmp_path: Path, place: str | None) -> None:
    model = training(tmp_path)
    given = str(model if place is None else tmp_path / place)
    assert Path(find_model(given)) == model
    assert trained_prompt(given) == "short"


def test_an_earlier_step_is_meant_where_it_is_named(tmp_path: Path) -> None:
    training(tmp_path)
    assert "global_step_10" in find_model(str(tmp_path / "checkpoints/global_step_10"))


def test_what_is_no_training_stays_as_it_is(tmp_path: Path) -> None:
    assert find_model("Qwen/Qwen2.5-VL-7B-Instruct") == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert find_model(str(tmp_path)) == str(tmp_path)
    assert trained_prompt(str(tmp_path / "model")) is None


def test_a_checkpoint_of_an_adapter_is_refused_with_the_cure(tmp_path: Path) -> None:
    training(tmp_path, weights=False)
    with pytest.raises(EvaluationError, match="without a model's weights: of a LoRA training give its base model"):
        find_model(str(tmp_path / "checkpoints"))
