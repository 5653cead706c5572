"""What is wrong with a run is said in one line, with exit status 2, before Ray starts or anything is written."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from speciarl_verl.config.schema import ConfigError
from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.preflight import check_model, check_ports, compose_config, ground_truths
from tests.config.test_checks import CPU

ROOT = Path(__file__).parents[1]
TRUTH = "Black footed Albatross"


def write_parquet(path: Path, labels: list[str], schema: pa.Schema = SCHEMA) -> Path:
    rows = [
        {
            "data_source": "cub",
            "prompt": [{"role": "user", "content": "<image>What is this?"}],
            "images": [{"bytes": b"not looked at here", "path": None}],
            "ability": "classification",
            "reward_model": {"style": "judge", "ground_truth": label},
            "extra_info": {"split": "train", "index": i, "file_name": f"{i}.jpg", "label_id": 0, "content_hash": "0"},
        }
        for i, label in enumerate(labels)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (model / name).write_text("{}")
    data = {split: write_parquet(tmp_path / f"{split}.parquet", [TRUTH]) for split in ("train", "val")}
    return {**data, "model": model, "out": tmp_path / "out"}


def run_train(inputs: dict[str, Path], *flags: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    files = [part for name, path in inputs.items() for part in (f"--{name}", str(path))]
    return subprocess.run(
        ["bash", "recipes/train.sh", *files, "--profile", "cpu", *flags],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_refused(done: "subprocess.CompletedProcess[str]", message: str, out: Path) -> None:
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert message in lines[0]
    assert not out.exists()


def test_dry_run_prints_configuration_and_command_and_starts_nothing(inputs: dict[str, Path]) -> None:
    done = run_train(inputs, "--algo", "dapo", "--dry-run", "--", "trainer.total_epochs=3")
    assert done.returncode == 0, done.stderr
    assert "total_epochs: 3" in done.stdout
    command = done.stdout.strip().splitlines()[-1]
    assert "-m verl.trainer.main_ppo" in command
    assert "speciarl/algo=dapo" in command
    assert command.endswith("trainer.total_epochs=3")
    assert not inputs["out"].exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(["--algo", "ppo"], "--algo ppo: choose one of grpo drgrpo dapo dapo-dynamic", id="algorithm"),
        pytest.param(["--reward", "best"], "--reward best: choose one of dynamic binary", id="reward"),
        pytest.param(["--judge", "oracle"], "--judge oracle: choose one of taxonomy server", id="judge"),
        pytest.param(["--reword", "binary"], "unknown argument --reword", id="unknown flag"),
        pytest.param(["--algo"], "--algo needs a value", id="value missing"),
        pytest.param(["--seed", "x"], "--seed x is not a number", id="seed"),
        pytest.param(["--train", "/no/such.parquet"], "--train /no/such.parquet: no such file", id="no data"),
        pytest.param(["--model", "/no/model"], "no model at /no/model", id="no model"),
        pytest.param(["--judge-url", "http://x"], "--judge-url belongs to --judge server", id="url without server"),
        pytest.param(["--judge", "server"], "url", id="server without url"),
        pytest.param(["--taxonomy", "no-such"], "'no-such' is neither a file nor shipped", id="taxonomy"),
        pytest.param(["--", "trainer.total_epoch=3"], "does not compose", id="misspelt override"),
        pytest.param(["--", "+speciarl.x=3"], "speciarl.x", id="unknown key of ours"),
        pytest.param(["--", "ray_kwargs.ray_init.num_cpus=3"], "verl needs 7", id="too few CPUs"),
    ],
)
def test_wrong_call_is_refused(inputs: dict[str, Path], flags: list[str], message: str) -> None:
    assert_refused(run_train(inputs, *flags), message, inputs["out"])


def test_unreachable_judge_is_refused(inputs: dict[str, Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert_refused(run_train(inputs, "--judge", "server", "--judge-url", url), url, inputs["out"])


def test_parquet_of_another_project_is_refused(inputs: dict[str, Path]) -> None:
    write_parquet(inputs["val"], [TRUTH], schema=SCHEMA.remove_metadata())
    assert_refused(run_train(inputs), str(inputs["val"]), inputs["out"])


def test_row_without_ground_truth_is_refused(inputs: dict[str, Path]) -> None:
    write_parquet(inputs["train"], [TRUTH, ""])
    assert_refused(run_train(inputs), "ground_truth", inputs["out"])


def test_label_that_the_taxonomy_does_not_know_is_refused(inputs: dict[str, Path]) -> None:
    write_parquet(inputs["train"], [TRUTH, "Spitfire Mk IX"])
    assert_refused(run_train(inputs), "Spitfire Mk IX", inputs["out"])


@pytest.mark.parametrize(
    ("missing", "message"),
    [("config.json", "has no config.json"), ("preprocessor_config.json", "has no image processor")],
)
def test_model_without_what_a_vision_language_model_has_is_refused(
    inputs: dict[str, Path], missing: str, message: str
) -> None:
    (inputs["model"] / missing).unlink()
    with pytest.raises(ConfigError, match=message):
        check_model(str(inputs["model"]))


def test_hub_id_is_left_to_transformers() -> None:
    check_model("Qwen/Qwen2.5-VL-7B-Instruct")


def test_port_in_use_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"dashboard_port: port {port} is in use"):
            check_ports(compose_config([*CPU, f"+ray_kwargs.ray_init.dashboard_port={port}"]))


def test_profile_and_environment_must_agree(inputs: dict[str, Path]) -> None:
    gpu = run_train(inputs, "--profile", "gpu", VERL_PLATFORM="cpu")
    assert_refused(gpu, "VERL_PLATFORM=cpu is set but the profile is gpu", inputs["out"])


def test_ground_truths_are_distinct_and_sorted(tmp_path: Path) -> None:
    files = [write_parquet(tmp_path / f"{i}.parquet", labels) for i, labels in enumerate([["b", "a"], ["b", "c"]])]
    assert ground_truths([str(file) for file in files]) == ["a", "b", "c"]
