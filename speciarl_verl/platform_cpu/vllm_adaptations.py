"""What vLLM 0.24 takes for granted on a CPU, set right for a policy whose weights change.

vLLM calls `adapt` in each of its processes, engine core and workers too (entry point `vllm.general_plugins`); it does
nothing unless `VERL_PLATFORM=cpu`.
"""

from collections.abc import Callable
from typing import Any

from speciarl_verl.platform_cpu import cpu_selected


def adapt() -> None:
    """Make weights loadable into a linear layer more than once. Idempotent."""
    if not cpu_selected():
        return
    import vllm.model_executor.layers.utils as layers

    keep_linear_weights(layers)


def keep_linear_weights(layers: Any) -> None:
    """vLLM's CPU linear repacks its weights and drops the originals, so verl's first weight sync would find a
    parameter of no elements. Keep them; verl's post-load step repacks after every sync."""
    dispatch: Callable[..., None] = layers.dispatch_cpu_unquantized_gemm
    if getattr(dispatch, "keeps_weights", False):
        return

    def dispatch_keeping_weights(layer: Any, remove_weight: bool) -> None:
        dispatch(layer, remove_weight=False)

    dispatch_keeping_weights.keeps_weights = True  # type: ignore[attr-defined]
    layers.dispatch_cpu_unquantized_gemm = dispatch_keeping_weights
