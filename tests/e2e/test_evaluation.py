"""`speciarl evaluate` with real models on the CPU: vLLM in-process, a LoRA checkpoint, a vLLM server; and kill -9."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from recipes.quickstart.policy import PROMPT
from recipes.quickstart.responses import respond
from speciarl_verl.evaluation.pictures import PictureFiles, open_picture, read_pictures
from speciarl_verl.prompts import load_prompt
from tests.e2e.conftest import ROOT, World, environment
from tests.loopback import JsonHandler, LoopbackServer, completion, models
from tests.servers.serving import VLLM, Engine, Serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# Few at a time, so that there is a middle in which to be killed.
IN_PROCESS = ("--engine-arg", "max_model_len=128", "--engine-arg", "max_num_seqs=4")


class Evaluations:
    """Runs of one policy over one test set."""

    def __init__(self, world: World, folder: Path) -> None:
        self.data = world.train.parent / "test.parquet"
        self.world = world
        self.folder = folder
        self.pictures = pq.read_metadata(self.data).num_rows

    def command(self, out: str, *flags: object) -> list[str]:
        common = ["--data", self.data, "--prompt", PROMPT, "--max-tokens", 32, "--out", self.folder / out]
        judge = [] if "--judge" in flags else ["--judge", "taxonomy", "--judge-set", f"taxonomy={self.world.taxonomy}"]
        return [sys.executable, "-m", "speciarl_verl.cli", "evaluate", *map(str, [*common, *judge, *flags])]

    def run(self, out: str, *flags: object) -> dict[str, Any]:
        """To the end; gives what the report says."""
        done = subprocess.run(
            self.command(out, *flags), cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stderr[-3000:] + self.log(out)
        return self.report(out)

    def run_killed(self, out: str, file: str, lines: int, *flags: object) -> int:
        """Kill -9 as soon as a file has so many lines; gives how many it then has."""
        path = self.folder / out / file
        process = subprocess.Popen(
            self.command(out, *flags), cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 400
            while not path.exists() or path.read_bytes().count(b"\n") < lines:
                assert process.poll() is None, (process.communicate()[1] or "")[-3000:] + self.log(out)
                assert time.monotonic() < deadline, "nothing came"
                time.sleep(0.005)
            family = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()
            process.communicate()
        # The workers see to their own end: a killed command must not leave an engine on the device.
        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive
        assert not (self.folder / out / "report.json").exists()
        return path.read_bytes().count(b"\n")

    def report(self, out: str) -> dict[str, Any]:
        """Less what differs between equal runs: when it was, and the name of its folder."""
        report: dict[str, Any] = json.loads((self.folder / out / "report.json").read_text())
        del report["run"]["created"], report["name"]
        return report

    def responses(self, out: str) -> dict[str, str]:
        lines = (self.folder / out / "predictions.jsonl").read_text().splitlines()
        return {line["image"]: line["response"] for line in map(json.loads, lines)}

    def log(self, out: str) -> str:
        log = self.folder / out / "vllm.log"
        return log.read_text()[-3000:] if log.exists() else ""


@pytest.fixture(scope="module")
def evaluations(world: World, tmp_path_factory: pytest.TempPathFactory) -> Evaluations:
    return Evaluations(world, tmp_path_factory.mktemp("evaluations"))


@pytest.fixture(scope="module")
def in_process(evaluations: Evaluations) -> dict[str, Any]:
    """The report of an uninterrupted run, with vLLM in-process."""
    return evaluations.run("in-process", "--model", evaluations.world.model, *IN_PROCESS)


def by_transformers(evaluations: Evaluations, adapter: Path | None = None) -> dict[str, str]:
    """The greedy responses of transformers to the same pictures."""
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(evaluations.world.model, dtype=torch.float32).eval()
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter).eval()
    pictures, files = read_pictures([str(evaluations.data)]), PictureFiles()
    shown: list[Image.Image] = [open_picture(files.read(picture), 14) for picture in pictures]
    processor = AutoProcessor.from_pretrained(evaluations.world.model)
    responses = respond(model, processor, shown, load_prompt(PROMPT))
    return dict(zip((picture.image for picture in pictures), responses, strict=True))


def test_every_picture_is_answered_as_by_transformers(evaluations: Evaluations, in_process: dict[str, Any]) -> None:
    (dataset,) = in_process["datasets"]
    assert dataset["n"] == evaluations.pictures == 90
    assert dataset["shares"]["failed"]["count"] == 0
    assert len(set(evaluations.responses("in-process").values())) > 3
    assert evaluations.responses("in-process") == by_transformers(evaluations)
    for name in ("report.md", "report.tex", "browser.html", "run.json", "judge.json"):
        assert (evaluations.folder / "in-process" / name).stat().st_size > 0


@pytest.mark.drill
def test_killed_while_predicting_it_ends_with_the_same_report(
    evaluations: Evaluations, in_process: dict[str, Any]
) -> None:
    flags = ("--model", evaluations.world.model, *IN_PROCESS)
    left = evaluations.run_killed("killed", "predictions.jsonl", 10, *flags)
    assert 10 <= left < evaluations.pictures, "it was over before it could be killed"
    assert evaluations.run("killed", *flags) == in_process


def test_lora_checkpoint_is_laid_over_the_model(
    evaluations: Evaluations, in_process: dict[str, Any], tmp_path: Path
) -> None:
    adapter = save_lora_checkpoint(evaluations.world.model, tmp_path)
    flags = ("--model", evaluations.world.model, "--adapter", tmp_path / "global_step_3", *IN_PROCESS)
    evaluations.run("lora", *flags, "--stages", "predict,judge,report")
    expected = by_transformers(evaluations, adapter)
    assert evaluations.responses("lora") == expected
    assert expected != evaluations.responses("in-process"), "an adapter that changes nothing proves nothing"


def save_lora_checkpoint(model: Path, out: Path) -> Path:
    """What verl leaves of a LoRA training on one rank; gives the same adapter as PEFT saves it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=64, target_modules="all-linear", exclude_modules=".*visual.*")
    policy = get_peft_model(AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32), config)
    for name, weight in policy.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.006)
    policy.save_pretrained(out / "peft")
    actor = out / "global_step_3" / "actor"
    actor.mkdir(parents=True)
    torch.save(policy.state_dict(), actor / "model_world_size_1_rank_0.pt")
    (actor / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 64, "task_type": "CAUSAL_LM"}))
    return out / "peft"


def _serve_policy(model: Path, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.servers.vllm_server", "--model", str(model), "--served-model-name", "policy"),
        *("--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager"),
        *("--max-model-len", "128", "--max-num-seqs", "4", "--limit-mm-per-prompt", '{"image": 1, "video": 0}'),
    ]


@pytest.fixture(scope="module")
def server(evaluations: Evaluations) -> Iterator[Serving]:
    engine = Engine("vllm", _serve_policy, VLLM.environment, VLLM.ready, VLLM.hits, VLLM.requests)
    serving = Serving(engine, evaluations.world.model, evaluations.folder / "server.log")
    try:
        serving.start()
        yield serving
        serving.stop()
    finally:
        serving.purge()


@pytest.mark.full
def test_server_gives_the_same_and_survives_a_kill(
    evaluations: Evaluations, in_process: dict[str, Any], server: Serving
) -> None:
    flags = ("--server", server.url, "--concurrency", 4)
    uninterrupted = evaluations.run("server", *flags)
    assert uninterrupted["datasets"] == in_process["datasets"]
    assert uninterrupted["run"]["settings"]["model"] == "policy"
    left = evaluations.run_killed("server-killed", "predictions.jsonl", 10, *flags)
    assert 10 <= left < evaluations.pictures, "it was over before it could be killed"
    assert evaluations.run("server-killed", *flags) == uninterrupted


class SlowJudge(LoopbackServer):
    """An LLM judge that takes its time; its word depends on the pair alone."""

    def __init__(self) -> None:
        super().__init__(_Handler)


class _Handler(JsonHandler):
    def do_GET(self) -> None:
        self.send(200, models("judge"))

    def do_POST(self) -> None:
        asked = self.read()["messages"][-1]["content"]
        time.sleep(0.05)
        self.send(200, completion(("wrong", "generic", "specific")[sum(asked.encode()) % 3]))


@pytest.mark.drill
def test_killed_while_judging_it_ends_with_the_same_report(
    evaluations: Evaluations, in_process: dict[str, Any]
) -> None:
    judge = SlowJudge()
    threading.Thread(target=judge.serve_forever, daemon=True).start()
    settings = ("cache=memory", "fast_path=false", "max_concurrency=2")
    flags = ["--judge", "server", "--judge-url", judge.url, *(f"--judge-set={setting}" for setting in settings)]
    for out in ("judged", "judged-killed"):
        (evaluations.folder / out).mkdir()
        for name in ("run.json", "predictions.jsonl"):
            shutil.copy(evaluations.folder / "in-process" / name, evaluations.folder / out / name)
    try:
        uninterrupted = evaluations.run("judged", *flags)
        left = evaluations.run_killed("judged-killed", "verdicts.jsonl", 10, *flags)
        assert 10 <= left < evaluations.pictures, "it was over before it could be killed"
        assert evaluations.run("judged-killed", *flags) == uninterrupted
    finally:
        judge.shutdown()
    assert uninterrupted["judge"]["model"] == "judge"
    assert uninterrupted["datasets"] != in_process["datasets"]
