import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch as safetensors
import torch

from speciarl_verl.errors import EvaluationError, InputError, SpeciaRLError
from speciarl_verl.evaluation.predict.adapter import adapter_rank, as_peft, find_adapter

META = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM"}
NAMES = (
    "base_model.model.model.language_model.layers.0.self_attn.q_proj",
    "base_model.model.model.layers.1.mlp.up_proj",
)


def state(seed: int = 0) -> dict[str, Any]:
    torch.manual_seed(seed)
    lora = {
        f"{name}.lora_{side}.default.weight": torch.randn(4, 6) if side == "A" else torch.randn(6, 4)
        for name in NAMES
        for side in "AB"
    }
    return lora | {f"{NAMES[0]}.base_layer.weight": torch.randn(6, 6)}


def save_checkpoint(folder: Path, shards: list[dict[str, Any]], meta: dict[str, Any] | None = META) -> Path:
    actor = folder / "global_step_3" / "actor"
    (actor / "huggingface").mkdir(parents=True)
    (actor / "huggingface" / "config.json").write_text("{}")
    for rank, shard in enumerate(shards):
        torch.save(shard, actor / f"model_world_size_{len(shards)}_rank_{rank}.pt")
    if meta is not None:
        (actor / "lora_train_meta.json").write_text(json.dumps(meta))
    return actor


@pytest.mark.parametrize("where", ["global_step_3", "global_step_3/actor"])
def test_checkpoint_of_verl_becomes_a_peft_folder(tmp_path: Path, where: str) -> None:
    whole = state()
    save_checkpoint(tmp_path, [whole])
    found = find_adapter(str(tmp_path / where))
    assert adapter_rank(found) == 4
    folder = as_peft(found, tmp_path / "out")
    weights = safetensors.load_file(folder / "adapter_model.safetensors")
    expected = {name.replace(".default", ""): tensor for name, tensor in whole.items() if "lora_" in name}
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in weights)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (4, 8, "LORA")
    assert config["target_modules"] == ["q_proj", "up_proj"]
    assert as_peft(found, tmp_path / "out") == folder


def test_the_last_step_of_a_training_counts(tmp_path: Path) -> None:
    actor = save_checkpoint(tmp_path, [state()])
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("3")
    assert find_adapter(str(tmp_path)) == actor
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("4")
    with pytest.raises(EvaluationError, match="no adapter there"):
        find_adapter(str(tmp_path))


def test_peft_reads_the_folder(tmp_path: Path) -> None:
    import peft

    save_checkpoint(tmp_path, [state()])
    folder = as_peft(find_adapter(str(tmp_path / "global_step_3")), tmp_path / "out")
    config = peft.PeftConfig.from_pretrained(folder)
    assert (config.r, config.lora_alpha, set(config.target_modules)) == (4, 8, {"q_proj", "up_proj"})


def _shard(rank: int, size: int, store: str, folder: str) -> None:
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=size)
    mesh = init_device_mesh("cpu", (size,), mesh_dim_names=("fsdp",))
    sharded = {name: distribute_tensor(tensor, mesh, [Shard(0)]) for name, tensor in state().items()}
    torch.save(sharded, f"{folder}/model_world_size_{size}_rank_{rank}.pt")
    # A rank that leaves while the other one still talks to it aborts that one.
    dist.barrier()
    dist.destroy_process_group()


def test_shards_of_two_ranks_are_joined(tmp_path: Path) -> None:
    import torch.multiprocessing

    actor = save_checkpoint(tmp_path, [])
    torch.multiprocessing.spawn(_shard, (2, str(tmp_path / "store"), str(actor)), nprocs=2)
    folder = as_peft(find_adapter(str(actor)), tmp_path / "out")
    weights = safetensors.load_file(folder / "adapter_model.safetensors")
    for name, tensor in state().items():
        if "lora_" in name:
            assert torch.equal(weights[name.replace(".default", "")], tensor)


def test_an_adapter_folder_is_itself(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint" / "lora_adapter"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text('{"r": 16}')
    with pytest.raises(EvaluationError, match=r"no adapter_model\.safetensors"):
        find_adapter(str(tmp_path / "checkpoint"))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    found = find_adapter(str(tmp_path / "checkpoint"))
    assert found == folder
    assert as_peft(found, tmp_path / "out") == folder
    assert adapter_rank(found) == 16


def test_a_folder_without_adapter_is_refused_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no adapter there"):
        find_adapter(str(tmp_path))
    save_checkpoint(tmp_path, [state()], meta=None)
    with pytest.raises(EvaluationError, match=r"checkpoint of full weights.*--model \.\.\./actor/huggingface"):
        find_adapter(str(tmp_path / "global_step_3"))


FAULTS = [
    *("a shard is missing", "torn", "no lora", "no alpha", "no rank"),
    *("a program", "no object", "no JSON", "a folder for a description", "a link to nowhere"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_checkpoint_is_refused_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    shard = state() if fault != "no lora" else {"model.weight": torch.ones(1)}
    meta = {key: value for key, value in META.items() if key != {"no alpha": "lora_alpha", "no rank": "r"}.get(fault)}
    actor = save_checkpoint(tmp_path, [shard, shard], meta)
    if fault == "a shard is missing":
        (actor / "model_world_size_2_rank_1.pt").unlink()
    if fault == "torn":
        path = actor / "model_world_size_2_rank_1.pt"
        path.write_bytes(path.read_bytes()[:300])
    if fault == "a program":
        torch.save(shard | {"program": print}, actor / "model_world_size_2_rank_0.pt")
    if fault == "a link to nowhere":
        (actor / "model_world_size_2_rank_1.pt").unlink()
        (actor / "model_world_size_2_rank_1.pt").symlink_to(tmp_path / "gone")
    found = find_adapter(str(actor))
    description = actor / "lora_train_meta.json"
    if fault in ("no object", "no JSON"):
        description.write_text("[4]" if fault == "no object" else "{")
    if fault == "a folder for a description":
        description.unlink()
        description.mkdir()
    with pytest.raises(SpeciaRLError) as caught:
        as_peft(found, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["a" * 300, "~nobody-of-that-name/x/y"], ids=["too long", "somebody else's"])
def test_a_path_that_cannot_be_is_one_line(path: str) -> None:
    with pytest.raises(SpeciaRLError, match="--adapter "):
        find_adapter(path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    found = find_adapter(str(save_checkpoint(tmp_path, [state()])))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/out/adapter_model\.safetensors: cannot be written"):
        as_peft(found, tmp_path / "file" / "out")
