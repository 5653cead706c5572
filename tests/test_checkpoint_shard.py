import os
import pickle
from pathlib import Path

import pytest
import torch

from speciarl_verl.checkpoint_shard import load_shard
from speciarl_verl.errors import InputError


class Program:
    """Whoever unpickles it makes a folder."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> object:
        return os.mkdir, (self.trace,)


def sharded(folder: Path) -> dict[str, torch.Tensor]:
    """A weight as FSDP2 keeps it, on a mesh of replicas by shards."""
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1, 1), mesh_dim_names=("ddp", "fsdp"))
        return {"lora_A": distribute_tensor(torch.arange(6.0).reshape(2, 3), mesh, [Replicate(), Shard(0)])}
    finally:
        dist.destroy_process_group()


def test_weights_come_back_sharded_ones_too(tmp_path: Path) -> None:
    plain = {"bias": torch.ones(2, dtype=torch.bfloat16), "scale": torch.nn.Parameter(torch.ones(1))}
    torch.save(plain | sharded(tmp_path), tmp_path / "a.pt")
    state = load_shard(tmp_path / "a.pt")
    assert list(state) == ["bias", "scale", "lora_A"]
    assert state["bias"].dtype is torch.bfloat16
    assert torch.equal(state["lora_A"]._local_tensor, torch.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("place", ["beside the weights", "in their place", "no archive"])
def test_a_program_is_refused_in_one_line_and_not_run(tmp_path: Path, place: str) -> None:
    trace, path = tmp_path / "trace", tmp_path / "a.pt"
    program = Program(trace)
    if place == "no archive":
        path.write_bytes(pickle.dumps({"lora_A": program}))
    else:
        torch.save(program if place == "in their place" else {"lora_A": torch.ones(1), "x": program}, path)
    # It is one: an unrestricted reader runs it.
    if place != "no archive":
        torch.load(path, weights_only=False)
        assert trace.exists()
        trace.rmdir()
    words = "not a readable checkpoint" if place == "no archive" else "could run code, so it is not read"
    with pytest.raises(InputError, match=words) as refused:
        load_shard(path)
    assert "\n" not in str(refused.value)
    assert not trace.exists()


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    torch.save({"lora_A": Program(tmp_path / "trace")}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt: holds more than weights \(pathlib.*posix\.mkdir\)"):
        load_shard(tmp_path / "a.pt")


@pytest.mark.parametrize("fault", ["missing", "torn", "a folder", "a list"])
def test_what_is_no_checkpoint_is_one_line(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "a.pt"
    if fault == "torn":
        torch.save({"a": torch.ones(100)}, path)
        path.write_bytes(path.read_bytes()[:300])
    elif fault == "a folder":
        path.mkdir()
    elif fault == "a list":
        torch.save([torch.ones(1)], path)
    with pytest.raises(InputError, match=r"a\.pt: ") as refused:
        load_shard(path)
    assert "\n" not in str(refused.value)
