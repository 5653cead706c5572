"""Each adaptation of the CPU platform works, and is still needed: the unadapted library is shown to fail.

A test that fails under `still needed` says that the adaptation can go.
"""

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
