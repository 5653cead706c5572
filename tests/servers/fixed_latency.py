"""A judge's server in a process of its own that answers every chat request after the same time.

`python fixed_latency.py SECONDS` prints its port. `GET /count` tells how many chat requests it got.
"""

import asyncio
import json
import sys

MODELS = {"data": [{"id": "fixed", "owned_by": "sglang"}]}
VERDICT = {"choices": [{"message": {"role": "assistant", "content": "generic"}}]}


class Connection(asyncio.Protocol):
    chats = 0
    latency_s = 0.0

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            _, _, rest = head.partition(b"content-length: ")
            length = end + 4 + (int(rest.split(b"\r\n")[0]) if rest else 0)
            if len(self.buffer) < length:
                return
            self.buffer = self.buffer[length:]
            self.serve(head.split(b" ")[1])

    def serve(self, path: bytes) -> None:
        if path.endswith(b"/chat/completions"):
            Connection.chats += 1
            asyncio.get_running_loop().call_later(self.latency_s, self.send, VERDICT)
        else:
            self.send({"count": Connection.chats} if path == b"/count" else MODELS)

    def send(self, body: object) -> None:
        raw = json.dumps(body).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw
        )


async def main() -> None:
    Connection.latency_s = float(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
