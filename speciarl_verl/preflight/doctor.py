"""`speciarl doctor`: is everything here that a run needs, and does verl know us?

verl swallows what goes wrong while it loads a plugin, so a broken one looks absent; here it is seen.
"""

import importlib
import os
import platform
from collections.abc import Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, entry_points, version

from speciarl_verl.data_contract import check_parquet
from speciarl_verl.evaluation.pictures import PictureFiles, open_picture, read_pictures
from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.preflight.examination import Examination, Finding
from speciarl_verl.preflight.hardware import look_at_disk, look_at_gpus, look_at_ray
from speciarl_verl.preflight.judge_probe import look_at_judge
from speciarl_verl.preflight.model_probe import look_at_memory, look_at_model
from speciarl_verl.preflight.pins import compare_versions


def _python() -> Finding:
    ok = (3, 10) <= tuple(map(int, platform.python_version_tuple()[:2])) <= (3, 12)
    return Finding(ok, f"Python {platform.python_version()} (3.10 to 3.12 are supported)")


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


def _parquet(path: str) -> Finding:
    check_parquet(path)
    rows = read_pictures([path])
    open_picture(PictureFiles().read(rows[0]), patch_size=14)
    labels = len({row.ground_truth for row in rows})
    return Finding(True, f"data {path}: {len(rows)} pictures of {labels} labels, the first one opens")


EXAMINATIONS = (
    Examination("Python", _python),
    Examination("versions", compare_versions),
    Examination("the plugin's entry point", _entry_point),
    Examination("what verl knows of the plugin (verl's import takes a while)", _names),
    Examination("the plugin's import", _plugin),
    Examination("verl's device", _device),
    Examination("GPUs", look_at_gpus),
    Examination("vLLM", _rollout),
    Examination("flash-attn", _attention),
    Examination("Ray", look_at_ray),
    Examination("disk", look_at_disk),
)
"""In their order: `_plugin` after `_names`."""


def asked_examinations(judge_url: str | None, model: str | None, data: Sequence[str]) -> tuple[Examination, ...]:
    """Looks at what a command names: a judge's server, a model, parquets."""
    asked = [Examination(f"data {file}", partial(_parquet, file)) for file in data]
    if model is not None:
        asked.append(Examination(f"model {model}", partial(look_at_model, model)))
        asked.append(Examination("memory", partial(look_at_memory, model)))
    if judge_url is not None:
        asked.append(Examination(f"judge {judge_url}", partial(look_at_judge, judge_url)))
    return tuple(asked)
