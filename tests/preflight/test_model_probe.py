from pathlib import Path

import pytest

from recipes.quickstart.policy import build_model, build_processor, build_tokenizer, save_policy
from speciarl_verl.errors import ConfigError
from speciarl_verl.preflight import model_probe
from speciarl_verl.preflight.hardware import Gpu
from speciarl_verl.preflight.memory import QWEN2_5_VL_7B, Training, gpu_memory
from speciarl_verl.preflight.model_probe import look_at_memory, look_at_model, model_size


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    tokenizer = build_tokenizer()
    save_policy(build_model(tokenizer, seed=0), build_processor(tokenizer), folder)
    return folder


def test_a_whole_model_is_told_with_its_size_and_a_pictures_tokens(policy: Path) -> None:
    finding = look_at_model(str(policy))
    assert finding.ok
    assert "Qwen2_5_VLForConditionalGeneration, 1.3 M parameters, weights of 1.3 M" in finding.text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:99]), "cannot be read", id="cut short"),
        pytest.param(lambda file: file.unlink(), "holds no weights", id="none"),
    ],
)
def test_weights_that_are_not_whole_are_found(policy: Path, tmp_path: Path, damage, message: str) -> None:
    for file in policy.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    damage(tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match=message):
        look_at_model(str(tmp_path))


def test_a_models_size_is_counted_to_the_parameter(policy: Path) -> None:
    model = build_model(build_tokenizer(), seed=0)
    assert model_size(model).parameters == model.num_parameters()


def test_memory_of_a_cpu_is_compared_with_the_hosts(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERL_PLATFORM", "cpu")
    monkeypatch.setattr(model_probe, "host_memory_gb", lambda: 24.0)
    assert look_at_memory(str(policy)).ok
    monkeypatch.setattr(model_probe, "host_memory_gb", lambda: 4.0)
    assert not look_at_memory(str(policy)).ok


@pytest.mark.parametrize(("gpus", "gb", "ok"), [(4, 80, True), (1, 24, False)])
def test_memory_of_gpus_is_compared_with_theirs(
    monkeypatch: pytest.MonkeyPatch, gpus: int, gb: float, ok: bool
) -> None:
    monkeypatch.delenv("VERL_PLATFORM", raising=False)
    monkeypatch.setattr(model_probe, "visible_gpus", lambda: [Gpu("A100", gb, gb)] * gpus)
    monkeypatch.setattr(model_probe, "_on_meta", lambda _: None)
    monkeypatch.setattr(model_probe, "model_size", lambda _: QWEN2_5_VL_7B)
    finding = look_at_memory("Qwen/Qwen2.5-VL-7B-Instruct")
    assert finding.ok is ok
    assert f"{gpu_memory(Training(QWEN2_5_VL_7B, gpus=gpus)).total:.1f} GB each" in finding.text
    assert ok or "more GPUs" in finding.text
