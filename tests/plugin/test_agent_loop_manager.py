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


@pytest.mark.parametrize(("validate", "size"), [(False, 8), (True, 2)])
def test_rollouts_are_told_the_size_of_their_group_and_whether_they_validate(
    monkeypatch: pytest.MonkeyPatch, validate: bool, size: int
) -> None:
    from tensordict import TensorDict
    from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
    from verl.utils import tensordict_utils as tu

    from speciarl_verl.plugin.agent_loop_manager import SpeciaRLAgentLoopManager
    from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY

    sent = []
    monkeypatch.setattr(AgentLoopManagerTQ, "generate_sequences", lambda self, prompts: sent.append(prompts))
    config = run_configuration(Path("model"), "actor_rollout_ref.rollout.val_kwargs.n=2")
    prompts = TensorDict({}, batch_size=[3])
    if validate:
        tu.assign_non_tensor_data(prompts, "validate", True)
    SpeciaRLAgentLoopManager(config, None).generate_sequences(prompts)
    assert (tu.get(sent[0], GROUP_SIZE_KEY), tu.get(sent[0], VALIDATE_KEY)) == (size, validate)
