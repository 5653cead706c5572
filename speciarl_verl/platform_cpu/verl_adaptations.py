"""What verl 0.9.1 takes for granted about its device, set right for a CPU. One function an assumption.

Each is called with the module it concerns, right after verl imported it. tests/platform_cpu holds, for each, that
verl still needs it.
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt


def gloo_process_group(distributed: ModuleType) -> None:
    """`verl.utils.distributed`: the default backend `cpu:gloo,cpu:gloo` names the CPU twice, which torch refuses."""

    def with_gloo(
        wrapped: Callable[..., None], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        timeout_second = args[0] if args else kwargs.get("timeout_second")
        backend = args[1] if len(args) > 1 else kwargs.get("backend")
        wrapped(timeout_second=timeout_second, backend=backend or "gloo")

    def without_choice(
        _wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        # That of the SFT trainer takes no backend.
        distributed.torch.distributed.init_process_group(backend="gloo")
        return tuple(int(os.environ[name]) for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE"))

    wrapt.wrap_function_wrapper(distributed, "initialize_global_process_group_ray", with_gloo)
    wrapt.wrap_function_wrapper(distributed, "initialize_global_process_group", without_choice)


def fsdp_engines(transformer_impl: ModuleType) -> None:
    """`verl.workers.engine.fsdp.transformer_impl`: its engines are registered for cuda and npu only."""
    from verl.workers.engine.base import EngineRegistry

    for model_type, engine in (
        ("language_model", transformer_impl.FSDPEngineWithLMHead),
        ("value_model", transformer_impl.FSDPEngineWithValueHead),
    ):
        EngineRegistry.register(model_type=model_type, backend=["fsdp", "fsdp2"], device="cpu")(engine)


def unpinned_reference_offload(transformer_impl: ModuleType) -> None:
    """Same module: a forward-only engine asks for pinned memory, which without an accelerator does not exist."""
    policy = transformer_impl.CPUOffloadPolicy

    def unpinned(pin_memory: bool = False) -> Any:
        return policy(pin_memory=False)

    transformer_impl.CPUOffloadPolicy = unpinned  # type: ignore[attr-defined]
