from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from speciarl_verl.preflight import hardware
from speciarl_verl.preflight.hardware import look_at_disk, look_at_gpus, look_at_ray

Usage = namedtuple("Usage", "total used free")


def shown_gpus(monkeypatch: pytest.MonkeyPatch, *free_gb: float) -> None:
    """GPUs of 80 GB, as torch would tell."""
    monkeypatch.delenv("VERL_PLATFORM", raising=False)
    cuda = SimpleNamespace(
        device_count=lambda: len(free_gb),
        mem_get_info=lambda index: (free_gb[index] * 1e9, 80e9),
        get_device_name=lambda _: "A100",
    )
    monkeypatch.setattr("torch.cuda", cuda)


def test_free_gpus_are_told_with_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_gpus(monkeypatch, 79, 80)
    finding = look_at_gpus()
    assert finding.ok
    assert finding.text == "2 GPUs: A100 79 of 80 GB free, A100 80 of 80 GB free"


def test_a_gpu_that_something_else_fills_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_gpus(monkeypatch, 79, 20)
    finding = look_at_gpus()
    assert not finding.ok
    assert "something else runs on [1]: end it" in finding.text


def test_without_a_gpu_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_gpus(monkeypatch)
    assert not look_at_gpus().ok
    assert "VERL_PLATFORM=cpu" in look_at_gpus().text
    monkeypatch.setenv("VERL_PLATFORM", "cpu")
    assert look_at_gpus().ok


@pytest.mark.parametrize(("free_gb", "ok"), [(64, True), (0.06, False)])
def test_little_shared_memory_is_found(monkeypatch: pytest.MonkeyPatch, free_gb: float, ok: bool) -> None:
    monkeypatch.setattr(hardware.shutil, "disk_usage", lambda _: Usage(64e9, 0, free_gb * 1e9))
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    finding = look_at_ray()
    assert finding.ok is ok
    assert "joins the cluster at 10.0.0.1:6379" in finding.text
    assert ok or "--shm-size" in finding.text


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        hardware.shutil, "disk_usage", lambda place: Usage(1, 0, 1e9 if Path(place) == tmp_path else 900e9)
    )
    finding = look_at_disk()
    assert not finding.ok
    assert f"{tmp_path} needs 20 GB: make room, or choose another folder for --out" in finding.text
