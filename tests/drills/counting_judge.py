"""A judge server as a process of its own, to be killed: rules on a pair by its words, and writes down each verdict.

    python -m tests.drills.counting_judge PORT JOURNAL

Every line of JOURNAL is one verdict that was sent: its time, and the pair.
"""

import json
import os
import sys
import time
from pathlib import Path

from tests.loopback import JsonHandler, LoopbackServer, completion, models


def verdict(ground_truth: str, prediction: str) -> str:
    """The same for the same pair; all that the birds of the quickstart need."""
    truth, answer = ground_truth.lower().split(), prediction.lower().split()
    if answer == truth:
        return "specific"
    if answer == ["bird"]:
        return "generic"
    return "less specific" if answer and answer == truth[-len(answer) :] else "wrong"


class CountingJudge(LoopbackServer):
    def __init__(self, port: int, journal: Path) -> None:
        super().__init__(_Handler, port)
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def sent(self, pair: dict[str, str]) -> None:
        os.write(self.journal, (json.dumps({"time": time.time(), **pair}) + "\n").encode())


class _Handler(JsonHandler):
    server: CountingJudge

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self.send(200, models("counting"))
        else:
            self.send(200 if "health" in self.path else 404, {})

    def do_POST(self) -> None:
        pair = json.loads(self.read()["messages"][-1]["content"])
        self.send(200, completion(verdict(pair["ground_truth"], pair["prediction"])))
        self.server.sent(pair)


if __name__ == "__main__":
    CountingJudge(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
