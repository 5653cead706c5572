from pathlib import Path

import pytest

from tests.plugin.rollout_world import (
    run_configuration,
)


def test_manager_starts_our_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from speciarl_verl.plugin.agent_loop_manager import SpeciaRLAgentLoopManager
    from speciarl_verl.plugin.agent_loop_worker import SpeciaRLAgentLoopWorker

    config = run_configuration(Path("model"))
    manager = SpeciaRLAgentLoopManager(config, None)
    assert manager.agent_loop_workers_class.__ray_actor_class__ is SpeciaRLAgentLoopWorker
