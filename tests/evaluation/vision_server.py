"""An OpenAI-compatible server that takes pictures, made of a loopback socket: scripted, and remembering."""

import base64
import io
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

from tests.loopback import JsonHandler, LoopbackServer, completion, models

Reply = tuple[int, object]


class VisionServer(LoopbackServer):
    """Answers each picture by `respond(request body)`, `script` replies first; `listing` takes its models' place."""

    def __init__(self, owner: str = "vllm") -> None:
        super().__init__(_Handler)
        self.owner = owner
        self.model = "seer"
        self.respond: Callable[[dict[str, Any]], Reply] = lambda body: choices(*["<answer>bird</answer>"] * count(body))
        self.script: deque[Reply] = deque()
        self.listing: Reply | None = None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.busiest = 0
        self.busy = 0
        self.lock = threading.Lock()

    def handle_error(self, *_arguments: object) -> None:
        """Clients that give up are part of the tests."""


@contextmanager
def running(owner: str = "vllm") -> Iterator[VisionServer]:
    server = VisionServer(owner)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def choices(*texts: str, **message: object) -> Reply:
    """A chat completion."""
    return 200, completion(*texts, **message) | {"usage": {"completion_tokens": 7 * len(texts)}}


def count(body: dict[str, Any]) -> int:
    """How many choices a request asks for."""
    return int(body.get("n", 1))


def shade(body: dict[str, Any]) -> int:
    """Which of `small_set`'s pictures a request shows."""
    return int(picture(body).getpixel((0, 0))[0])


def picture(body: dict[str, Any]) -> Image.Image:
    """The picture of a request."""
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


class _Handler(JsonHandler):
    server: VisionServer

    def do_GET(self) -> None:
        self.send(*(self.server.listing or (200, models(self.server.model, owned_by=self.server.owner))))

    def do_POST(self) -> None:
        server = self.server
        body = self.read()
        with server.lock:
            server.requests.append(body)
            server.headers.append(dict(self.headers))
            server.busy += 1
            server.busiest = max(server.busiest, server.busy)
            scripted = server.script.popleft() if server.script else None
        status, answer = scripted if scripted else server.respond(body)
        with server.lock:
            server.busy -= 1
        self.send(status, answer)
