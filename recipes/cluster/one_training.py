"""Refuse a second training of a Ray cluster: it would take the first one's rollouts for its own, and end it at its end.

    python recipes/cluster/one_training.py --address 10.0.0.1:6379

verl keeps rollouts in TransferQueue, whose controller has one name in a cluster: who comes later gets the first one's
(`transfer_queue.interface.init`). `recipes/train.sh` asks this where RAY_ADDRESS is set. Exit status: 0 no training
runs there; 2 one does, or no cluster answers.
"""

import socket
import time
from typing import Annotated

import typer

from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError

_CONTROLLER = {"name": "TransferQueueController", "namespace": "transfer_queue"}
_ANSWER_S = 10.0
_LOOK_AGAIN_S = 1.0


def wait_for_the_other(address: str, seconds: float) -> None:
    """Return when no training runs in the cluster.

    Raises:
        InputError: no cluster answers, or a training still runs there after that many seconds.
    """
    import ray

    host, _, port = address.rpartition(":")
    try:
        # Where nobody listens, Ray tries again for minutes.
        socket.create_connection((host, int(port)), _ANSWER_S).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"no Ray cluster answers at {address} (RAY_ADDRESS): start it with recipes/cluster/ray_node.sh, or unset "
            f"RAY_ADDRESS ({str(error).strip().partition(chr(10))[0]})"
        ) from error
    deadline, told = time.monotonic() + seconds, False
    while _CONTROLLER in ray.util.list_named_actors(all_namespaces=True):
        if time.monotonic() > deadline:
            raise InputError(
                f"another training runs in the Ray cluster at {address}, and a cluster takes one at a time: wait for "
                "its end, or give this one a cluster of its own (recipes/cluster/ray_node.sh)"
            )
        if not told:
            typer.echo(f"a training is in the Ray cluster at {address}: waiting up to {seconds:g} s for its end")
            told = True
        time.sleep(_LOOK_AGAIN_S)


def main(
    address: Annotated[str, typer.Option(help="HOST:PORT of the cluster's head.")],
    seconds: Annotated[float, typer.Option(help="How long another training may take to end.")] = 60.0,
) -> None:
    """Refuse a second training of a Ray cluster."""
    with refusing("train.sh"):
        wait_for_the_other(address, seconds)


if __name__ == "__main__":
    typer.run(main)
