"""The plugin as verl loads it: light, effective in any process, and seen when it is not."""

import pytest

from tests.fresh_python import run


def test_import_of_the_package_loads_no_heavy_library() -> None:
    heavy = run(
        "import sys, speciarl_verl; print([m for m in ('torch', 'verl', 'ray', 'transformers') if m in sys.modules])"
    )
    assert heavy == "[]"


def test_method_and_preflight_load_no_heavy_library() -> None:
    modules = (
        "method.category, method.answer, method.rules, method.metrics, rollout.meeting, rollout.scorer, "
        "preflight.everything, cli.main"
    )
    imports = ", ".join(f"speciarl_verl.{name.strip()}" for name in modules.split(","))
    heavy = run(
        f"import sys, {imports}; print([m for m in ('torch', 'verl', 'ray', 'transformers') if m in sys.modules])"
    )
    assert heavy == "[]"


def test_import_verl_makes_ours_selectable() -> None:
    code = """
        import verl
        from verl.experimental.agent_loop.agent_loop import _agent_loop_registry
        from verl.experimental.reward_loop.reward_manager import get_reward_manager_cls
        print(get_reward_manager_cls("speciarl").__name__, _agent_loop_registry["speciarl"]["_target_"])
    """
    assert run(code) == "SpeciaRLRewardManager speciarl_verl.plugin.agent_loop.SpeciaRLAgentLoop"


_CPU_MODULES = ["platform", "register", "verl_adaptations", "vllm_distribution"]


@pytest.mark.parametrize(
    ("environment", "platform"),
    [pytest.param({}, [], id="gpu"), pytest.param({"VERL_PLATFORM": "cpu"}, _CPU_MODULES, id="cpu")],
)
def test_entry_point_loads_the_light_modules_of_ours_and_no_library(
    environment: dict[str, str], platform: list[str]
) -> None:
    """verl imports it in every process: beside what verl itself imports it may cost nothing."""
    code = """
        import os, sys
        os.environ["VERL_USE_EXTERNAL_PLUGINS"] = "none"
        import verl, wrapt
        from importlib.metadata import entry_points
        points = [point for point in entry_points(group="verl.plugins") if point.name == "speciarl"]
        before = set(sys.modules)
        for point in points:
            point.load()
        new = {name for name in set(sys.modules) - before if name.split(".")[0] not in sys.stdlib_module_names}
        print(*sorted(new))
    """
    ours = ["speciarl_verl", "speciarl_verl.platform_cpu", "speciarl_verl.plugin", "speciarl_verl.plugin.entry_point"]
    cpu = [f"speciarl_verl.platform_cpu.{name}" for name in platform]
    assert run(code, **environment).splitlines()[-1].split() == sorted(ours + cpu)


def test_without_the_environment_variable_no_module_of_the_cpu_platform_is_loaded() -> None:
    code = """
        import sys, verl
        from verl.plugin.platform import PlatformRegistry
        print("cpu" in PlatformRegistry.registered_names(), "speciarl_verl.platform_cpu.register" in sys.modules)
    """
    assert run(code, VERL_PLATFORM="") == "False False"
