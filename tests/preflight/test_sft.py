"""What is wrong with a supervised run is said in one line, with exit status 2, before it starts or writes anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from speciarl_verl.data_contract import SCHEMA
from tests.preflight.test_everything import ROOT, assert_refused, inputs, write_parquet

__all__ = ["inputs"]


def run_sft(inputs: dict[str, Path], *flags: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    files = [part for name, path in inputs.items() for part in (f"--{name}", str(path))]
    return subprocess.run(
        ["bash", "recipes/sft.sh", *files, "--profile", "cpu", *flags],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_dry_run_prints_configuration_and_command_and_starts_nothing(inputs: dict[str, Path]) -> None:
    done = run_sft(inputs, "--lora-rank", "8", "--epochs", "2", "--dry-run", "--", "data.train_batch_size=1")
    assert done.returncode == 0, done.stderr
    assert "total_epochs: 2" in done.stdout
    command = done.stdout.strip().splitlines()[-1]
    assert "-m verl.trainer.sft_trainer" in command
    assert "model.lora_rank=8 checkpoint.save_contents=\\[model\\,optimizer\\,extra\\]" in command
    assert not inputs["out"].exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(["--profile", "tpu"], "--profile tpu: choose one of cpu gpu", id="profile"),
        pytest.param(["--gpus", "0"], "--gpus 0 is not a number from 1 on", id="gpus"),
        pytest.param(["--lora-rank", "x"], "--lora-rank x is not a number", id="rank"),
        pytest.param(["--reward", "binary"], "unknown argument --reward", id="flag of another script"),
        pytest.param(["--model", "/no/model"], "no model at /no/model", id="no model"),
        pytest.param(["--prompt", "nice"], "unknown prompt 'nice'", id="prompt"),
        pytest.param(["--thinking", "/no/run"], "/no/run: no judged run there", id="thinking"),
        pytest.param(
            ["--", "data.train_batch_size=32"],
            "data.train_files has 16 pictures, less than data.train_batch_size=32",
            id="small set",
        ),
        pytest.param(["--profile", "gpu", "--", "trainer.device=cpu"], "do not agree", id="device"),
        pytest.param(["--", "trainer.total_epoch=3"], "does not compose", id="misspelt override"),
    ],
)
def test_wrong_call_is_refused(inputs: dict[str, Path], flags: list[str], message: str) -> None:
    assert_refused(run_sft(inputs, *flags), message, inputs["out"])


def test_parquet_of_another_project_is_refused(inputs: dict[str, Path]) -> None:
    write_parquet(inputs["train"], ["Robin"], schema=SCHEMA.remove_metadata())
    assert_refused(run_sft(inputs), str(inputs["train"]), inputs["out"])
