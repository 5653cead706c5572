"""verl trains a Qwen2-VL and a Qwen3-VL on the CPU profile as it does a Qwen2.5-VL: all parameters, and LoRA."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import World
from tests.e2e.other_models import save_qwen2_vl, save_qwen3_vl
from tests.e2e.test_training import metrics, train

pytestmark = [pytest.mark.e2e, pytest.mark.full, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("save", "rank", "overrides"),
    [
        pytest.param(save_qwen3_vl, "0", (), id="Qwen3-VL, all parameters"),
        pytest.param(save_qwen3_vl, "8", (), id="Qwen3-VL, LoRA"),
        pytest.param(save_qwen2_vl, "0", (), id="Qwen2-VL, all parameters"),
        # Preflight says why.
        pytest.param(save_qwen2_vl, "8", ("actor_rollout_ref.model.lora.merge=true",), id="Qwen2-VL, LoRA merged"),
    ],
)
def test_two_steps(
    save: Callable[[Path], None], rank: str, overrides: tuple[str, ...], world: World, tmp_path: Path
) -> None:
    model, out, log = tmp_path / "model", tmp_path / "out", tmp_path / "log"
    save(model)
    other = World(world.train, world.val, model, world.taxonomy)
    flags = ("--taxonomy", str(world.taxonomy), "--lora-rank", rank)
    overrides = ("trainer.total_training_steps=2", *overrides)
    assert train(other.command(out, *flags, overrides=overrides), log) == 0, log.read_text()[-3000:]
    logged = metrics(out)
    assert {1, 2} <= logged.keys()
    # The actor reads the picture as vLLM does.
    assert max(logged[step]["training/rollout_probs_diff_mean"] for step in (1, 2)) < 1e-3
    assert (out / "checkpoints/latest_checkpointed_iteration.txt").read_text() == "2"
