"""The best checkpoint of a training by its validation's HM: `checkpoints/best`, which verl's rotation leaves alone.

It is laid out as a folder of checkpoints itself (`best/global_step_40`, and verl's tracker), so that `--adapter
checkpoints/best` finds it. Its files are hard links: it costs no room until verl removes the original.
"""

import json
import os
import shutil
from pathlib import Path

TRACKER = "latest_checkpointed_iteration.txt"
_BEST = "best"
_VALIDATION = "validation.json"


def keep_best(checkpoints: Path, step: int, hm: float) -> bool:
    """Keep a step's checkpoint if it is better than the best so far; says whether it was.

    A step that was validated and not saved cannot be kept.

    Args:
        checkpoints: verl's `trainer.default_local_dir`.
        hm: of the validation after the step, in [0, 1].
    """
    saved = checkpoints / f"global_step_{step}"
    if not saved.is_dir() or hm <= best_hm(checkpoints):
        return False
    best, partial, old = (checkpoints / f"{_BEST}{suffix}" for suffix in ("", ".partial", ".old"))
    for left in (partial, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(saved, partial / saved.name, copy_function=_link)
    (partial / TRACKER).write_text(str(step), encoding="utf-8")
    (partial / _VALIDATION).write_text(json.dumps({"step": step, "hm": hm}) + "\n", encoding="utf-8")
    if best.exists():
        best.rename(old)
    partial.rename(best)
    shutil.rmtree(old, ignore_errors=True)
    return True


def best_hm(checkpoints: Path) -> float:
    """HM of the best checkpoint so far, earlier launches included; -1 where there is none."""
    try:
        found: float = json.loads((checkpoints / _BEST / _VALIDATION).read_bytes())["hm"]
    except FileNotFoundError:
        return -1.0
    return found


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # A file system without links.
        shutil.copy2(source, target)
