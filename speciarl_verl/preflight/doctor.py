"""`speciarl doctor`: is everything here that a run needs, and does verl know us?

verl swallows what goes wrong while it loads a plugin, so a broken one looks absent; here it is seen.
"""

import importlib
import logging
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version

from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.preflight.machine import REQUIRED_VERL


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Examination:
    """One look, which may take a while.

    Attributes:
        subject: what is looked at, for those who wait.
    """

    subject: str
    look: Callable[[], Finding]


def examine(examination: Examination) -> Finding:
    """Look, and report whatever breaks."""
    logging.getLogger("verl").setLevel(logging.ERROR)
    try:
        return examination.look()
    except Exception as error:  # a doctor reports whatever breaks
        return Finding(False, f"{examination.subject}: {type(error).__name__}: {error}")


def _python() -> Finding:
    ok = (3, 10) <= tuple(map(int, platform.python_version_tuple()[:2])) <= (3, 12)
    return Finding(ok, f"Python {platform.python_version()} (3.10 to 3.12 are supported)")


def _verl() -> Finding:
    try:
        found = version("verl")
    except PackageNotFoundError:
        return Finding(False, "verl is not installed: install this package with its [gpu] or [cpu] extra")
    return Finding(found == REQUIRED_VERL, f"verl {found} ({REQUIRED_VERL} is required)")


def _entry_point() -> Finding:
    names = {point.name for point in entry_points(group="verl.plugins")}
    policy = os.environ.get("VERL_USE_EXTERNAL_PLUGINS", "auto")
    allowed = policy == "auto" or "speciarl" in {name.strip() for name in policy.split(",")}
    if "speciarl" not in names:
        return Finding(False, "verl.plugins has no entry point `speciarl`: install this package (pip install .)")
    return Finding(allowed, f"entry point verl.plugins:speciarl, VERL_USE_EXTERNAL_PLUGINS={policy}")


def _plugin() -> Finding:
    # After `_names`: importing it registers everything, and would hide that verl did not.
    importlib.import_module("speciarl_verl.plugin.entry_point")
    return Finding(True, "the plugin imports")


def _names() -> Finding:
    importlib.import_module("verl")
    from speciarl_verl.plugin.registration import missing_registrations

    missing = missing_registrations()
    text = (
        f"verl does not know {', '.join(missing)}" if missing else "verl knows reward manager and agent loop `speciarl`"
    )
    return Finding(not missing, text)


def _device() -> Finding:
    from verl.plugin.platform import get_platform

    name = get_platform().device_name
    if cpu_selected():
        return Finding(name == "cpu", f"verl's device is {name} (VERL_PLATFORM=cpu)")
    available = get_platform().is_available()
    cure = "" if available else ": no GPU is visible; VERL_PLATFORM=cpu selects the CPU platform"
    return Finding(available, f"verl's device is {name}{cure}")


def _rollout() -> Finding:
    if cpu_selected():
        from speciarl_verl.platform_cpu import vllm_distribution

        vllm_distribution.install()
    return Finding(True, f"vLLM {version('vllm')}")


def _attention() -> Finding:
    if cpu_selected():
        return Finding(True, "attention: torch's (the CPU profile needs no flash-attn)")
    try:
        return Finding(True, f"flash-attn {version('flash-attn')}")
    except PackageNotFoundError:
        return Finding(
            True, "no flash-attn: train with --profile gpu-sdpa (slower, more memory), or recipes/setup.sh --gpu"
        )


EXAMINATIONS = (
    Examination("Python", _python),
    Examination("verl's version", _verl),
    Examination("the plugin's entry point", _entry_point),
    Examination("what verl knows of the plugin (verl's import takes a while)", _names),
    Examination("the plugin's import", _plugin),
    Examination("verl's device", _device),
    Examination("vLLM", _rollout),
    Examination("flash-attn", _attention),
)
"""In their order: `_plugin` after `_names`."""
