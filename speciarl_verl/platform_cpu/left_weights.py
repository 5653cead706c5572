"""Removes what a killed run left in shared memory: the buffer through which its weights went to vLLM.

Without a GPU's IPC verl hands weights over in `/dev/shm/verl_weights_<id>`. Its sender removes it, unless it is killed
or waits for a receiver that is gone. Two such runs cannot be on one machine at a time: what there is of them when one
starts, or has failed, is nobody's.
"""

import logging
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")


def remove_left_weights(folder: Path = SHARED_MEMORY) -> None:
    """Of the user's own runs; those of others stay."""
    for segment in folder.glob("verl_weights_*"):
        with suppress(OSError):
            segment.unlink()
            logger.warning("removed %s, which a run that was killed left behind", segment)
