"""An exported model says what the base model says with the adapter laid over it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from recipes.quickstart.policy import build_model, build_processor, build_tokenizer, save_policy
from recipes.quickstart.responses import encode
from speciarl_verl.errors import EvaluationError, SpeciaRLError
from speciarl_verl.evaluation.predict.adapter import find_adapter
from speciarl_verl.trained.export import export


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "base"
    tokenizer = build_tokenizer()
    save_policy(build_model(tokenizer, seed=0), build_processor(tokenizer), folder)
    return folder


def trained(base: Path, out: Path) -> Any:
    """What verl leaves of a LoRA run on one rank that keeps the adapter alone, and the policy itself."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=64, target_modules="all-linear", exclude_modules=".*visual.*")
    policy = get_peft_model(AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32), config).eval()
    for name, weight in policy.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    actor = out / "global_step_7" / "actor"
    actor.mkdir(parents=True)
    state = {name: tensor for name, tensor in policy.state_dict().items() if "lora_" in name}
    torch.save(state, actor / "model_world_size_1_rank_0.pt")
    (actor / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 64, "task_type": "CAUSAL_LM"}))
    (out / "latest_checkpointed_iteration.txt").write_text("7")
    return policy


def logits(model: Any, folder: Path) -> torch.Tensor:
    from transformers import AutoProcessor

    pictures = [Image.new("RGB", (56, 56), colour) for colour in ("navy", "gold", "white")]
    batch = encode(AutoProcessor.from_pretrained(folder), pictures, "What is this?")
    with torch.inference_mode():
        return model(**batch).logits


def test_the_exported_model_answers_as_the_policy_did(base: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    policy = trained(base, tmp_path)
    parameters = export(str(base), str(tmp_path), tmp_path / "out")
    expected = logits(policy, base)
    plain = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32).eval()
    assert parameters == plain.num_parameters()
    assert (logits(plain, base) - expected).abs().max() > 0.01, "an adapter that changes nothing proves nothing"
    exported = AutoModelForImageTextToText.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    torch.testing.assert_close(logits(exported, tmp_path / "out"), expected, atol=1e-5, rtol=1e-5)
    laid_over = PeftModel.from_pretrained(plain, tmp_path / "out" / "adapter").eval()
    torch.testing.assert_close(logits(laid_over, base), expected, atol=1e-5, rtol=1e-5)
    with pytest.raises(EvaluationError, match="is there already"):
        export(str(base), str(tmp_path), tmp_path / "out")


@pytest.mark.parametrize("fault", ["a weight is missing", "a weight too many", "another width"])
def test_an_adapter_of_another_model_is_refused_and_nothing_is_left(base: Path, tmp_path: Path, fault: str) -> None:
    trained(base, tmp_path)
    file = tmp_path / "global_step_7" / "actor" / "model_world_size_1_rank_0.pt"
    state = torch.load(file)
    name = next(iter(state))
    if fault == "a weight is missing":
        del state[name]
    elif fault == "a weight too many":
        state[name.replace("layers.0", "layers.9")] = state[name].clone()
    else:
        state[name] = torch.zeros(4, 7)
    torch.save(state, file)
    with pytest.raises(EvaluationError, match="is no adapter of"):
        export(str(base), str(tmp_path), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"global_step_7", "latest_checkpointed_iteration.txt"}


@pytest.mark.parametrize("fault", ["no model", "no adapter", "out cannot be written"])
def test_what_is_not_there_is_one_line(base: Path, tmp_path: Path, fault: str) -> None:
    trained(base, tmp_path / "run")
    (tmp_path / "file").touch()
    model = tmp_path if fault == "no model" else base
    adapter = tmp_path if fault == "no adapter" else tmp_path / "run"
    out = tmp_path / ("file/out" if fault == "out cannot be written" else "out")
    with pytest.raises(SpeciaRLError) as refused:
        export(str(model), str(adapter), out)
    assert "\n" not in str(refused.value)
    assert not out.exists()


def test_an_adapter_is_found_by_its_hub_id_in_the_local_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--someone--birds-lora" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "adapter_config.json").write_text('{"r": 8}')
    (snapshot / "adapter_model.safetensors").touch()
    refs = tmp_path / "models--someone--birds-lora" / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    assert find_adapter("someone/birds-lora") == snapshot
    with pytest.raises(EvaluationError, match="--adapter someone/else: neither a folder nor to be had from the hub"):
        find_adapter("someone/else")
