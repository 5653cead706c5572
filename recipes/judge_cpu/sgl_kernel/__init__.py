"""A stand-in for SGLang's CUDA kernels, for a server on a CPU: there they are imported by name and never called.

On PYTHONPATH only under `serve_judge.sh --device cpu`. Every name that is asked for is a function that raises when it
is called, so a kernel that is needed after all is an error and never a wrong number.
"""

from collections.abc import Callable
from typing import NoReturn


def __getattr__(name: str) -> Callable[..., NoReturn]:
    # Dunder names are asked for by the import system and by introspection, which take an AttributeError for "none".
    if name.startswith("__"):
        raise AttributeError(name)

    def kernel(*_arguments: object, **_keywords: object) -> NoReturn:
        raise NotImplementedError(f"sgl_kernel.{name} is a CUDA kernel, which a CPU does not have")

    return kernel
