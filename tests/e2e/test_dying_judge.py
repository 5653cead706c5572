"""A judge that dies in mid-training ends the run, soon and with its name, even where verl would refill for ever."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, World, environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

BUDGET_S = 5


class DyingJudge(ThreadingHTTPServer):
    """Speaks the OpenAI protocol; calls every prediction generic, until it is told to die: then 503."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.verdicts = 0
        self.died_at: float | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: DyingJudge

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self._send(200, {"object": "list", "data": [{"id": "fake", "object": "model"}]})
        else:
            self._send(404, {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.died_at is not None:
            self._send(503, {"error": "out of memory"})
            return
        self.server.verdicts += 1
        message = {"role": "assistant", "content": "generic"}
        self._send(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


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
