"""One exchange: what is sent, what is tried again, what ends, and how it is said."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from speciarl_verl.server_client.failure import (
    ServerError,
    ServerFailureError,
    ServerRefusalError,
    UnusableAnswerError,
)
from speciarl_verl.server_client.transport import Patience
from tests.fresh_python import run
from tests.server_client.conftest import chat

ONCE = Patience(timeout_s=60, budget_s=60, retry_s=0)


@dataclass
class Counted:
    sent: int = 0
    retries: int = 0
    seconds: list[float] = field(default_factory=list)

    def answered(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def test_chat_counts_what_it_asks_for_and_how_long_it_took(fake, open_transport):
    counted = Counted()
    fake.script.extend([fake.reply(503), fake.reply(200, b"[1]"), fake.reply(200, b"[2]")])
    transport = open_transport(fake.url, counted)
    assert [await chat(transport), await chat(transport)] == [[1], [2]]
    assert (counted.sent, counted.retries, len(counted.seconds)) == (2, 1, 2)
    assert await transport.get("/models", lambda body: body, ONCE) == fake.pages["/v1/models"]
    assert counted.sent == 2


async def test_chat_without_a_counter_works(fake, open_transport):
    fake.script.append(fake.reply(429))
    assert "choices" in await chat(open_transport(fake.url))


async def test_s6_query_goes_with_every_request_and_stays_out_of_messages(fake, open_transport, monkeypatch):
    monkeypatch.setenv("SERVER_KEY", "k-4711")
    url = f"{fake.url}/openai/deployments/d?api-version=2024-10-21"
    transport = open_transport(url, api_key_env="SERVER_KEY")
    fake.script.append(fake.reply(400, b"no"))
    with pytest.raises(ServerRefusalError) as error:
        await chat(transport)
    (request,) = fake.requests
    assert request.path == "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == "k-4711"
    assert "authorization" not in request.headers
    assert "api-version" not in str(error.value)


@pytest.mark.parametrize(
    ("status", "cure", "of_the_request"),
    [
        (400, "--model, --body", True),
        (413, "--body", True),
        (422, "--body", True),
        (401, "--key-env", False),
        (403, "--key-env", False),
        (404, "--url .*--model", False),
        (302, "Redirects are not followed.*--url", False),
        (409, "--model", False),
    ],
)
async def test_chat_refusal_names_the_users_own_settings(fake, open_transport, status, cure, of_the_request):
    fake.script.append(fake.reply(status, b"two\nlines"))
    with pytest.raises(ServerRefusalError, match=rf"oracle {fake.url}/v1/chat/completions: HTTP {status}.*{cure}") as e:
        await chat(open_transport(fake.url))
    assert (e.value.status, e.value.of_the_request) == (status, of_the_request)
    assert "\n" not in str(e.value)
    assert len(fake.chats) == 1


async def test_chat_unusable_body_is_quoted(fake, open_transport):
    stream = fake.reply(200, b'data: {"id": 1}\n\ndata: [DONE]')
    fake.script.extend([stream] * 2)
    transport = open_transport(fake.url)
    with pytest.raises(ServerFailureError, match=r"unusable body.*data: ") as error:
        await chat(transport, ONCE)
    assert not error.value.unreachable
    # The second is asked for again, and gets a good answer.
    await chat(transport)
    assert len(fake.chats) == 3


async def test_chat_answer_that_would_not_get_better_is_not_asked_for_again(fake, open_transport):
    def read(body: object) -> None:
        raise UnusableAnswerError("kept back")

    with pytest.raises(UnusableAnswerError, match="kept back"):
        await chat(open_transport(fake.url), read=read)
    assert len(fake.chats) == 1


async def test_chat_body_nested_without_an_end_is_no_crash(fake, open_transport):
    fake.script.extend([fake.reply(200, b"[" * 100_000)] * 100)
    with pytest.raises(ServerFailureError, match="unusable body"):
        await chat(open_transport(fake.url), ONCE)


async def test_chat_server_not_there_is_unreachable_also_while_the_breaker_waits(open_transport, unused_tcp_port):
    transport = open_transport(f"http://127.0.0.1:{unused_tcp_port}")
    for _ in range(15):
        with pytest.raises(ServerFailureError, match="cannot connect") as error:
            await chat(transport, ONCE)
        assert error.value.unreachable


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed", "SSL_CERT_FILE"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "http://, not https://"),
    ],
)
async def test_chat_tls_that_cannot_work_ends_at_once_with_the_cure(fake, open_transport, monkeypatch, said, cure):
    tried = []

    async def refuse(*_arguments: Any, **_settings: Any) -> aiohttp.ClientResponse:
        tried.append(said)
        raise aiohttp.ClientConnectorSSLError(ConnectionKey("h", 443, True, True, None, None, None), OSError(1, said))

    monkeypatch.setattr(aiohttp.ClientSession, "_request", refuse)
    with pytest.raises(ServerError, match=cure):
        await chat(open_transport(fake.url))
    assert len(tried) == 1


async def test_chat_https_at_a_port_of_http_names_the_cure(open_transport):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    with pytest.raises(ServerError, match="http://, not https://"):
        await chat(open_transport(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"))
    listener.close()


@pytest.mark.parametrize(
    "error", [aiohttp.InvalidURL("x"), aiohttp.InvalidUrlClientError("x"), aiohttp.NonHttpUrlClientError("x")]
)
async def test_chat_request_that_cannot_be_sent_is_not_tried_again(fake, open_transport, monkeypatch, error):
    async def refuse(*_arguments: Any, **_settings: Any) -> aiohttp.ClientResponse:
        raise error

    monkeypatch.setattr(aiohttp.ClientSession, "_request", refuse)
    with pytest.raises(ServerError, match="cannot be sent"):
        await chat(open_transport(fake.url))


async def test_chat_slow_drip_does_not_outlive_its_time(open_transport):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = open_transport(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    with pytest.raises(ServerFailureError, match=r"no answer within 0\.5 s"):
        await chat(transport, Patience(timeout_s=0.5, budget_s=60, retry_s=0))
    listener.close()


@pytest.mark.parametrize(
    ("status", "body"), [(402, b"Insufficient Balance"), (429, b'{"error": {"code": "insufficient_quota"}}')]
)
async def test_chat_account_with_nothing_left_ends_at_once(fake, open_transport, status, body):
    fake.script.append(fake.reply(status, body))
    with pytest.raises(ServerRefusalError, match=r"nothing left.*--key-env") as error:
        await chat(open_transport(fake.url))
    assert not error.value.of_the_request
    assert len(fake.chats) == 1


async def test_chat_redirect_says_where_to_but_not_its_query(fake, open_transport):
    fake.script.append(fake.reply(308, Location="https://other/v1?token=secret"))
    with pytest.raises(ServerRefusalError, match=r"points to https://other/v1\)") as error:
        await chat(open_transport(fake.url))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("asked", ["inf", "1e999", "99999999999999999999"])
async def test_chat_retry_after_without_an_end_ends_at_once(fake, open_transport, asked):
    fake.script.append(fake.reply(429, Retry_After=asked))
    with pytest.raises(ServerFailureError, match="HTTP 429"):
        await chat(open_transport(fake.url))


@pytest.mark.parametrize("asked", ["nan", "-5", "", "soon", "Wed, 99 Foo 2030"])
async def test_chat_retry_after_that_says_nothing_is_passed_over(fake, open_transport, asked):
    fake.script.append(fake.reply(429, Retry_After=asked))
    assert "choices" in await chat(open_transport(fake.url))


@pytest.mark.parametrize("nothing", [b"null", b"{}", b'""', b"false"])
async def test_chat_error_that_is_empty_is_none(fake, open_transport, nothing):
    fake.script.append(fake.reply(200, b'{"error": %s, "choices": [1]}' % nothing))
    assert (await chat(open_transport(fake.url)))["choices"] == [1]


async def test_chat_useless_answer_of_a_server_is_quoted_with_its_words(fake, open_transport):
    def read(body: object) -> None:
        raise ValueError("no choices")

    fake.script.append(fake.reply(200, b'{"object": "error", "message": "The model does not exist.", "code": 404}'))
    with pytest.raises(ServerFailureError, match=r"no choices.*The model does not exist"):
        await chat(open_transport(fake.url), ONCE, read)


def test_client_stands_below_the_judge_and_the_evaluation():
    code = """
    import sys
    import speciarl_verl.server_client.discovery, speciarl_verl.server_client.message
    ours = {name for name in sys.modules if name.startswith("speciarl_verl.")}
    print(*sorted(name for name in ours if not name.startswith("speciarl_verl.server_client")))
    """
    assert run(code).split() == ["speciarl_verl.errors", "speciarl_verl.files"]
