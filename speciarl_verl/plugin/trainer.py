"""The trainer `speciarl`: verl's synchronous one, which stops when it is asked to and ends when a part of it dies.

verl hook: `verl.trainer.ppo.v1.register_trainer`; created in the trainer's process before anything else starts.
Config keys: `trainer.v1.trainer_mode=speciarl`, `speciarl.stop_file`.
"""

import logging
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from omegaconf import DictConfig
from verl.trainer.ppo.v1.trainer_base import register_trainer
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync

from speciarl_verl.config.checkpoints import check_checkpoints
from speciarl_verl.errors import SpeciaRLError
from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.plugin.actor_fields import for_actor
from speciarl_verl.plugin.best_checkpoint import keep_best
from speciarl_verl.plugin.process_scorer import run_config
from speciarl_verl.plugin.trainer_mail import stop_run_error
from speciarl_verl.plugin.watchdog import Part, Watchdog, interrupter, reason
from speciarl_verl.rollout.step_figures import validation_figures

logger = logging.getLogger(__name__)

Probe = Callable[[Any], str | None]
"""Runs in an actor, with the object behind it: None, or the fault that it knows of."""

_PATIENCE_S = 15.0
"""How long a failed step waits to hear whether a part died."""


@register_trainer("speciarl")
class SpeciaRLTrainer(PPOTrainerSync):
    """Looks for the stop file where a step ends, has a watchdog, and gives the actor what it computes with."""

    def __init__(self, config: DictConfig) -> None:
        # verl takes every mode by another name than `sync` for an asynchronous one.
        config.trainer.v1.trainer_mode = "sync"
        super().__init__(config)
        _remove_left_weights()
        stop_file = run_config(config).stop_file
        self._stop_file = Path(stop_file) if stop_file else None
        self._saved_step = -1
        self._stopped = False

    def fit(self, agent_loop_manager: Any) -> None:
        """See `PPOTrainer.fit`.

        Raises:
            StopRunError: the judge, the rule or a part of the training failed.
        """
        watchdog = Watchdog(self._parts(agent_loop_manager), interrupter(), _leave)
        watchdog.start()
        try:
            super().fit(agent_loop_manager)
        except SpeciaRLError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if (death := watchdog.death(_PATIENCE_S)) is not None:
                raise death from error
            raise
        finally:
            watchdog.close()
            _remove_left_weights()

    def on_train_begin(self) -> None:
        """See `PPOTrainer.on_train_begin`; a run that was asked to stop while it started does no step."""
        super().on_train_begin()
        if self._asked_to_stop():
            self._stop_after(self.global_steps - 1)

    def on_step_end(self) -> None:
        """See `PPOTrainerSync.on_step_end`; a run that was asked to stop saves first."""
        if self._asked_to_stop():
            if self._saved_step != self.global_steps:
                self._save_checkpoint()
            self._stop_after(self.global_steps)
        super().on_step_end()

    def on_train_end(self) -> None:
        """See `PPOTrainer.on_train_end`, which a run that has done all its steps does not reach."""
        super().on_train_end()
        if self._stopped:
            logger.warning(
                "training stopped after step %d, as %s asked: start the same command again to go on from its "
                "checkpoint",
                self.total_training_steps,
                self._stop_file,
            )

    def _asked_to_stop(self) -> bool:
        return self._stop_file is not None and self._stop_file.exists()

    def _stop_after(self, step: int) -> None:
        assert self._stop_file is not None
        # Not to stop the next start as well.
        self._stop_file.unlink(missing_ok=True)
        self._stopped = True
        self.total_training_steps = step
        # A validation may take longer than there is time.
        self.config.trainer.test_freq = -1

    def _compute_old_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
        return super()._compute_old_log_prob(for_actor(batch), metrics)

    def _compute_ref_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
        return super()._compute_ref_log_prob(for_actor(batch), metrics)

    def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
        return super()._update_actor(for_actor(batch), metrics)

    def _validate(self) -> dict[str, float]:
        """See `PPOTrainer._validate`; adds HM and its parts, for which verl has no hook, and keeps the best step."""
        logged: dict[str, float] = super()._validate()
        figures = validation_figures(logged)
        hms = [value for name, value in figures.items() if name.endswith("/hm")]
        if hms and self._saved_step == self.global_steps:
            keep_best(Path(self.config.trainer.default_local_dir), self.global_steps, fmean(hms))
        return logged | figures

    def _save_checkpoint(self) -> None:
        try:
            super()._save_checkpoint()
        except (OSError, RuntimeError) as error:
            # Of a full disk torch says that a write failed, and no more.
            folder = Path(self.config.trainer.default_local_dir)
            free = shutil.disk_usage(folder).free / 1e9 if folder.exists() else 0.0
            raise stop_run_error(
                f"the checkpoint of step {self.global_steps} cannot be saved in {folder}, where {free:.2f} GB are "
                f"free: {reason(error)}. Make room there."
            ) from error
        self._saved_step = self.global_steps

    def _load_checkpoint(self) -> None:
        check_checkpoints(self.config.trainer)
        super()._load_checkpoint()
        self._saved_step = self.global_steps

    def _parts(self, agent_loop_manager: Any) -> list[Part]:
        servers = [server for replica in self.llm_server_manager.get_replicas() for server in replica.servers]
        return [
            *_numbered("agent-loop worker", agent_loop_manager.agent_loop_workers, _well),
            *_numbered("rollout server", servers, engine_fault),
            *_numbered("training worker", self.actor_rollout_wg.workers, _well),
        ]


def _remove_left_weights() -> None:
    if cpu_selected():
        from speciarl_verl.platform_cpu.left_weights import remove_left_weights

        remove_left_weights()


def _leave(status: int) -> None:
    """End the process where its main thread does not come back to tidy up."""
    _remove_left_weights()
    os._exit(status)


def _numbered(name: str, actors: list[Any], probe: Probe) -> list[Part]:
    return [Part(f"{name} {number}", partial(_ask, actor, probe)) for number, actor in enumerate(actors)]


def _ask(actor: Any, probe: Probe) -> "Future[str | None]":
    return actor.__ray_call__.remote(probe).future()


def _well(_actor: Any) -> None:
    """Whoever runs this is alive."""


def engine_fault(server: Any) -> str | None:
    """vLLM's engine is a process of its own, which may die while its server lives; runs in the server."""
    return "its engine's process is gone" if getattr(getattr(server, "engine", None), "errored", False) else None
