"""Workers and their pipes, with a stand-in for what a worker does; the real one runs in tests/e2e."""

import os
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict import vllm_engine
from speciarl_verl.evaluation.predict.engine import PictureResponses, Response
from speciarl_verl.evaluation.predict.vllm_engine import VllmEngine, share_devices
from speciarl_verl.evaluation.predict.vllm_messages import Broken, Ready, VllmSettings
from speciarl_verl.evaluation.run import EngineKind, PredictSettings
from tests.evaluation.small_set import small_set

GREEDY = PredictSettings(engine=EngineKind.SERVER, samples=1, temperature=0.0, top_p=1.0, max_tokens=9, seed=0)


def settings(folder: Path, model: str = "m", window: int = 2) -> VllmSettings:
    run = GREEDY.model_copy(update={"model": model})
    return VllmSettings(run, "What?", str(folder / "vllm.log"), window=window)


def work(pipe: Connection, settings: VllmSettings, devices: str | None) -> None:
    """Answers with its device; the model says how it ends."""
    if settings.run.model == "broken":
        pipe.send(Broken("does not start with broken: no such architecture"))
        return
    pipe.send(Ready())
    answered = 0
    while True:
        try:
            picture = pipe.recv()
        except EOFError:
            return
        if settings.run.model == "dies" and answered == 3:
            os._exit(9)
        time.sleep(0.01)
        pipe.send(PictureResponses(picture, (Response(str(devices)),)))
        answered += 1


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_engine, "work", work)


def test_workers_share_the_pictures_each_on_its_own_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    pictures = small_set(tmp_path, count=40)
    with closing(VllmEngine(settings(tmp_path), 2)) as engine:
        answers = list(engine.answers(pictures))
    assert sorted(answer.picture.row for answer in answers) == list(range(40))
    assert {answer.responses[0].text for answer in answers} == {"4", "7"}
    assert [worker.process.exitcode for worker in engine._workers] == [0, 0]


def test_one_worker_keeps_the_devices_as_they_are(tmp_path: Path) -> None:
    with closing(VllmEngine(settings(tmp_path), 1)) as engine:
        assert [answer.responses[0].text for answer in engine.answers(small_set(tmp_path))] == ["None"] * 6
        assert list(engine.answers([])) == []


def test_an_engine_that_does_not_start_is_one_line_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"vLLM does not start with broken: no such.*vllm\.log"):
        VllmEngine(settings(tmp_path, "broken"), 1)


def test_a_worker_that_dies_ends_the_stage_with_what_came(tmp_path: Path) -> None:
    came: list[PictureResponses] = []
    dies = pytest.raises(EvaluationError, match=r"exit code 9.*vllm\.log\. Repeat")
    with closing(VllmEngine(settings(tmp_path, "dies"), 1)) as engine, dies:
        came.extend(engine.answers(small_set(tmp_path)))
    assert len(came) == 3


@pytest.mark.parametrize(
    ("workers", "gpus", "visible", "expected"),
    [
        (1, 1, "0,1", [None]),
        (2, 1, "0,1,2", ["0", "1"]),
        (2, 2, "3,1,0,2", ["3,1", "0,2"]),
        (2, 1, "GPU-a,GPU-b", ["GPU-a", "GPU-b"]),
    ],
)
def test_devices_are_shared_as_they_are_visible(
    monkeypatch: pytest.MonkeyPatch, workers: int, gpus: int, visible: str, expected: list[str | None]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert share_devices(workers, gpus) == expected


def test_too_few_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    with pytest.raises(EvaluationError, match=r"--data-parallel 2 with 2 GPU\(s\) each needs 4: 3 are visible"):
        share_devices(2, 2)
