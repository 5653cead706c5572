"""Servers on a loopback socket that speak JSON; what they answer is their user's."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """On a free port, or the one that it is given."""

    daemon_threads = True

    def __init__(self, handler: type["JsonHandler"], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class JsonHandler(BaseHTTPRequestHandler):
    """Reads and sends JSON, and is quiet."""

    protocol_version = "HTTP/1.1"

    def read(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Not to stderr."""


def models(name: str, **more: str) -> dict[str, object]:
    """What `/models` answers of a server with one model."""
    return {"object": "list", "data": [{"id": name, "object": "model", **more}]}


def completion(*texts: str, **message: object) -> dict[str, object]:
    """A chat completion with these choices."""
    return {
        "choices": [
            {"index": i, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
            for i, text in enumerate(texts)
        ]
    }
