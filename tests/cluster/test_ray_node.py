"""The command line of the Ray scripts and of train.sh over several machines; tests/e2e/test_two_nodes.py runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.cluster.wait_for_nodes import enough

ROOT = Path(__file__).parents[2]
NODE = "recipes/cluster/ray_node.sh"


def run(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {"PYTHON": sys.executable, **variables}
    return subprocess.run(["bash", *command], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_head_listens_where_it_was_told() -> None:
    told = run(NODE, "head", "--address", "10.0.0.1:6380", "--dry-run", "--", "--num-gpus", "4").stdout
    assert "start --block" in told
    assert "--head --port 6380" in told
    assert told.rstrip().endswith("--num-gpus 4")


def test_join_goes_to_the_head() -> None:
    told = run(NODE, "join", "--address", "10.0.0.1:6380", "--dry-run").stdout
    assert "--address 10.0.0.1:6380" in told
    assert "--head" not in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "say head or join", id="nothing"),
        pytest.param(("stop",), "say head or join", id="another verb"),
        pytest.param(("head",), "--address HOST:PORT is missing", id="no address"),
        pytest.param(("join", "--address", "host"), "--address HOST:PORT is missing", id="no port"),
        pytest.param(("join", "--address"), "--address needs a value", id="no value"),
        pytest.param(("join", "--num-gpus", "4"), "unknown argument --num-gpus", id="Ray's own"),
        pytest.param(("join", "--address", "h:1", "--wait", "long"), "is not a number of seconds", id="wait"),
        pytest.param(("join", "--address", "127.0.0.1:1", "--wait", "0"), "no head at 127.0.0.1:1", id="no head"),
    ],
)
def test_wrong_call_is_refused(arguments: tuple[str, ...], message: str) -> None:
    refused = run(NODE, *arguments)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("gpus", "there"),
    [
        pytest.param((), False, id="no machine"),
        pytest.param((4.0,), False, id="one of two"),
        pytest.param((4.0, 2.0), False, id="too few GPUs on one"),
        pytest.param((4.0, 0.0, 8.0), True, id="another machine without GPUs"),
    ],
)
def test_enough_counts_machines_with_their_gpus(gpus: tuple[float, ...], there: bool) -> None:
    assert enough(gpus, nodes=2, gpus_per_node=4) is there


def train(tmp_path: Path, *flags: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    for name in ("train", "val"):
        (tmp_path / f"{name}.parquet").touch()
    files = ["--train", f"{tmp_path}/train.parquet", "--val", f"{tmp_path}/val.parquet", "--model", "m"]
    python = tmp_path / "python"
    # Says what it would be asked to do.
    python.write_text('#!/bin/sh\n[ "$2" = speciarl_verl.cli ] || exit 0\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    command = ["recipes/train.sh", *files, "--out", str(tmp_path / "out"), "--dry-run", *flags]
    return run(*command, **{"PYTHON": str(python), **variables})


def test_several_machines_need_a_cluster(tmp_path: Path) -> None:
    refused = train(tmp_path, "--nnodes", "2")
    assert refused.returncode == 2
    assert "--nnodes 2 needs a Ray cluster" in refused.stderr
    assert "recipes/cluster/ray_node.sh" in refused.stderr


def test_training_that_joins_a_cluster_counts_nothing_itself(tmp_path: Path) -> None:
    told = train(tmp_path, "--nnodes", "2", "--gpus-per-node", "8", RAY_ADDRESS="10.0.0.1:6379").stdout.splitlines()
    assert {"trainer.nnodes=2", "trainer.n_gpus_per_node=8"} <= set(told)
    assert {"++ray_kwargs.ray_init.num_cpus=null", "++ray_kwargs.ray_init.num_gpus=null"} <= set(told)
    (metrics,) = (line for line in told if line.startswith("++") and "VERL_FILE_LOGGER_PATH" in line)
    assert f"{tmp_path}/out/metrics/" in metrics


def test_training_of_one_machine_starts_its_own_ray(tmp_path: Path) -> None:
    told = train(tmp_path).stdout
    assert "ray_init" not in told
    assert "nnodes" not in told
    assert f"speciarl.stop_file='{tmp_path}/out/stop'" in told


@pytest.mark.parametrize("flag", ["--nnodes", "--gpus-per-node"])
def test_no_number_is_refused(flag: str, tmp_path: Path) -> None:
    assert f"{flag} 0 is not a number from 1 on" in train(tmp_path, flag, "0").stderr
