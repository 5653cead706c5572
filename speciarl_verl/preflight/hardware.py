"""What a run needs of the machine that no configuration names: GPUs and their memory, Ray's shared memory, disk."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.preflight.examination import Finding

_GB = 1e9
_SHARED_GB = 8.0
"""Below that Ray's object store, through which a step's pictures go, spills to disk."""
_DISK_GB = 20.0
"""Two checkpoints of a small run, Ray's session and caches."""


@dataclass(frozen=True)
class Gpu:
    """One visible GPU; memory in GB (1e9 bytes)."""

    name: str
    free: float
    total: float


def visible_gpus() -> list[Gpu]:
    """As torch sees them; none on the CPU platform."""
    if cpu_selected():
        return []
    import torch

    gpus = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        gpus.append(Gpu(torch.cuda.get_device_name(index), free / _GB, total / _GB))
    return gpus


def host_memory_gb() -> float:
    """Memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB


def look_at_gpus() -> Finding:
    """How many there are, and whether others use them."""
    if cpu_selected():
        return Finding(True, f"no GPU needed (VERL_PLATFORM=cpu): {os.cpu_count()} cores, {host_memory_gb():.0f} GB")
    gpus = visible_gpus()
    if not gpus:
        return Finding(
            False, "no GPU is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES; VERL_PLATFORM=cpu is small"
        )
    told = ", ".join(f"{gpu.name} {gpu.free:.0f} of {gpu.total:.0f} GB free" for gpu in gpus)
    taken = [index for index, gpu in enumerate(gpus) if gpu.free < 0.9 * gpu.total]
    if taken:
        return Finding(
            False, f"{told}: something else runs on {taken}: end it, or leave them out of CUDA_VISIBLE_DEVICES"
        )
    return Finding(True, f"{len(gpus)} GPUs: {told}")


def look_at_ray() -> Finding:
    """Its version, the cluster that it would join, and the shared memory of its object store."""
    told = f"Ray {version('ray')}"
    if address := os.environ.get("RAY_ADDRESS"):
        told += f", joins the cluster at {address} (RAY_ADDRESS)"
    shared = Path("/dev/shm")
    if not shared.is_dir():
        return Finding(True, f"{told}; no /dev/shm")
    free = shutil.disk_usage(shared).free / _GB
    if free < min(_SHARED_GB, 0.2 * host_memory_gb()):
        return Finding(False, f"{told}: /dev/shm has {free:.1f} GB free: clear it, or docker run --shm-size=16g")
    return Finding(True, f"{told}, {free:.0f} GB of shared memory")


def look_at_disk() -> Finding:
    """Free space where Ray's session lies and where outputs/ would."""
    places = {Path(tempfile.gettempdir()): "TMPDIR", Path.cwd(): "another folder for --out"}
    free = {place: shutil.disk_usage(place).free / _GB for place in places}
    told = ", ".join(f"{place} {gb:.0f} GB" for place, gb in free.items())
    for place, gb in free.items():
        if gb < _DISK_GB:
            return Finding(
                False, f"disk: {told}: {place} needs {_DISK_GB:.0f} GB: make room, or choose {places[place]}"
            )
    return Finding(True, f"disk free: {told}")
