"""What is wrong with a run is said in one line, with exit status 2, before Ray starts or anything is written."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.errors import ConfigError
from speciarl_verl.preflight.everything import check_adapter, check_judge_model, check_model

ROOT = Path(__file__).parents[2]
TRUTH = "Black footed Albatross"
HOSTED = ["--judge", "hosted", "--judge-model", "Qwen/Qwen3-30B-A3B-Instruct-2507"]


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
    data = {split: write_parquet(tmp_path / f"{split}.parquet", [TRUTH] * 16) for split in ("train", "val")}
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
        timeout=300,
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


FLAGS = {
    "--rollouts": ("4", "actor_rollout_ref.rollout.n=4"),
    "--reward-mode": ("all", "speciarl.reward.mode=all"),
    "--prompt": ("calibrated", r"data.speciarl.prompt=\'calibrated\'"),
    "--epochs": ("3", "trainer.total_epochs=3"),
    "--reliability": ("0.5", "speciarl.reward.reliability=0.5"),
    "--support": ("3", "speciarl.reward.support=3"),
    "--answer": ("paper", "speciarl.answer.mode=paper"),
    "--judge-noise": ("0.05", "speciarl.reward.judge_noise=0.05"),
    "--lora-rank": ("8", "actor_rollout_ref.model.lora_rank=8"),
}


def test_every_flag_of_an_ablation_becomes_its_override(inputs: dict[str, Path]) -> None:
    flags = [part for flag, (value, _) in FLAGS.items() for part in (flag, value)]
    done = run_train(inputs, *flags, "--dry-run")
    assert done.returncode == 0, done.stderr
    command = done.stdout.strip().splitlines()[-1]
    for _, override in FLAGS.values():
        assert f" {override} " in command
    assert "load_format" not in command
    assert "hf_model" not in command


def test_all_parameters_are_synchronised_and_not_read_twice(inputs: dict[str, Path]) -> None:
    done = run_train(inputs, "--lora-rank", "0", "--dry-run")
    assert "actor_rollout_ref.rollout.load_format=dummy" in done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(["--algo", "ppo"], "--algo ppo: choose one of dapo-dynamic dapo drgrpo grpo", id="algorithm"),
        pytest.param(["--reward", "best"], "--reward best: choose one of binary dynamic", id="reward"),
        pytest.param(["--judge", "oracle"], "--judge oracle: choose one of custom hosted server taxonomy", id="judge"),
        pytest.param(["--reword", "binary"], "unknown argument --reword", id="unknown flag"),
        pytest.param(["--algo"], "--algo needs a value", id="value missing"),
        pytest.param(["--seed", "x"], "--seed x is not a number", id="seed"),
        pytest.param(["--reward-mode", "first"], "--reward-mode first: choose one of all single", id="reward's mode"),
        pytest.param(["--answer", "lax"], "--answer lax: choose one of strict paper", id="answer's mode"),
        pytest.param(["--rollouts", "0"], "--rollouts 0 is not a number from 1 on", id="rollouts"),
        pytest.param(["--rollouts", "1"], "rollout.n=1: a group needs 2 rollouts", id="group of one"),
        pytest.param(["--epochs", "1.5"], "--epochs 1.5 is not a number", id="epochs"),
        pytest.param(["--lora-rank", "-1"], "--lora-rank -1 is not a number (0: all parameters)", id="rank"),
        pytest.param(["--reliability", "half"], "--reliability half is not a number", id="reliability"),
        pytest.param(["--judge-noise", "5%"], "--judge-noise 5% is not a number", id="noise"),
        pytest.param(["--train", "/no/such.parquet"], "--train /no/such.parquet: no such file", id="no data"),
        pytest.param(["--model", "/no/model"], "no model at /no/model", id="no model"),
        pytest.param(["--judge-url", "http://x"], "--judge-url belongs to --judge server", id="url without server"),
        pytest.param(["--judge", "server"], "url", id="server without url"),
        pytest.param(["--judge", "hosted"], "--judge hosted needs --judge-model", id="hosted without model"),
        pytest.param(["--judge-model", "m"], "--judge-model belongs to --judge hosted", id="model of no judge"),
        pytest.param(["--judge-gpus", "2"], "--judge-gpus belongs to --judge hosted", id="GPUs of no judge"),
        pytest.param([*HOSTED, "--judge-gpus", "0"], "--judge-gpus 0 is not a number", id="judge without GPUs"),
        pytest.param([*HOSTED, "--judge-engine", "trtllm"], "choose one of sglang vllm", id="judge's engine"),
        pytest.param(["--judge", "hosted", "--judge-model", "/no/judge"], "no model at /no/judge", id="no judge model"),
        pytest.param([*HOSTED, "--", "speciarl.judge.prompt=/no/rubric"], "/no/rubric", id="hosted judge's rubric"),
        pytest.param(
            [*HOSTED, "--", "ray_kwargs.ray_init.num_cpus=9"], "verl needs 10", id="too few CPUs for a hosted judge"
        ),
        pytest.param(["--taxonomy", "no-such"], "'no-such' is neither a file nor shipped", id="taxonomy"),
        pytest.param(["--", "trainer.total_epoch=3"], "does not compose", id="misspelt override"),
        pytest.param(["--judge", "custom"], "judge.custom.factory: Value error, name", id="no factory named"),
        pytest.param(
            ["--judge", "custom", "--", "speciarl.judge.factory=os:getcwd"],
            "must take (options)",
            id="no factory's way",
        ),
        pytest.param(
            ["--judge", "custom", "--", "speciarl.judge.factory=tests.preflight.own_judge:make"],
            f"judge failed with LookupError: nobody knows on Pair(prediction='{TRUTH}'",
            id="own judge that fails on the data's labels",
        ),
        pytest.param(["--", "speciarl.reward.rule=os:getcwd"], "must take (group)", id="rule of another signature"),
        pytest.param(["--", "speciarl.reward.rule=no_such:rule"], "No module named 'no_such'", id="rule not there"),
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
    write_parquet(inputs["train"], [TRUTH] * 15 + ["Spitfire Mk IX"])
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


def test_judge_model_without_a_tokenizer_is_refused(inputs: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=r"the judge's model .* has no tokenizer"):
        check_judge_model(str(inputs["model"]))
    (inputs["model"] / "tokenizer.json").write_text("{}")
    check_judge_model(str(inputs["model"]))


def test_hub_id_is_left_to_transformers() -> None:
    check_model("Qwen/Qwen2.5-VL-7B-Instruct")
    check_judge_model("Qwen/Qwen3-30B-A3B-Instruct-2507")


def test_profile_and_environment_must_agree(inputs: dict[str, Path]) -> None:
    gpu = run_train(inputs, "--profile", "gpu", VERL_PLATFORM="cpu")
    assert_refused(gpu, "VERL_PLATFORM=cpu is set but the profile is gpu", inputs["out"])


def test_adapters_of_a_qwen2_vl_are_refused_unless_merged(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_vl"}')
    node = {"path": str(tmp_path), "lora_rank": 8, "lora": {"merge": False}}
    with pytest.raises(ConfigError, match=r"LoRA of a Qwen2-VL.*lora.merge=true.*--lora-rank 0"):
        check_adapter(OmegaConf.create(node))
    check_adapter(OmegaConf.create({**node, "lora_rank": 0}))
    check_adapter(OmegaConf.create({**node, "lora": {"merge": True}}))
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_5_vl"}')
    check_adapter(OmegaConf.create(node))


def test_that_refusal_is_still_needed() -> None:
    """vLLM's Qwen2-VL does not say what it packs; once it does, `check_adapter` can go."""
    code = (
        "from vllm.model_executor.models.qwen2_vl import Qwen2VLForConditionalGeneration as of_vllm; "
        "print(getattr(of_vllm, 'packed_modules_mapping', None))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] in ("None", "{}")
