"""A judge's server made of a loopback socket: what it does with each request is scripted, what it was sent is kept."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tenacity.wait import wait_random_exponential

from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.llm import llm_judge as server
from speciarl_verl.judge.llm.llm_judge import ServerJudge
from speciarl_verl.server_client import breaker
from speciarl_verl.server_client import retry as http_retry

Reply = Callable[[asyncio.StreamWriter], Any]


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


def chat(content: object) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


def _is_chat(path: str) -> bool:
    return path.partition("?")[0].endswith("/chat/completions")


@dataclass
class FakeServer:
    """Answers /v1/models and the probes from `pages`, and chat requests from `script`, then with `answer`."""

    url: str = ""
    answer: str = "specific"
    delay_s: float = 0.0
    script: deque[Reply] = field(default_factory=deque)
    pages: dict[str, object] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    busiest: int = 0
    _busy: int = 0

    @property
    def chats(self) -> list[Request]:
        return [request for request in self.requests if _is_chat(request.path)]

    @staticmethod
    def reply(status: int = 200, body: bytes = b"", **headers: str) -> Reply:
        def send(writer: asyncio.StreamWriter) -> None:
            lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

        return send

    @classmethod
    def says(cls, content: object) -> Reply:
        return cls.reply(200, chat(content))

    @staticmethod
    def hang(writer: asyncio.StreamWriter) -> Any:
        return asyncio.sleep(30)

    @staticmethod
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(600):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    @staticmethod
    def reset(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(Request(method, path, headers, json.loads(raw) if raw else None))
                result = self._pick(path)(writer)
                if asyncio.iscoroutine(result):
                    await result
                await writer.drain()
        writer.close()

    def _pick(self, path: str) -> Reply:
        if _is_chat(path):
            if self.script:
                return self.script.popleft()
            return self._delayed if self.delay_s else self.says(self.answer)
        if path in self.pages:
            return self.reply(200, json.dumps(self.pages[path]).encode())
        return self.reply(404, b'{"detail": "Not Found"}')

    async def _delayed(self, writer: asyncio.StreamWriter) -> None:
        self._busy += 1
        self.busiest = max(self.busiest, self._busy)
        await asyncio.sleep(self.delay_s)
        self._busy -= 1
        self.says(self.answer)(writer)


def models(owner: str) -> dict[str, object]:
    return {"object": "list", "data": [{"id": "judge-model", "object": "model", "owned_by": owner}]}


@pytest.fixture
async def fake() -> AsyncIterator[FakeServer]:
    """A server that calls itself SGLang."""
    fake_server = FakeServer(pages={"/v1/models": models("sglang")})
    listener = await asyncio.start_server(fake_server.serve, "127.0.0.1", 0)
    fake_server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield fake_server
    listener.close()


@pytest.fixture
async def make_judge(fake: FakeServer) -> AsyncIterator[Callable[..., ServerJudge]]:
    """Make judges of the fake server; keyword arguments go to their configuration."""
    made = []

    def make(**settings: Any) -> ServerJudge:
        made.append(
            ServerJudge(
                ServerJudgeConfig(**{"url": fake.url, "timeout_s": 5, "budget_s": 5, "cache": "memory", **settings})
            )
        )
        return made[-1]

    yield make
    for judge in made:
        await judge.close()


@pytest.fixture
def models_page() -> Callable[[str], dict[str, object]]:
    """The `/v1/models` page of a server of a given owner."""
    return models


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_retry, "BACKOFF", wait_random_exponential(multiplier=0.01, max=0.05))
    monkeypatch.setattr(breaker, "_REST_S", 0.05)
    monkeypatch.setattr(server, "_CHECK_RETRY_S", 0.3)
