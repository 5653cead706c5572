"""Wait until a Ray cluster has the machines and GPUs that a training needs; verl would wait for them without a word.

    python -m recipes.cluster.wait_for_nodes --address 10.0.0.1:6379 --nodes 2 --gpus-per-node 4

Exit status: 0 they are there; 2 they did not come in time.
"""

import os
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError

_LOOK_AGAIN_S = 1.0


def enough(gpus: Sequence[float], nodes: int, gpus_per_node: int) -> bool:
    """`gpus` holds those of each machine that is alive."""
    return sum(count >= gpus_per_node for count in gpus) >= nodes


def wait_for_nodes(address: str, nodes: int, gpus_per_node: int, seconds: float) -> None:
    """Return when they are there.

    Raises:
        InputError: they are not after that many seconds; tells what is.
    """
    # As ray_node.sh, before Ray reads it.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray

    deadline = time.monotonic() + seconds
    while True:
        gpus: list[float] = []
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
            gpus = [node["Resources"].get("GPU", 0.0) for node in ray.nodes() if node["Alive"]]
        except (ConnectionError, RuntimeError, ValueError):
            # The head is not there yet.
            pass
        if enough(gpus, nodes, gpus_per_node):
            return
        if time.monotonic() > deadline:
            raise InputError(
                f"{address}: {nodes} machines with {gpus_per_node} GPUs did not come together in {seconds:g} s; there "
                f"are {len(gpus)}, with {', '.join(f'{count:g}' for count in gpus) or 'no'} GPUs: look at what "
                "ray_node.sh says on the others"
            )
        time.sleep(_LOOK_AGAIN_S)


def main(
    address: Annotated[str, typer.Option(help="HOST:PORT of the head.")],
    nodes: Annotated[int, typer.Option(help="How many machines.")],
    gpus_per_node: Annotated[int, typer.Option(help="That each of them must have.")],
    seconds: Annotated[float, typer.Option(help="How long to wait.")] = 600.0,
) -> None:
    """Wait until a Ray cluster has the machines and GPUs that a training needs."""
    with refusing("wait_for_nodes"):
        wait_for_nodes(address, nodes, gpus_per_node, seconds)


if __name__ == "__main__":
    typer.run(main)
