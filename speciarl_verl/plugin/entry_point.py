"""verl's entry point (`verl.plugins`): after `import verl`, in any process, ours is there to select by name.

verl loads this module at the end of its own import, in every Ray worker, and swallows what goes wrong. So it imports
nothing heavy: each name is entered when verl imports the registry it belongs to. registration.py tells
what is not there; `speciarl doctor` and the training start ask it.
"""

from types import ModuleType

from wrapt import register_post_import_hook

from speciarl_verl.platform_cpu import cpu_selected


def _register_reward_manager(_registry: ModuleType) -> None:
    import speciarl_verl.plugin.reward_manager  # noqa: F401


def _register_agent_loop(_registry: ModuleType) -> None:
    import speciarl_verl.plugin.agent_loop  # noqa: F401


def _register_trainer(_registry: ModuleType) -> None:
    import speciarl_verl.plugin.trainer  # noqa: F401


def _guard_adapter_checkpoints(checkpoint_manager: ModuleType) -> None:
    from speciarl_verl.plugin.adapter_checkpoints import guard

    guard(checkpoint_manager)


register_post_import_hook(_guard_adapter_checkpoints, "verl.utils.checkpoint.fsdp_checkpoint_manager")
register_post_import_hook(_register_reward_manager, "verl.experimental.reward_loop.reward_manager")
register_post_import_hook(_register_agent_loop, "verl.experimental.agent_loop")
register_post_import_hook(_register_trainer, "verl.trainer.ppo.v1.trainer_sync")
if cpu_selected():
    import speciarl_verl.platform_cpu.register  # noqa: F401
