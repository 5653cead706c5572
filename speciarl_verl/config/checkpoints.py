"""Never from scratch in silence: verl's checkpoint tracker is held against the folders that stand beside it.

verl starts over where its tracker is missing or names a folder that is not there, and writes it last and in place: a
kill at the wrong moment is enough. A folder is whole when it has `data.pt`, which is written last but for the tracker.
"""

from pathlib import Path

from omegaconf import DictConfig

from speciarl_verl.errors import ConfigError

TRACKER = "latest_checkpointed_iteration.txt"
_FOLDER = "global_step_"


def check_checkpoints(trainer: DictConfig) -> None:
    """Whether a run that looks for a checkpoint (`trainer.resume_mode=auto`) will find the last one.

    Raises:
        ConfigError: it would start over although checkpoints stand, or keep so few that a kill could leave none.
    """
    if trainer.max_actor_ckpt_to_keep == 1 or trainer.get("remove_previous_ckpt_in_save"):
        raise ConfigError(
            "trainer.max_actor_ckpt_to_keep=1: verl removes the old checkpoint before it notes the new one, and a kill "
            "between them leaves none: set it to 2 or more, or to null to keep all"
        )
    if trainer.resume_mode != "auto":
        return
    folder = Path(trainer.default_local_dir)
    whole = _whole_steps(folder)
    if not whole or _tracked_step(folder) in whole:
        return
    tracker, last = folder / TRACKER, max(whole)
    raise ConfigError(
        f"{tracker} names none of the checkpoints that stand beside it ({_FOLDER}{last} is the last), and verl would "
        f"start over: go on from there with: echo {last} >{tracker}; or choose another folder"
    )


def _whole_steps(folder: Path) -> set[int]:
    names = [path.parent.name.removeprefix(_FOLDER) for path in folder.glob(f"{_FOLDER}*/data.pt")]
    return {int(name) for name in names if name.isdecimal()}


def _tracked_step(folder: Path) -> int | None:
    try:
        # As verl reads it.
        return int((folder / TRACKER).read_bytes().decode())
    except (FileNotFoundError, ValueError):
        return None
