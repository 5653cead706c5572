"""Follows a training that is going: a line a step on the terminal, while verl's own output goes to a log.

`recipes/train.sh` starts it beside `verl.trainer.main_ppo` and tells it over its standard input when that ended, and
with which status. It reads files and touches nothing.
"""

import os
import re
import selectors
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from speciarl_verl.watch.alerts import find_alerts
from speciarl_verl.watch.last_words import STOPPED, last_words
from speciarl_verl.watch.metrics_log import GrowingFile, LoggedStep, merged, metric_files, parse_step, read_steps
from speciarl_verl.watch.step_line import step_line, validation_line

_TOTAL = re.compile(r"Total training steps: (\d+)")
_MILESTONES = ("Started a local Ray instance", "actor and ref model engine initialized", "all initialize finished")
"""What verl and Ray say of the start, which takes a minute and more."""
_LOOK_EVERY_S = 0.5
_BY_SIGNAL = 128
"""What a shell adds to the number of the signal that ended a process."""
_WARN_AGAIN_AFTER = 10
"""Steps for which a warning did not hold before it is told once more."""


class Follower:
    """What to tell of a launch.

    Args:
        metrics: the file that verl's file logger writes in this launch; it need not be there yet.
        log: where verl's output goes, from byte `log_offset` on.
    """

    def __init__(self, metrics: Path, log: Path, log_offset: int = 0) -> None:
        self._metrics = GrowingFile(metrics)
        self._log = GrowingFile(log, log_offset)
        self._steps: list[LoggedStep] = []
        self._total: int | None = None
        self._milestones = list(_MILESTONES)
        # Trends need what earlier launches logged.
        self._earlier = read_steps(file for file in metric_files(metrics.parent) if file.name < metrics.name)
        self._warned: dict[str, int] = {}

    def look(self) -> Iterator[str]:
        """The lines to show since the last look.

        Raises:
            InputError: the metrics are something else.
        """
        yield from self._from_log()
        for line in self._metrics.new_lines():
            step = parse_step(line, self._metrics.path)
            self._steps = merged([*self._steps, step])
            if step.is_training:
                yield step_line([one for one in self._steps if one.is_training], self._total)
            validation = validation_line(step)
            if validation:
                yield validation
            if step.is_training:
                yield from self._warnings(step.number)

    def _warnings(self, number: int) -> Iterator[str]:
        for alert in find_alerts(merged([*self._earlier, *self._steps])):
            if number - self._warned.get(alert.name, -_WARN_AGAIN_AFTER) >= _WARN_AGAIN_AFTER:
                yield f"WARNING: {alert.text}. Cure: {alert.cure}"
            self._warned[alert.name] = number

    def early_end(self) -> str | None:
        """One line on a training that ended well, and before its last step."""
        done = max((step.number for step in self._steps if step.is_training), default=None)
        if self._total is None or done == self._total:
            return None
        if done is None:
            return f"no step was done in this launch: it was asked to stop, or all {self._total} were done before"
        return f"stopped after step {done} of {self._total}, as it was asked to: the same command goes on from there"

    def _from_log(self) -> Iterator[str]:
        if self._steps and self._total and not self._milestones:
            return
        for line in self._log.new_lines():
            self._total = steps_meant(line) or self._total
            for milestone in [one for one in self._milestones if one in line]:
                self._milestones.remove(milestone)
                yield f"   {milestone}"


def steps_meant(line: str) -> int | None:
    """The length of the run, where a line of verl's log tells it."""
    total = _TOTAL.search(line)
    return int(total[1]) if total else None


def follow(follower: Follower, tell: Callable[[str], None]) -> int | None:
    """Look again and again until a line on standard input gives the training's exit status.

    Returns:
        That status; None where standard input ended without one, as when train.sh was killed.
    """
    # ctrl-C is for the training; its end is the follower's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while not selector.select(_LOOK_EVERY_S):
            _tell_all(follower, tell)
    said = os.read(sys.stdin.fileno(), 64).strip()
    _tell_all(follower, tell)
    return int(said) if said.isdigit() else None


def failure(status: int, log: Path, log_offset: int) -> str:
    """One line on a training that ended badly."""
    words = last_words(GrowingFile(log, log_offset).new_lines()) or "it said nothing"
    signals = {_BY_SIGNAL + number: number.name for number in signal.Signals}
    if status in signals and not words.startswith(STOPPED):
        name = signals[status]
        words = (
            f"ended from outside by {name}, as by the out-of-memory killer (`dmesg`) or a scheduler; the same command "
            f"resumes from the last checkpoint. It last said: {words}"
        )
    return f"the training ended with status {status}: {words} (all of it: {log})"


def _tell_all(follower: Follower, tell: Callable[[str], None]) -> None:
    for line in follower.look():
        tell(line)
