"""A judge that dies in mid-training ends the run, soon and with its name, even where verl would refill for ever."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, World, environment
from tests.loopback import JsonHandler, LoopbackServer, completion, models

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

BUDGET_S = 5


class DyingJudge(LoopbackServer):
    """Speaks the OpenAI protocol; calls every prediction generic, until it is told to die: then 503."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.verdicts = 0
        self.died_at: float | None = None


class _Handler(JsonHandler):
    server: DyingJudge

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self.send(200, models("fake"))
        else:
            self.send(404, {})

    def do_POST(self) -> None:
        self.read()
        if self.server.died_at is not None:
            self.send(503, {"error": "out of memory"})
            return
        self.server.verdicts += 1
        self.send(200, completion("generic"))


@pytest.fixture
def judge() -> Iterator[DyingJudge]:
    server = DyingJudge()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_training_stops_when_the_judge_dies(world: World, judge: DyingJudge, tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "train.log"
    flags = ["--algo", "dapo-dynamic", "--judge", "server", "--judge-url", judge.url]
    # Every verdict is alike, so group filtering discards every group and asks for more: for ever, if nobody stopped it.
    overrides = (f"speciarl.judge.budget_s={BUDGET_S}", "speciarl.judge.cache=memory", "trainer.total_training_steps=2")
    with log.open("w") as output:
        command = world.command(out, *flags, overrides=overrides)
        trainer = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 1500
            while not list(out.glob("hydra")) or judge.verdicts < 3:
                assert trainer.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, "no rollout was ever judged"
                time.sleep(0.5)
            judge.died_at = time.monotonic()
            assert trainer.wait(timeout=BUDGET_S + 60) != 0
        finally:
            trainer.kill()
            trainer.wait()
    text = log.read_text()
    (message,) = {line[line.index("training stopped:") :] for line in text.splitlines() if "training stopped:" in line}
    assert judge.url in message
    assert "503" in message
    assert "Start the same command again to resume" in message
    assert not list((out / "rollouts").glob("*.jsonl")), "a step was trained on without verdicts"
