"""`recipes/setup.sh`: what it installs and in which order, with an installer that only tells what it was asked."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the script reads, and an environment whose `uv` writes down its arguments."""
    (tmp_path / "recipes").mkdir()
    for name in ("setup.cfg", "recipes/setup.sh", "recipes/constraints.txt", "recipes/overrides.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    # Every build of flash-attn from source fails, as without nvcc.
    uv = f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncase "$*" in *flash-attn==*) [ -e {tmp_path}/nvcc ];; esac\n'
    for name, text in (("uv", uv), ("python", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return tmp_path


def setup(checkout: Path, *flags: object) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "recipes/setup.sh", *map(str, flags)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, timeout=300)


def asked(checkout: Path) -> list[str]:
    """What was to be installed, call by call."""
    file = checkout / "asked"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line.split(" --python .venv/bin/python ")[1] for line in lines]


TORCH = "torch==2.11.0 torchvision==0.26.0 torchaudio==2.11.0"
BUILD = "setuptools wheel packaging ninja psutil"


def test_gpu_installs_torch_first_and_flash_attn_last(checkout: Path) -> None:
    (checkout / "nvcc").touch()
    assert setup(checkout, "--gpu").returncode == 0
    package = "--compile-bytecode --editable .[gpu]"
    assert asked(checkout) == [TORCH, package, BUILD, "--no-build-isolation flash-attn==2.8.3"]
    assert setup(checkout, "--gpu").returncode == 0
    assert asked(checkout) == []


def test_flash_attn_that_cannot_be_built_leaves_the_stated_fallback(checkout: Path) -> None:
    done = setup(checkout, "--gpu")
    assert done.returncode == 0
    assert "no flash-attn: train with --profile gpu-sdpa" in done.stderr
    assert len(asked(checkout)) == 4
    (checkout / "nvcc").touch()
    assert setup(checkout, "--gpu").stderr == ""
    assert asked(checkout)[-1].endswith("flash-attn==2.8.3")


def test_a_named_wheel_is_taken_and_none_when_told(checkout: Path) -> None:
    wheel = checkout / "flash_attn-2.8.3-cp311-cp311-linux_x86_64.whl"
    wheel.touch()
    assert setup(checkout, "--gpu", "--flash-attn", wheel).returncode == 0
    assert asked(checkout)[-1] == f"--no-build-isolation {wheel}"
    for ready in (checkout / ".venv").glob(".ready*"):
        ready.unlink()
    assert "gpu-sdpa" in setup(checkout, "--gpu", "--no-flash-attn").stderr
    assert not any("flash" in line for line in asked(checkout))
    assert setup(checkout, "--gpu", "--no-flash-attn").stderr == ""


def test_cpu_installs_by_its_constraints_and_the_gpu_does_not(checkout: Path) -> None:
    assert setup(checkout).returncode == 0
    (line,) = asked(checkout)
    assert "--constraint recipes/constraints.txt" in line
    assert line.endswith("--editable .[cpu,quickstart,test]")


def test_versions_of_torch_are_those_of_the_extra() -> None:
    extra = (ROOT / "setup.cfg").read_text()
    assert all(f"    {requirement}\n" in extra for requirement in TORCH.split())
    assert TORCH in (ROOT / "recipes/setup.sh").read_text()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tpu"], "unknown argument --tpu"),
        (["--flash-attn", "https://host/x.whl"], "--flash-attn and --no-flash-attn belong to --gpu"),
        (["--gpu", "--flash-attn", "/no/wheel"], "--flash-attn /no/wheel: no such file"),
        (["--gpu", "--flash-attn"], "--flash-attn needs a wheel"),
    ],
)
def test_wrong_flags_are_refused(checkout: Path, flags: list[str], message: str) -> None:
    done = setup(checkout, *flags)
    assert done.returncode == 2
    assert done.stderr == f"setup.sh: {message}" + (" (see --help)\n" if "unknown" in message else "\n")
    assert asked(checkout) == []


def test_an_environment_of_the_other_device_is_refused(checkout: Path) -> None:
    assert setup(checkout).returncode == 0
    done = setup(checkout, "--gpu")
    assert done.returncode == 2
    assert ".venv is of the other device: remove it first" in done.stderr
