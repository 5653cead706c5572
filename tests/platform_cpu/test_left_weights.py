"""What a killed run left in shared memory goes; anything else stays."""

from importlib.util import find_spec
from pathlib import Path

from speciarl_verl.platform_cpu.left_weights import remove_left_weights


def test_only_weights_are_removed(tmp_path: Path) -> None:
    for name in ("verl_weights_1f", "verl_weights_2e", "psm_other", "verl"):
        (tmp_path / name).touch()
    remove_left_weights(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["psm_other", "verl"]


def test_verl_still_names_them_so() -> None:
    verl = find_spec("verl")
    assert verl is not None
    assert verl.origin is not None
    source = Path(verl.origin).with_name("workers") / "rollout/vllm_rollout/bucketed_weight_transfer.py"
    assert 'f"verl_weights_{uuid.uuid4().hex}"' in source.read_text()
