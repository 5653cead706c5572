"""The message that matters at the end of a failed training's log."""

import re
from collections.abc import Iterable

STOPPED = "training stopped:"
"""How our own message to end a run begins (plugin/trainer_mail.py)."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RAY_PREFIX = re.compile(r"^\([\w.:]+ (?:pid|ip)=[^)]*\) ?")
_EXCEPTION = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit)(?:\(\w+\))?(?:: \S|$)")
_OF_A_DEAD_ACTOR = re.compile(r"^(?P<about>class_name:|The actor is dead because) (?P<what>[^.]*\.?)")
"""What Ray tells below an `ActorDiedError`."""
_RAY_TRACE = re.compile(r"^ray\.\S+: ray::")
"""Names the task that failed, and not yet why."""

_UNREACHED = (
    "a process of the training cannot be reached: its machine died, or Ray's raylet there, or the network to it; the "
    "same command resumes from the last checkpoint"
)
"""Ray does not say which: mostly the trainer's own, which nothing of ours watches."""


def last_words(lines: Iterable[str]) -> str | None:
    """Our message that ended the run, else the last exception, else the last line; None where there is no line.

    >>> last_words(["Traceback ...", "\\x1b[36m(TaskRunner pid=7)\\x1b[0m ValueError: no such column", "bye"])
    'ValueError: no such column'
    """
    stopped = raised = last = None
    dead: dict[str, str] = {}
    for line in lines:
        # A progress bar overwrites itself.
        text = _RAY_PREFIX.sub("", _COLOUR.sub("", line.rsplit("\r", 1)[-1])).strip()
        if not text:
            continue
        last = text
        if STOPPED in text:
            stopped = text[text.index(STOPPED) :]
        elif _EXCEPTION.match(text) and not _RAY_TRACE.match(text):
            raised, dead = text, {}
        elif told := _OF_A_DEAD_ACTOR.match(text):
            dead.setdefault(told["about"], told["what"])
    if stopped is None and raised is not None:
        if "ActorDiedError" in raised:
            return _death(dead)
        if raised.startswith("ray.exceptions.ActorUnavailableError"):
            return _UNREACHED
    return stopped or raised or last


def _death(dead: dict[str, str]) -> str:
    """Of a process that nothing of ours watches, such as the trainer's own."""
    name, why = dead.get("class_name:", "one"), dead.get("The actor is dead because", "it was killed")
    return (
        f"the process {name} of the training died: {why} The out-of-memory killer (`dmesg`) may have taken it; the "
        "same command resumes from the last checkpoint"
    )
