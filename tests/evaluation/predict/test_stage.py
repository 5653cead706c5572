from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Expected
from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.predict import stage
from speciarl_verl.evaluation.predict.engine import PictureResponses, Response, picture_seed
from speciarl_verl.evaluation.predict.server_engine import ServerSettings
from speciarl_verl.evaluation.predict.stage import (
    Resources,
    build_engine,
    pending_pictures,
    predict,
    with_served_model,
)
from speciarl_verl.evaluation.records import Prediction
from speciarl_verl.evaluation.run import EngineKind, PredictSettings, Run
from speciarl_verl.evaluation.store import Journal, predictions_journal
from speciarl_verl.prompts import load_prompt
from tests.evaluation.small_set import small_set


class ScriptedEngine:
    """Answers by a function, in reversed order; remembers what it was asked."""

    def __init__(self, answer: Callable[[PictureRow], PictureResponses]) -> None:
        self._answer = answer
        self.asked: list[PictureRow] = []

    def answers(self, pictures: Sequence[PictureRow]) -> Generator[PictureResponses, None, None]:
        for picture in reversed(pictures):
            self.asked.append(picture)
            yield self._answer(picture)


def good(samples: int = 1) -> Callable[[PictureRow], PictureResponses]:
    return lambda picture: PictureResponses(picture, tuple(Response(f"{picture.image} {i}", i) for i in range(samples)))


def failed(picture: PictureRow) -> PictureResponses:
    return PictureResponses(picture, failure="no answer within 3 s")


def broken(picture: PictureRow) -> PictureResponses:
    return PictureResponses(picture, failure="the picture cannot be opened", fault_of_picture=True)


def run(engine: ScriptedEngine, expected: Expected, journal: Journal[Prediction], retry_failed: bool = False) -> None:
    pending = pending_pictures(expected, journal, retry_failed)
    predict(engine, pending, expected.samples, len(expected.pictures), journal)


def test_every_sample_of_every_picture_is_recorded(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path), samples=3)
    journal = predictions_journal(tmp_path)
    run(ScriptedEngine(good(3)), expected, journal)
    recorded = {prediction.key: prediction for prediction in journal.load()}
    assert set(recorded) == set(expected.keys())
    assert len(journal.load()) == 18
    for key, prediction in recorded.items():
        assert prediction.response == f"{key.image} {key.sample}"
        assert prediction.response_tokens == key.sample
        assert prediction.ground_truth == ("Blue Jay", "Cardinal")[int(key.image[:3]) % 2]


def test_killed_at_any_byte_the_stage_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path, count=3), samples=2)
    journal = predictions_journal(tmp_path)
    run(ScriptedEngine(good(2)), expected, journal)
    whole = journal.path.read_bytes()
    uninterrupted = sorted(journal.load(), key=lambda p: p.key)
    for cut in range(0, len(whole) + 1, 7):
        journal.path.write_bytes(whole[:cut])
        engine = ScriptedEngine(good(2))
        run(engine, expected, journal)
        assert sorted(journal.load(), key=lambda p: p.key) == uninterrupted
        # Two lines a picture: what was whole is not asked for again.
        assert len(engine.asked) == 3 - whole[:cut].count(b"\n") // 2


def test_failed_samples_are_recorded_and_retried_on_request(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path), samples=2)
    journal = predictions_journal(tmp_path)
    run(ScriptedEngine(lambda p: failed(p) if p.row == 3 else good(2)(p)), expected, journal)
    failures = [p for p in journal.load() if p.response is None]
    assert [(p.key.image, p.key.sample, p.failure) for p in failures] == [
        ("003.png", 0, "no answer within 3 s"),
        ("003.png", 1, "no answer within 3 s"),
    ]
    idle = ScriptedEngine(good(2))
    run(idle, expected, journal)
    assert idle.asked == []
    run(idle, expected, journal, retry_failed=True)
    assert [picture.row for picture in idle.asked] == [3]
    assert all(p.response for p in journal.load())
    assert len(journal.load()) == 12


def test_an_engine_that_fails_everything_ends_the_stage_without_failures(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path), samples=1)
    journal = predictions_journal(tmp_path)
    with pytest.raises(EvaluationError, match=r"6 pictures failed in a row.*no answer within 3 s") as caught:
        run(ScriptedEngine(failed), expected, journal)
    assert "\n" not in str(caught.value)
    assert journal.load() == []


def test_a_row_of_failures_ends_the_stage_and_keeps_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "MAX_CONSECUTIVE", 4)
    expected = Expected(small_set(tmp_path, count=20), samples=1)
    journal = predictions_journal(tmp_path)
    # Three in a row fail early and are counted; from row 9 on (downwards) the engine is dead.
    dying = ScriptedEngine(lambda p: failed(p) if p.row in (15, 16, 17) or p.row <= 9 else good()(p))
    with pytest.raises(EvaluationError, match="4 pictures failed in a row"):
        run(dying, expected, journal)
    assert len(dying.asked) == 14
    assert sorted(int(p.key.image[:3]) for p in journal.load()) == list(range(10, 20))
    assert sum(p.response is None for p in journal.load()) == 3
    run(ScriptedEngine(good()), expected, journal)
    assert len(journal.load()) == 20


def test_broken_pictures_say_nothing_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MAX_CONSECUTIVE", 3)
    expected = Expected(small_set(tmp_path, count=12), samples=1)
    journal = predictions_journal(tmp_path)
    # Two before anything came, six in a row after it; the highest row comes first.
    run(ScriptedEngine(lambda p: good()(p) if p.row in (0, 1, 8, 9) else broken(p)), expected, journal)
    failures = [p.failure for p in journal.load() if p.response is None]
    assert failures == ["the picture cannot be opened"] * 8
    assert len(journal.load()) == 12


def test_nothing_but_broken_pictures_is_no_evaluation(tmp_path: Path) -> None:
    journal = predictions_journal(tmp_path)
    with pytest.raises(EvaluationError, match=r"6 pictures failed in a row.*cannot be opened"):
        run(ScriptedEngine(broken), Expected(small_set(tmp_path), samples=1), journal)
    assert journal.load() == []


def test_a_last_failure_is_recorded_where_others_came(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path), samples=1)
    journal = predictions_journal(tmp_path)
    run(ScriptedEngine(lambda p: failed(p) if p.row == 0 else good()(p)), expected, journal)
    assert sum(p.response is None for p in journal.load()) == 1
    assert len(journal.load()) == 6


@pytest.mark.parametrize("what", ["foreign", "twice"])
def test_a_journal_of_something_else_is_refused(tmp_path: Path, what: str) -> None:
    pictures = small_set(tmp_path)
    journal = predictions_journal(tmp_path)
    run(ScriptedEngine(good()), Expected(pictures, 1), journal)
    if what == "twice":
        journal.path.write_bytes(journal.path.read_bytes() * 2)
    expected = Expected(pictures[1:] if what == "foreign" else pictures, 1)
    message = "is there twice" if what == "twice" else "cub/000.png sample 0 is not part of this run"
    with pytest.raises(EvaluationError, match=message):
        pending_pictures(expected, journal)


def test_picture_seeds_differ_and_leave_room_for_samples(tmp_path: Path) -> None:
    pictures = small_set(tmp_path, count=200)
    seeds = {picture_seed(0, picture) for picture in pictures}
    assert len(seeds) == 200
    assert seeds.isdisjoint(picture_seed(1, picture) for picture in pictures)
    assert all(0 <= seed < 2**31 - 2**20 for seed in seeds)


def manifest(**settings: Any) -> Run:
    return Run(
        created="", data=(), settings=PredictSettings(prompt="short", **settings), server="http://x", versions={}
    )


def test_a_servers_run_gets_its_model_named_and_any_other_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(stage, "served_model", lambda settings: asked.append(settings) or "seer")
    patience = ServerSettings(url="", timeout_s=7)
    named = with_served_model(manifest(engine=EngineKind.SERVER), patience)
    assert (named.settings.model, [(one.url, one.timeout_s) for one in asked]) == ("seer", [("http://x", 7)])
    for run in (named, manifest(engine=EngineKind.VLLM), manifest(engine=EngineKind.SERVER, model="other")):
        assert with_served_model(run, patience) is run
    assert len(asked) == 1


def test_the_engine_is_the_runs_with_its_adapter_as_a_peft_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built = []
    monkeypatch.setattr(stage, "VllmEngine", lambda settings, workers: built.append((settings, workers)))
    monkeypatch.setattr(stage, "ServerEngine", lambda settings, run, prompt: built.append((settings, prompt)))
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"r": 16}')
    (adapter / "adapter_model.safetensors").touch()
    run = manifest(engine=EngineKind.VLLM, model="m", adapter=str(adapter), engine_args={"seed": 1})
    build_engine(run, Resources(data_parallel=2), tmp_path)
    ((vllm, workers),) = built
    assert (vllm.run, vllm.prompt) == (run.settings, load_prompt("short"))
    assert (vllm.adapter, vllm.adapter_rank) == (str(adapter), 16)
    assert (vllm.log, workers) == (str(tmp_path / "vllm.log"), 2)
    run = manifest(engine=EngineKind.SERVER, model="m", engine_args={"top_k": 5})
    build_engine(run, Resources(server=ServerSettings(url="", concurrency=3)), tmp_path)
    server, prompt = built[1]
    assert (server.url, server.model, server.body, server.concurrency) == ("http://x", "m", {"top_k": 5}, 3)
    assert prompt == load_prompt("short")
