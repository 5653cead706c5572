"""The way to a server: proxies that were asked for and those that were not, and certificates that cannot be read."""

import asyncio
import os
import traceback
from collections.abc import AsyncIterator

import pytest

from speciarl_verl.server_client.failure import ServerError, ServerFailureError, ServerRefusalError
from speciarl_verl.server_client.transport import Patience, Transport
from tests.server_client.conftest import chat
from tests.server_client.names import at

ONCE = Patience(timeout_s=60, budget_s=60, retry_s=0)


@pytest.fixture
async def proxied(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[bytes]]:
    """What reached a proxy that the environment names for everything; it refuses to pass anything on."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield heads
    listener.close()


async def test_key_reaches_no_proxy_that_was_not_asked_for(fake, open_transport, proxied, monkeypatch):
    monkeypatch.setenv("SERVER_KEY", "k-4711")
    transport = open_transport(fake.url, api_key_env="SERVER_KEY")
    await chat(transport)
    await transport.get("/models", lambda body: body, ONCE)
    with pytest.raises(ServerRefusalError, match="404"):
        await transport.get("/version", lambda body: body, ONCE, of_root=True)
    assert proxied == []
    assert [request.headers["authorization"] for request in fake.requests] == ["bearer k-4711"] * 3


async def test_proxy_that_was_asked_for_is_used(fake, open_transport, proxied):
    with pytest.raises(ServerRefusalError, match="HTTP 403"):
        await chat(open_transport(fake.url, proxy=True))
    assert len(proxied) == 1
    assert fake.requests == []


async def test_proxy_for_all_schemes_is_used_with_or_without_its_own(fake, open_transport, proxied, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("all_proxy", os.environ["ALL_PROXY"].removeprefix("http://"))
    with pytest.raises(ServerRefusalError, match="HTTP 403"):
        await chat(open_transport(fake.url, proxy=True))
    assert len(proxied) == 1


async def test_password_of_a_proxy_that_refuses_is_in_no_message(open_transport, proxied, monkeypatch):
    monkeypatch.setenv("https_proxy", os.environ["HTTPS_PROXY"].replace("http://", "http://me:pass-4711@"))
    with pytest.raises(ServerFailureError, match="cannot connect: the proxy says 403") as error:
        await chat(open_transport("https://elsewhere", proxy=True), ONCE)
    assert b"Proxy-Authorization" in proxied[0]
    assert "pass-4711" not in "".join(traceback.format_exception(error.value))


async def test_proxy_that_leaves_the_server_out_is_not_used(fake, open_transport, proxied, monkeypatch):
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert "choices" in await chat(open_transport(fake.url, proxy=True))
    assert proxied == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_of_the_user_that_cannot_be_read_are_named(monkeypatch, tmp_path, content):
    named = tmp_path / "authority.pem"
    if content:
        named.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    with pytest.raises(ServerError, match=r"oracle https://h/v1: no certificates.*authority\.pem \(SSL_CERT_FILE\)"):
        Transport(at("https://h"), 1)


@pytest.mark.parametrize(
    "proxy", ["socks5://me:secret@127.0.0.1:1", "ftp://me:secret@127.0.0.1:1", "http://me:secret@h:port"]
)
def test_proxy_of_another_kind_is_refused_and_not_quoted(monkeypatch, proxy):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    Transport(at("http://h:1"), 1)
    with pytest.raises(ServerError, match="only http:// and https:// proxies") as error:
        Transport(at("http://h:1"), 1, proxy=True)
    assert "secret" not in "".join(traceback.format_exception(error.value))
