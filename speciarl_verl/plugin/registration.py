"""Does verl know, in this process, what the plugin registers? Imports nothing of it: asking must change nothing."""

from speciarl_verl.platform_cpu import cpu_selected

NAME = "speciarl"


def missing_registrations() -> list[str]:
    """What verl does not know of ours although it should; empty when the plugin works. Imports verl in full."""
    import verl.experimental.agent_loop.agent_loop as agent_loop
    from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER
    from verl.plugin.platform import PlatformRegistry

    missing = []
    if NAME not in REWARD_MANAGER:
        missing.append(f"reward manager {NAME!r}")
    if NAME not in agent_loop._agent_loop_registry:
        missing.append(f"agent loop {NAME!r}")
    if cpu_selected() and "cpu" not in PlatformRegistry.registered_names():
        missing.append("platform 'cpu'")
    return missing
