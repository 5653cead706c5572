"""Which fields of a batch the actor's workers are told to fetch."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
import verl.trainer.ppo.core_algos
import verl.workers
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1 import PPOTrainer

from speciarl_verl.plugin import actor_fields
from speciarl_verl.plugin.actor_fields import TRAINERS_OWN, for_actor
from speciarl_verl.plugin.trainer import SpeciaRLTrainer

STAGES = ("_compute_old_log_prob", "_compute_ref_log_prob", "_update_actor")
COMPUTED_WITH = ["input_ids", "multi_modal_inputs", "rollout_log_probs", "a column that some loss of tomorrow reads"]


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """TransferQueue's names of the fields."""
    names = [*COMPUTED_WITH, *sorted(TRAINERS_OWN)]
    monkeypatch.setattr(actor_fields, "kv_batch_meta2batch_meta", lambda batch: SimpleNamespace(field_names=names))
    return names


def test_batch_of_open_fields_names_all_that_are_stored_but_the_trainers_own(stored: list[str]) -> None:
    batch = for_actor(KVBatchMeta(keys=["u_0_0"], tags=[{"seq_len": 3}], partition_id="train"))
    assert batch.fields == COMPUTED_WITH
    assert (batch.keys, batch.tags, batch.partition_id) == (["u_0_0"], [{"seq_len": 3}], "train")


def test_batch_of_named_fields_loses_the_trainers_own(stored: list[str]) -> None:
    batch = for_actor(KVBatchMeta(keys=["u_0_0"], tags=[{}], fields=["uid", "old_log_probs", "extra_fields"]))
    assert batch.fields == ["old_log_probs"]


@pytest.mark.parametrize("stage", STAGES)
def test_trainer_gives_every_stage_of_the_actor_such_a_batch(
    stage: str, stored: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PPOTrainer, stage, lambda self, batch, metrics: (batch.fields, metrics))
    trainer = object.__new__(SpeciaRLTrainer)
    batch = KVBatchMeta(keys=["u_0_0"], tags=[{}])
    assert getattr(trainer, stage)(batch, {"a": 1}) == (COMPUTED_WITH, {"a": 1})


def test_verl_calls_these_stages_and_gives_its_workers_the_batch() -> None:
    step = inspect.getsource(PPOTrainer._step_once)
    for stage in STAGES:
        assert f"self.{stage}(batch, metrics=metrics)" in step
        assert "(batch)" in inspect.getsource(getattr(PPOTrainer, stage))


def test_no_computation_of_verls_workers_asks_for_the_trainers_own() -> None:
    """One that did would have to get it."""
    folder = Path(inspect.getfile(verl.workers)).parent
    files = [folder / "engine_workers.py", *folder.glob("engine/*.py"), *folder.glob("engine/fsdp/*.py")]
    files += [*folder.glob("utils/*.py"), Path(inspect.getfile(verl.trainer.ppo.core_algos))]
    sources = {file: file.read_text(encoding="utf-8") for file in files}
    assert sum("multi_modal_inputs" in source for source in sources.values()) >= 1
    # Metrics are what the workers give back.
    for name in TRAINERS_OWN - {"metrics"}:
        assert [file.name for file, source in sources.items() if f'"{name}"' in source] == []
