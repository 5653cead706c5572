"""The stand-in for SGLang's CUDA kernels on a CPU."""

import subprocess
import sys

from tests.servers.serving import ROOT


def test_kernels_can_be_imported_and_raise_when_called() -> None:
    code = (
        "import sgl_kernel\n"
        "from sgl_kernel import silu_and_mul\n"
        "from sgl_kernel.kvcacheio import transfer_kv\n"
        "assert not hasattr(sgl_kernel, '__file_that_is_not__')\n"
        "for kernel in (silu_and_mul, transfer_kv):\n"
        "    try:\n"
        "        kernel(1, out=2)\n"
        "    except NotImplementedError as error:\n"
        "        print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "recipes" / "judge_cpu")},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = ended.stdout.splitlines()
    assert "sgl_kernel.silu_and_mul is a CUDA kernel" in first
    assert "sgl_kernel.transfer_kv is a CUDA kernel" in second
