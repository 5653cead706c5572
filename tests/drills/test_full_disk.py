"""A disk that is full while something is written: a message that names it, nothing half-written, nothing made up."""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from verl.trainer.ppo.v1 import PPOTrainer

from speciarl_verl.config.checkpoints import check_checkpoints
from speciarl_verl.errors import CacheError, EvaluationError, InputError, StopRunError
from speciarl_verl.evaluation.records import Prediction, SampleKey
from speciarl_verl.evaluation.store import predictions_journal
from speciarl_verl.files import write_text
from speciarl_verl.judge.cache.answers import Answer, Entry
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from speciarl_verl.judge.ledger import Account
from speciarl_verl.judge.llm.llm_judge import ServerJudge
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category
from speciarl_verl.plugin.replay_buffer import write_account, write_rollouts
from speciarl_verl.plugin.trainer import SpeciaRLTrainer
from tests.judge.fake_server import FakeServer

pytestmark = pytest.mark.drill

FULL = "No space left on device"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    assert os.geteuid() == 0, "mounting a small disk takes root"
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Take all that is left."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_rollouts_of_a_step(disk: Path) -> None:
    written = disk / "rollouts/1.jsonl"
    record = {"uid": "u", "session_id": 0, "category": "S", "reward": 1.0}
    write_rollouts([record], written)
    before = written.read_bytes()
    fill(disk)
    many = [{**record, "session_id": number} for number in range(10_000)]
    with pytest.raises(InputError, match=rf"{written}: cannot be written: {FULL}"):
        write_rollouts(many, written)
    assert written.read_bytes() == before, "the step's file is another one's, or cut short"
    assert sorted(file.name for file in written.parent.iterdir()) == ["1.jsonl"], "a partial file takes up room"


def test_account_and_report(disk: Path) -> None:
    fill(disk)
    for write in (lambda path: write_account(Account(), path), lambda path: write_text(path, "report" * 1000)):
        path = disk / "written.json"
        with pytest.raises(InputError, match=rf"{path}: cannot be written: {FULL}"):
            write(path)
        assert not path.exists()


def prediction() -> Prediction:
    return Prediction(SampleKey("cub", "1.png", 0), "robin", "x" * 1000)


def test_predictions_of_an_evaluation(disk: Path) -> None:
    predictions = predictions_journal(disk)
    predictions.append([prediction()])
    filler = fill(disk)
    with pytest.raises(EvaluationError, match=rf"predictions.jsonl: cannot be written: {FULL}"):
        predictions.append([prediction()] * 2000)
    filler.unlink()
    assert set(predictions.load()) == {prediction()}, "a torn line was taken for a record"


async def put_many(cache: SQLiteCache) -> None:
    for number in range(10_000):
        await cache.put(Entry(f"{number:064}", Answer("generic" * 100), "model", "bird", "robin"))


async def test_cache_says_so_and_keeps_what_it_has(disk: Path) -> None:
    cache = SQLiteCache.of_file(disk / "verdicts.sqlite")
    kept = Entry("a" * 64, Answer("specific"), "model", "robin", "robin")
    await cache.put(kept)
    filler = fill(disk)
    with pytest.raises(CacheError, match=r"disk is full|disk I/O error"):
        await put_many(cache)
    assert await cache.get(kept.key) == kept.answer
    filler.unlink()
    await cache.put(Entry("b" * 64, Answer("wrong"), "model", "wren", "robin"))
    assert await cache.get("b" * 64) == Answer("wrong")
    await cache.close()


async def test_judge_goes_on_without_its_cache(
    disk: Path, make_judge: Callable[..., ServerJudge], fake: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    judge = make_judge(cache=str(disk / "verdicts.sqlite"), fast_path=False)
    await judge.judge(Pair(prediction="bird", ground_truth="robin"))
    fill(disk)
    with caplog.at_level(logging.WARNING):
        for number in range(199):
            verdict = await judge.judge(Pair(prediction=f"bird {number} " * 40, ground_truth="robin"))
            assert verdict.category is Category.SPECIFIC, "the server's own answer"
    assert any("verdict cache" in message for message in caplog.messages)
    assert len(fake.chats) == 200


def test_checkpoint(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.save alone says `unexpected pos 64 vs 0`, or `file write failed`."""
    folder = disk / "checkpoints"
    (folder / "global_step_1").mkdir(parents=True)
    (folder / "global_step_1/data.pt").touch()
    (folder / "latest_checkpointed_iteration.txt").write_text("1")
    fill(disk)

    def save(trainer: SpeciaRLTrainer) -> None:
        (folder / "global_step_2").mkdir()
        torch.save({"weights": torch.zeros(10**6)}, folder / "global_step_2/model.pt")

    monkeypatch.setattr(PPOTrainer, "_save_checkpoint", save)
    trainer = SpeciaRLTrainer.__new__(SpeciaRLTrainer)
    trainer.global_steps = 2
    keys = {"default_local_dir": str(folder), "resume_mode": "auto", "max_actor_ckpt_to_keep": 2}
    trainer.config = OmegaConf.create({"trainer": keys})
    with pytest.raises(StopRunError, match=r"step 2 cannot be saved in .*, where 0.00 GB are free: .*Make room there"):
        trainer._save_checkpoint()
    # The next start goes on from the one before.
    check_checkpoints(trainer.config.trainer)
    assert (folder / "latest_checkpointed_iteration.txt").read_text() == "1"
