"""A judge server as a process of its own, to be killed: rules on a pair by its words, and writes down each verdict.

    python -m tests.drills.counting_judge PORT JOURNAL

Every line of JOURNAL is one verdict that was sent: its time, and the pair.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def verdict(ground_truth: str, prediction: str) -> str:
    """The same for the same pair; all that the birds of the quickstart need."""
    truth, answer = ground_truth.lower().split(), prediction.lower().split()
    if answer == truth:
        return "specific"
    if answer == ["bird"]:
        return "generic"
    return "less specific" if answer and answer == truth[-len(answer) :] else "wrong"


class CountingJudge(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, journal: Path) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def sent(self, pair: dict[str, str]) -> None:
        os.write(self.journal, (json.dumps({"time": time.time(), **pair}) + "\n").encode())


class _Handler(BaseHTTPRequestHandler):
    server: CountingJudge
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self._send(200, {"object": "list", "data": [{"id": "counting", "object": "model"}]})
        else:
            self._send(200 if "health" in self.path else 404, {})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pair = json.loads(request["messages"][-1]["content"])
        message = {"role": "assistant", "content": verdict(pair["ground_truth"], pair["prediction"])}
        self._send(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
        self.server.sent(pair)

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    CountingJudge(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
