"""Each adaptation of the CPU platform works, and is still needed: the unadapted library is shown to fail.

A test that fails under `still needed` says that the adaptation can go.
"""

from tests.fresh_python import run


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
