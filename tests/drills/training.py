"""A training that a drill does something to: started, watched from outside, ended, resumed, and looked through."""

import json
import random
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speciarl_verl.judge.llm.llm_judge import _CHECK_PAIR
from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward
from tests.drills.counting_judge import verdict
from tests.drills.processes import below, end, left_after, named, orphaned, segments, title
from tests.e2e.conftest import ROOT, World, environment

START_S = 900
"""Until a training has done a step; on a busy machine most of it is start-up."""
END_S = 60
"""What the project promises between a death and the end of the run."""


@dataclass
class Training:
    """One launch after the other of one command.

    Attributes:
        out: its `--out`.
        launches: how many there were; each has a log of its own.
    """

    command: list[str]
    out: Path
    extra: dict[str, str] = field(default_factory=dict)
    launches: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    known: set[int] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    started: float = 0.0
    said_before: int = 0

    @property
    def log(self) -> Path:
        return self.out.with_name(f"{self.out.name}-{self.launches}.log")

    def start(self) -> None:
        self.launches += 1
        self.known = {process.pid for process in below()}
        self.shared = segments()
        self.started = time.time()
        self.said_before = self._verls_log.stat().st_size if self._verls_log.exists() else 0
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env={**environment(), **self.extra}, stdout=output, stderr=output
            )

    def resume(self, step: int) -> None:
        """Launch again: it goes on behind that step, to its end."""
        self.start()
        assert self.wait(1800) == 0, self.said()[-4000:]
        assert f"Resuming from {self.out}/checkpoints/global_step_{step}" in self.said()

    def wait_for_step(self, step: int) -> None:
        """Until this launch has judged the rollouts of that step."""
        deadline = time.monotonic() + START_S
        rollouts = self.out / f"rollouts/{step}.jsonl"
        while not (rollouts.exists() and rollouts.stat().st_mtime > self.started):
            assert self.process is not None
            assert self.process.poll() is None, self.said()[-4000:]
            assert time.monotonic() < deadline, f"no step {step}: {self.said()[-4000:]}"
            time.sleep(0.1)

    def kill(self, part: str, seed: int) -> None:
        """SIGKILL one process by its title; which one, the seed draws."""
        ours = [process for process in named(part) if process.pid not in self.known]
        assert ours, f"no {part} among {sorted(title(process) for process in below())}"
        random.Random(seed).choice(ours).kill()

    def wait(self, seconds: float) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def said(self) -> str:
        """All that this launch printed, wherever it went."""
        verls = self._verls_log.read_bytes()[self.said_before :].decode() if self._verls_log.exists() else ""
        return self.log.read_text() + verls

    @property
    def _verls_log(self) -> Path:
        """Of all launches."""
        return self.out / "train.log"

    def messages(self) -> set[str]:
        """What ended this launch, each once however often it stands there."""
        lines = [line for line in self.said().splitlines() if "training stopped:" in line]
        # train.sh puts the place of the log behind it.
        return {line[line.index("training stopped:") :].partition(" (all of it: ")[0].strip() for line in lines}

    def last_words(self) -> str:
        """What `train.sh` said at the end of this launch, of which there must be no second version."""
        (told,) = (line for line in self.log.read_text().splitlines() if "the training ended with status" in line)
        words = told.partition("the training ended with status ")[2].partition(": ")[2].partition(" (all of it: ")[0]
        assert self.messages() <= {words}
        return words

    def left(self, seconds: float = 20) -> list[str]:
        """Processes and shared memory that outlive the training."""
        processes = left_after(seconds, self.known)
        return processes + sorted(f"/dev/shm/{name}" for name in orphaned(segments() - self.shared))

    def clean_up(self) -> None:
        end(self.known)

    def steps(self) -> list[int]:
        return sorted(int(file.stem) for file in (self.out / "rollouts").glob("*.jsonl"))

    def saved_step(self) -> int:
        tracker = self.out / "checkpoints/latest_checkpointed_iteration.txt"
        return int(tracker.read_text()) if tracker.exists() else 0

    def groups(self, step: int) -> list[list[dict[str, Any]]]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for line in (self.out / f"rollouts/{step}.jsonl").read_text().splitlines():
            record = json.loads(line)
            groups.setdefault(record["uid"], []).append(record)
        return list(groups.values())


def assert_no_reward_made_up(training: Training, prompts: int = 8, rollouts: int = 8) -> None:
    """Every reward in the files follows from the judge's own verdicts by the rule, in whole groups."""
    assert training.steps()
    for step in training.steps():
        groups = training.groups(step)
        assert len(groups) == prompts
        for group in groups:
            assert [record["session_id"] for record in group] == list(range(rollouts))
            categories = []
            for record in group:
                if record["category"] == "unparseable":
                    categories.append(None)
                    continue
                category = Category.from_label(record["category"])
                assert category.label == verdict(record["ground_truth"], record["answer"]), record
                categories.append(category)
            assert tuple(record["group_reward"] for record in group) == group_reward(categories).rewards


def paid_again(journal: Path, killed_at: float, in_flight_s: float = 2.0) -> list[tuple[str, str]]:
    """Pairs that got a verdict after the kill although they had one before it, and not just before: on its way.

    The pair that a judge is checked with when a run starts is asked each time, past the cache.
    """
    checked = (_CHECK_PAIR.ground_truth, _CHECK_PAIR.prediction)
    verdicts = [json.loads(line) for line in journal.read_text().splitlines()]
    pairs = [(record["time"], (record["ground_truth"], record["prediction"])) for record in verdicts]
    before = {pair for moment, pair in pairs if moment < killed_at - in_flight_s}
    return [pair for moment, pair in pairs if moment > killed_at and pair in before - {checked}]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Judge:
    """A judge's server in a process of its own, the same port after each death."""

    def __init__(self, journal: Path) -> None:
        self._journal, self.port = journal, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.drills.counting_judge", str(self.port), str(self._journal)]
        self.process = subprocess.Popen(command, cwd=ROOT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def of_the_judge(world: World, out: Path, url: str, *overrides: str) -> list[str]:
    """`train.sh` with a judge server and a cache of the training's own."""
    flags = ["--judge", "server", "--judge-url", url]
    steps = ("trainer.total_training_steps=4", "trainer.save_freq=1", "trainer.total_epochs=10")
    cache = f"speciarl.judge.cache={out.with_name('verdicts.sqlite')}"
    return world.command(out, *flags, overrides=(*steps, "speciarl.judge.budget_s=10", cache, *overrides))
