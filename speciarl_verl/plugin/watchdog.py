"""Sees that a part of a training died, and ends the training with a message that names it.

verl notices only what its main thread happens to call: with an agent-loop worker dead it waits for ever, and of a dead
vLLM server it sees rollouts that failed. trainer.py names the parts; each gets one question at a time, and an answer
that is an error, or tells a fault, is a death. No answer is none: a busy part takes its time, and so does a network.
"""

import logging
import re
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock, Thread, get_ident
from time import monotonic

from ray.exceptions import ActorUnavailableError

from speciarl_verl.errors import StopRunError
from speciarl_verl.plugin.trainer_mail import stop_run_error

logger = logging.getLogger(__name__)

_LEFT_ALONE_S = 5.0
"""How long the main thread has to meet the death by itself, or to end a save, before it is interrupted."""
_ENDING_S = 20.0
"""How long it then has to end, before the process does."""


@dataclass
class Part:
    """One process of the training.

    Attributes:
        name: what a message calls it.
        ask: sends a question; its answer is None, or the fault that the part knows of itself.
    """

    name: str
    ask: Callable[[], "Future[str | None]"]
    asked: "Future[str | None] | None" = field(default=None, repr=False)


class Watchdog:
    """Asks all parts about once a `period_s`, in a thread of its own; on a death interrupts the main thread."""

    def __init__(
        self,
        parts: Sequence[Part],
        interrupt: Callable[[], None],
        leave: Callable[[int], object],
        period_s: float = 1.0,
        left_alone_s: float = _LEFT_ALONE_S,
        ending_s: float = _ENDING_S,
    ) -> None:
        self._parts = parts
        self._period_s = period_s
        self._interrupt, self._leave = interrupt, leave
        self._left_alone_s, self._ending_s = left_alone_s, ending_s
        self._over = Event()
        self._looking = Lock()
        self._death: str | None = None
        self._thread = Thread(target=self._watch, name="speciarl-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """The main thread is on its way out: it is not interrupted from here on."""
        self._over.set()

    def death(self, patience_s: float) -> StopRunError | None:
        """What died, as the error to end the run with; None when every part answers, or `patience_s` is over."""
        deadline = monotonic() + patience_s
        unheard = list(self._parts)
        while self._look() is None and unheard and monotonic() < deadline:
            asked = [part.asked for part in unheard if part.asked is not None]
            wait(asked, timeout=self._period_s)
            unheard = [part for part in unheard if not _heard(part)]
        death = self._look()
        return None if death is None else stop_run_error(death)

    def _watch(self) -> None:
        while not self._over.wait(self._period_s) and self._look() is None:
            pass
        if self._death is None:
            return
        logger.error("%s", stop_run_error(str(self._death)))
        if not self._over.wait(self._left_alone_s):
            self._interrupt()
        # What the way out asks of a dead part may hang as well.
        Event().wait(self._ending_s)
        self._leave(1)

    def _look(self) -> str | None:
        with self._looking:
            deaths = [(part.name, fault) for part in self._parts if (fault := _fault(part))]
            if deaths and self._death is None:
                self._death = "; ".join(f"the {name} died: {fault}" for name, fault in deaths) + f". {_CURE}"
            return self._death


def interrupter() -> Callable[[], None]:
    """Called in the main thread: gives what raises KeyboardInterrupt there, also in a call that blocks.

    By a signal of its own: Ray blocks SIGINT in its workers, what a script puts in the background ignores it, and
    `_thread.interrupt_main` waits for the call to end.
    """
    signal.signal(signal.SIGUSR2, signal.default_int_handler)
    return partial(signal.pthread_kill, get_ident(), signal.SIGUSR2)


_CURE = (
    "A process that vanishes was mostly taken by the out-of-memory killer (`dmesg`, the job's memory limit); its last "
    "lines are in Ray's logs (/tmp/ray/session_latest/logs on its node)."
)


def _fault(part: Part) -> str | None:
    """What the last question found out, with the next one sent."""
    if part.asked is not None:
        if not part.asked.done():
            return None
        if _heard(part):
            error = part.asked.exception()
            fault = part.asked.result() if error is None else reason(error)
            if fault is not None:
                return fault
    part.asked = part.ask()
    return None


def _heard(part: Part) -> bool:
    """Not reached for a while is neither well nor dead: Ray says later which it was."""
    asked = part.asked
    return asked is not None and asked.done() and not isinstance(asked.exception(), ActorUnavailableError)


def reason(error: BaseException) -> str:
    """The sentence of Ray's paragraphs on a dead actor that tells why.

    >>> reason(RuntimeError("The actor died.\\n pid: 7\\nThe actor is dead because its node has died. It was"))
    'its node has died (pid 7)'
    """
    text = str(error)
    why = re.search(r"because (.*?)(?:\.\s|\.?$|:)", text, re.MULTILINE)
    where = re.findall(r"\b(pid|ip): (\S+)", text)
    told = ", ".join(f"{key} {value}" for key, value in where)
    first = (why.group(1) if why else text.strip().partition("\n")[0]).rstrip(".")
    return f"{first} ({told})" if told else first
