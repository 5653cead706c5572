"""The trainer's own decisions, without what verl builds around them; tests/e2e trains with it."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from omegaconf import DictConfig, OmegaConf
from verl.trainer.ppo.v1 import PPOTrainer, PPOTrainerSync, get_trainer_cls
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

from speciarl_verl.errors import ConfigError, JudgeError, StopRunError
from speciarl_verl.plugin import trainer as trainer_module
from speciarl_verl.plugin.best_checkpoint import best_hm
from speciarl_verl.plugin.trainer import SpeciaRLTrainer, engine_fault
from speciarl_verl.preflight.compose import compose_config


def config(folder: Path, *overrides: str) -> DictConfig:
    preset = ["hydra.searchpath=[pkg://speciarl_verl.config]", "+speciarl=train", "speciarl/profile=cpu"]
    composed = compose_config([*preset, f"trainer.default_local_dir={folder}", *overrides])
    OmegaConf.resolve(composed)
    return composed


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpeciaRLTrainer:
    """At step 7 of 100; verl's saves are counted, its weight synchronisation is left out."""
    monkeypatch.setattr(PPOTrainer, "_save_checkpoint", Mock())
    made = get_trainer_cls("speciarl")(config(tmp_path))
    made.checkpoint_manager = Mock()
    made.timing_raw = {}
    made.global_steps, made.total_training_steps = 7, 100
    return made


def test_validation_brings_its_ratios_beside_verls_means(
    trainer: SpeciaRLTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = dict.fromkeys(("A", "S-", "S+", "unparseable"), 0.0) | {"W": 0.25, "G": 0.25, "S": 0.5}
    means = {f"val-aux/cub/share_{key}/mean@1": share for key, share in shares.items()}
    monkeypatch.setattr(PPOTrainer, "_validate", lambda self: dict(means))
    figures = trainer._validate()
    assert figures.items() >= means.items()
    assert figures["val-core/cub/correctness"] == 0.75
    assert figures["val-core/cub/specificity"] == pytest.approx(2.5 / 3)


def saves() -> int:
    return PPOTrainer._save_checkpoint.call_count


def test_is_verls_synchronous_trainer_in_all_that_verl_asks_the_mode_for(trainer: SpeciaRLTrainer) -> None:
    assert isinstance(trainer, SpeciaRLTrainer)
    assert isinstance(trainer, PPOTrainerSync)
    modes = {trainer.trainer_mode, trainer.config.trainer.v1.trainer_mode, trainer.replay_buffer.trainer_mode}
    assert modes == {"sync"}
    assert isinstance(trainer.replay_buffer, ReplayBuffer)


def test_mode_by_another_name_would_still_be_asynchronous_to_verl() -> None:
    """Fails when the mode need not be set back any more."""
    import inspect

    source = inspect.getsource(PPOTrainer)
    assert source.count('trainer_mode != "sync"') >= 3


def test_step_ends_as_verls_where_nobody_asks_to_stop(trainer: SpeciaRLTrainer) -> None:
    trainer.on_train_begin()
    trainer.on_step_end()
    trainer.checkpoint_manager.update_weights.assert_called_once_with(7)
    assert saves() == 0
    assert trainer.total_training_steps == 100


def test_stop_file_ends_the_run_after_this_step_with_a_checkpoint(
    trainer: SpeciaRLTrainer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "stop").touch()
    trainer.on_step_end()
    assert saves() == 1
    # The loop goes on while `global_steps <= total_training_steps`, and has validated by then if it must.
    assert trainer.total_training_steps == 7
    assert trainer.config.trainer.test_freq == -1
    assert not (tmp_path / "stop").exists(), "it would stop the next start as well"
    trainer.on_train_end()
    (message,) = caplog.messages
    assert "stopped after step 7" in message
    assert "start the same command again" in message


def test_stop_file_at_a_step_that_was_saved_saves_no_second_time(trainer: SpeciaRLTrainer, tmp_path: Path) -> None:
    trainer._save_checkpoint()
    (tmp_path / "stop").touch()
    trainer.on_step_end()
    assert saves() == 1


def test_stop_file_during_the_start_ends_the_run_before_its_next_step(trainer: SpeciaRLTrainer, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    trainer.on_train_begin()
    assert trainer.total_training_steps < trainer.global_steps
    assert saves() == 0


def test_no_stop_file_is_looked_for_where_none_is_named(tmp_path: Path) -> None:
    made = SpeciaRLTrainer(config(tmp_path, "speciarl.stop_file=null"))
    assert not made._asked_to_stop()


def test_checkpoints_that_stand_are_not_passed_over_inside_the_run_either(
    trainer: SpeciaRLTrainer, tmp_path: Path
) -> None:
    (tmp_path / "global_step_5").mkdir()
    (tmp_path / "global_step_5/data.pt").touch()
    with pytest.raises(ConfigError, match="start over"):
        trainer._load_checkpoint()


class Dog:
    """A watchdog that knows of a death, or of none."""

    def __init__(self, death: StopRunError | None) -> None:
        self._death = death
        self.closed = False

    def start(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def death(self, patience_s: float) -> StopRunError | None:
        return self._death


@pytest.mark.parametrize("raised", [RuntimeError("no materializable trajectories"), KeyboardInterrupt()])
@pytest.mark.parametrize("death", [None, StopRunError("the rollout server 0 died")])
def test_failed_step_ends_with_the_death_behind_it(
    raised: BaseException, death: StopRunError | None, trainer: SpeciaRLTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dog = fitted(trainer, raised, death, monkeypatch)
    with pytest.raises(type(death or raised)) as caught:
        trainer.fit(Mock())
    assert caught.value is (death or raised)
    assert dog.closed


def test_failed_judge_keeps_its_message(trainer: SpeciaRLTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted(trainer, JudgeError("the judge is gone"), StopRunError("something died as well"), monkeypatch)
    with pytest.raises(JudgeError, match="the judge is gone"):
        trainer.fit(Mock())


def fitted(trainer: Any, raised: BaseException, death: StopRunError | None, monkeypatch: pytest.MonkeyPatch) -> Dog:
    dog = Dog(death)
    monkeypatch.setattr(trainer_module, "Watchdog", lambda *_: dog)
    monkeypatch.setattr(trainer, "_parts", lambda _manager: [])
    monkeypatch.setattr(PPOTrainer, "fit", Mock(side_effect=raised))
    return dog


def test_engine_is_asked_in_its_server() -> None:
    assert engine_fault(Mock(engine=Mock(errored=True))) == "its engine's process is gone"
    assert engine_fault(Mock(engine=Mock(errored=False))) is None
    assert engine_fault(object()) is None, "a server of another kind"


def test_validation_keeps_the_best_step_that_was_saved(
    trainer: SpeciaRLTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = dict.fromkeys(("A", "G", "S-", "S+", "unparseable"), 0.0) | {"W": 0.25, "S": 0.75}
    means = {f"val-aux/cub/share_{key}/mean@1": share for key, share in shares.items()}
    monkeypatch.setattr(PPOTrainer, "_validate", lambda self: dict(means))
    (tmp_path / "global_step_7").mkdir()
    trainer._validate()
    assert best_hm(tmp_path) == -1, "step 7 was not saved by this run"
    trainer._save_checkpoint()
    trainer._validate()
    assert best_hm(tmp_path) == pytest.approx(2 * 0.75 / 1.75)
