"""Runs of the paper by name, at the size for a CPU: prepared, trained by verl and evaluated."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from recipes.quickstart.responses import respond
from speciarl_verl.evaluation.pictures import PictureFiles, open_picture, read_pictures
from speciarl_verl.prompts import load_prompt
from tests.e2e.conftest import ROOT, World, environment

pytestmark = [pytest.mark.e2e, pytest.mark.full, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs share what is prepared."""
    return tmp_path_factory.mktemp("paper")


def paper_sh(name: str, world: World, out: Path) -> str:
    """To the end; the world of birds stands for every data set."""
    sources = out / "sources"
    sources.mkdir(exist_ok=True)
    if not (sources / "cub").exists():
        (sources / "cub").symlink_to(world.taxonomy.parent / "CUB_200_2011")
    flags = ["--data", sources, "--out", out, "--model", world.model, "--taxonomy", world.taxonomy, "--scale", "cpu"]
    done = subprocess.run(
        ["bash", "recipes/paper.sh", name, *map(str, flags)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def responses(run: Path) -> dict[str, str]:
    lines = map(json.loads, (run / "predictions.jsonl").read_text().splitlines())
    return {line["image"]: line["response"] for line in lines}


def speciarl(*arguments: object) -> None:
    command = [sys.executable, "-m", "speciarl_verl.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(("name", "steps"), [("sft", 3), ("main", 2), ("binary", 2)])
def test_a_run_is_prepared_trained_and_evaluated(name: str, steps: int, world: World, out: Path) -> None:
    paper_sh(name, world, out)
    checkpoints = out / name / "train" / "checkpoints"
    assert (checkpoints / "latest_checkpointed_iteration.txt").read_text() == str(steps)
    # Beside it stands `best`, which shares its files.
    (checkpoint,) = (file.parent for file in checkpoints.glob(f"global_step_{steps}/**/lora_train_meta.json"))
    # The adapter and no more.
    assert (checkpoint / "model_world_size_1_rank_0.pt").stat().st_size < 1_000_000
    assert not list(checkpoint.rglob("*.safetensors"))
    report = json.loads((out / name / "evaluation" / "report.json").read_text())
    assert [dataset["n"] for dataset in report["datasets"]] == [30]
    assert report["datasets"][0]["shares"]["failed"]["count"] == 0
    assert report["run"]["settings"]["adapter"] is not None

    again = paper_sh(name, world, out)
    assert again.count("done before") == 4


def test_an_exported_model_answers_as_the_adapter_over_its_base(world: World, out: Path) -> None:
    """In vLLM and in transformers, on the pictures of the run's own evaluation."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    expected = responses(out / "main" / "evaluation")
    exported, data = out / "exported", out / "data" / "cub-test" / "test.parquet"
    speciarl("export", exported, "--model", world.model, "--adapter", out / "main" / "train" / "checkpoints")
    asked = ("--prompt", "short", "--limit", 30, "--max-tokens", 32, "--engine-arg", "max_model_len=128")
    judge = ("--judge", "taxonomy", "--judge-set", f"taxonomy={world.taxonomy}")
    speciarl("evaluate", "--model", exported, "--data", data, "--out", out / "of-exported", *asked, *judge)
    assert len(expected) == 30
    assert responses(out / "of-exported") == expected

    model = AutoModelForImageTextToText.from_pretrained(exported, dtype=torch.float32).eval()
    pictures, files = [one for one in read_pictures([str(data)]) if one.image in expected], PictureFiles()
    shown = [open_picture(files.read(picture), 14) for picture in pictures]
    said = respond(model, AutoProcessor.from_pretrained(exported), shown, load_prompt("short"))
    assert dict(zip((picture.image for picture in pictures), said, strict=True)) == expected
