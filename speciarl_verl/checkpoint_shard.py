"""One rank's file of a checkpoint of verl 0.9.1, read as data.

Such a file is a pickle, which may hold a program. torch's restricted reader takes tensors, and the kinds that torch
itself knows to be data, which those of sharded tensors are once their package is imported.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from speciarl_verl.errors import InputError


def load_shard(path: Path) -> dict[str, Any]:
    """Weights by their names, `DTensor`s where FSDP sharded them; mapped into memory and not read yet.

    Raises:
        InputError: it cannot be read, or holds more than weights: nothing in it has been run.
    """
    import torch
    import torch.distributed.tensor

    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError:
        foreign = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
        raise InputError(
            f"{path}: holds more than weights ({', '.join(foreign)}): it could run code, so it is not read"
        ) from None
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0]})") from error
    if not isinstance(state, dict):
        raise InputError(f"{path}: holds a {type(state).__name__}, not weights by their names")
    return state
