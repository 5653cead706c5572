"""The plugin as verl loads it: light, effective in any process, and seen when it is not."""

import pytest

from speciarl_verl.preflight.doctor import EXAMINATIONS, examine
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


@pytest.mark.parametrize("environment", [{}, {"VERL_PLATFORM": "cpu"}], ids=["gpu", "cpu"])
def test_entry_point_adds_under_50_ms_and_no_module_of_ours_but_the_light_ones(environment: dict[str, str]) -> None:
    """Measured inside the process, after what verl imports itself; a busy machine gets two more tries."""
    code = """
        import os, sys, time
        os.environ["VERL_USE_EXTERNAL_PLUGINS"] = "none"
        import verl
        before = time.perf_counter()
        from importlib.metadata import entry_points
        for point in entry_points(group="verl.plugins"):
            if point.name == "speciarl":
                point.load()
        print(time.perf_counter() - before, "speciarl_verl.plugin.reward_manager" in sys.modules)
    """
    seconds: list[float] = []
    while len(seconds) < 3 and min(seconds, default=1) >= 0.05:
        took, manager_loaded = run(code, **environment).splitlines()[-1].split()
        assert manager_loaded == "False"
        seconds.append(float(took))
    assert min(seconds) < 0.05, seconds


def test_without_the_environment_variable_no_module_of_the_cpu_platform_is_loaded() -> None:
    code = """
        import sys, verl
        from verl.plugin.platform import PlatformRegistry
        print("cpu" in PlatformRegistry.registered_names(), "speciarl_verl.platform_cpu.register" in sys.modules)
    """
    assert run(code, VERL_PLATFORM="") == "False False"


def test_plugin_that_did_not_load_is_seen() -> None:
    code = """
        import verl
        from speciarl_verl.plugin.replay_buffer import SpeciaRLReplayBuffer
        try:
            SpeciaRLReplayBuffer(sampler_kwargs={})
        except RuntimeError as error:
            print(error)
    """
    output = run(code, VERL_USE_EXTERNAL_PLUGINS="none")
    missing = "reward manager 'speciarl', agent loop 'speciarl'"
    assert f"the speciarl_verl plugin did not load ({missing}): run `speciarl doctor`" in output


def test_doctor_names_a_plugin_that_verl_was_told_not_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERL_USE_EXTERNAL_PLUGINS", "none")
    assert any(
        not finding.ok and "VERL_USE_EXTERNAL_PLUGINS=none" in finding.text for finding in map(examine, EXAMINATIONS)
    )


def test_doctor_finds_nothing_wrong_on_the_cpu_platform() -> None:
    output = run(
        "from speciarl_verl.preflight.doctor import EXAMINATIONS, examine;"
        "print([f.text for f in map(examine, EXAMINATIONS) if not f.ok])",
        VERL_PLATFORM="cpu",
    )
    assert output.splitlines()[-1] == "[]"
