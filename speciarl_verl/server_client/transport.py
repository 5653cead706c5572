"""One HTTP exchange with a model server: what is retried, for how long, and what ends as an error.

Retried with growing random waits: connection errors, timeouts, 408, 429, 5xx (a Retry-After is honoured), and a 200
whose body is not what was asked for. Not retried: any other status. While the server is down, all but one request a
second wait (breaker.py).
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay
from yarl import URL

from speciarl_verl.server_client.breaker import breaker_of
from speciarl_verl.server_client.endpoint import Endpoint
from speciarl_verl.server_client.failure import ServerError, ServerFailureError, ServerRefusalError
from speciarl_verl.server_client.retry import (
    Reply,
    TransientError,
    seconds_to_wait,
    transient_failure,
    transient_reply,
)
from speciarl_verl.server_client.route import certificates, proxy_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CONNECT_S = 5.0
_KEPT_S = 4.0
"""How long a connection stays open for the next request: a second less than uvicorn keeps it."""
_LEAST_S = 0.1
_QUOTED = 300
_JSON = {"Content-Type": "application/json"}
_TLS_CURES = {
    "CERTIFICATE_VERIFY_FAILED": "Name the file of the authority that signed its certificate in SSL_CERT_FILE.",
    "WRONG_VERSION_NUMBER": "There is no TLS at that port: it is http://, not https://.",
}


@dataclass(frozen=True)
class Patience:
    """How long one exchange may take, in seconds.

    Attributes:
        timeout_s: one attempt.
        budget_s: all attempts and the waits between them.
        retry_s: no attempt starts later than this, at most `budget_s`.
    """

    timeout_s: float
    budget_s: float
    retry_s: float


class Counter(Protocol):
    """Where exchanges are counted.

    Attributes:
        sent: answers asked for.
        retries: further attempts at them.
    """

    sent: int
    retries: int

    def answered(self, seconds: float) -> None:
        """An answer came, so long after it was first asked for."""


class Uncounted:
    """For those who keep no account."""

    sent = 0
    retries = 0

    def answered(self, seconds: float) -> None:
        """Keep nothing."""


@dataclass(frozen=True)
class _Call:
    method: str
    url: str
    body: bytes | None = None


class Transport:
    """The HTTP client of one event loop. `max_concurrency` exchanges at once; the others wait for a place.

    Args:
        proxy: go through the proxy that the environment names. Without it nothing of the environment is heeded, so
            that no key reaches a proxy that nobody asked for.

    Raises:
        ServerError: the environment's proxy or its certificates cannot be used.
    """

    def __init__(
        self, endpoint: Endpoint, max_concurrency: int, counter: Counter | None = None, proxy: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._counter = counter or Uncounted()
        self._breaker = breaker_of(endpoint.api)
        self._places = asyncio.Semaphore(max_concurrency)
        self._tls = certificates(endpoint)
        self._proxy = proxy_of(endpoint) if proxy else None
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        """It belongs to the event loop of its first request."""
        if self._opened is None:
            # The semaphore bounds the connections.
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls, keepalive_timeout=_KEPT_S)
            self._opened = aiohttp.ClientSession(
                connector=connector,
                headers=self._endpoint.headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=self._proxy,
            )
        return self._opened

    async def get(self, path: str, read: Callable[[object], T], patience: Patience, of_root: bool = False) -> T:
        """GET a path below the API, or below the server's root; see `chat`."""
        async with self._places:
            return await self._exchange(_Call("GET", self._endpoint.url(path, of_root)), read, patience)

    async def chat(self, body: object, read: Callable[[object], T], patience: Patience) -> T:
        """POST a chat request and read the JSON that comes back.

        Args:
            body: what is sent as JSON, or its bytes.
            read: takes the decoded body; raises ValueError when it is not what was asked for and may come at the next
                attempt, a `ServerError` when it will not.

        Raises:
            ServerRefusalError: a status that is not retried.
            ServerFailureError: the patience is spent; the message names the server and the last error.
            ServerError: the request cannot be sent.
        """
        async with self._places:
            self._counter.sent += 1
            start = time.monotonic()
            written = body if isinstance(body, bytes) else json.dumps(body).encode()
            call = _Call("POST", self._endpoint.url("/chat/completions"), written)
            answer = await self._exchange(call, read, patience)
            self._counter.answered(time.monotonic() - start)
            return answer

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def _exchange(self, call: _Call, read: Callable[[object], T], patience: Patience) -> T:
        start = time.monotonic()

        async def attempt() -> T:
            await self._wait_for_server(start, patience)
            left = patience.budget_s - (time.monotonic() - start)
            return self._decoded(await self._watched(call, min(patience.timeout_s, max(left, _LEAST_S))), read)

        try:
            return await attempt()
        except TransientError as error:
            failures = [error]

        async def first_failed() -> T:
            if failures:
                raise failures.pop()
            return await attempt()

        # From the second attempt on: it costs a tenth of a millisecond of CPU, which most exchanges need not pay.
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=seconds_to_wait,
            stop=stop_before_delay(patience.retry_s - (time.monotonic() - start)),
            before_sleep=self._note_retry,
            reraise=True,
        )
        try:
            return await retrying(first_failed)
        except TransientError as error:
            spent = f"attempt {retrying.statistics['attempt_number']}, {time.monotonic() - start:.1f} s"
            fault = f"{self._named(call)}: {self._safe(error)} ({spent})."
            raise ServerFailureError(fault, error.unreachable) from error

    async def _wait_for_server(self, start: float, patience: Patience) -> None:
        while wait_s := self._breaker.wait_s():
            left = patience.retry_s - (time.monotonic() - start)
            if left <= 0:
                raise TransientError(str(self._breaker.fault), unreachable=self._breaker.fault.unreachable)
            await asyncio.sleep(min(wait_s, left))

    async def _watched(self, call: _Call, timeout_s: float) -> Reply:
        try:
            reply = await self._attempt(call, timeout_s)
        except TransientError as error:
            if error.is_down:
                self._breaker.failed(TransientError(self._safe(error), unreachable=error.unreachable))
            else:
                self._breaker.answered()
            raise
        except ServerRefusalError:
            self._breaker.answered()
            raise
        self._breaker.answered()
        return reply

    async def _attempt(self, call: _Call, timeout_s: float) -> Reply:
        try:
            reply = await self._send(call, timeout_s)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise ServerError(f"{self._named(call)}: the request cannot be sent: {self._safe(error)}") from error
        except aiohttp.ClientHttpProxyError as error:
            # Without its own words, which quote the proxy's password.
            refused = f"cannot connect: the proxy says {error.status} {error.message}"
            raise TransientError(refused, is_down=True, unreachable=True) from None
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            cure = next((cure for sign, cure in _TLS_CURES.items() if sign in str(error)), None)
            if cure is not None:
                raise ServerError(f"{self._named(call)}: {self._safe(error)}. {cure}") from error
            raise transient_failure(error, timeout_s) from error
        if reply.is_success:
            return reply
        said = " ".join(self._endpoint.without_key(reply.text)[:_QUOTED].split())
        fault = f"HTTP {reply.status} {reply.reason}{f': {said}' if said else ''}"
        transient = transient_reply(reply, fault)
        if transient is not None:
            raise transient
        raise ServerRefusalError(f"{self._named(call)}: {fault}. {_cure(reply, self._endpoint)}", reply.status)

    async def _send(self, call: _Call, timeout_s: float) -> Reply:
        # From the first byte to the last: a slow drip does not start it again.
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S)
        headers = None if call.body is None else _JSON
        async with self._session.request(
            call.method, _parsed(call.url), data=call.body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return Reply(response.status, response.reason or "", response.headers, await response.read())

    def _decoded(self, reply: Reply, read: Callable[[object], T]) -> T:
        """Decode a successful reply; whatever is wrong with its body may be gone at the next attempt."""
        try:
            body = json.loads(reply.body)
            if isinstance(body, dict) and body.get("error"):
                raise ValueError(f"an error instead of a result: {body['error']}")
            return read(body)
        except (ValueError, RecursionError) as error:
            fault = self._endpoint.without_key(f"{error} ({reply.text[:80]!r})")
            # Without its cause, which a traceback would print: the server may have quoted the key.
            raise TransientError(f"HTTP {reply.status} with an unusable body: {fault}") from None

    def _note_retry(self, state: RetryCallState) -> None:
        self._counter.retries += 1
        # Once a request: during an outage every one of the concurrent requests retries many times.
        level = logging.WARNING if state.attempt_number == 1 else logging.DEBUG
        error = state.outcome.exception() if state.outcome else None
        server = f"{self._endpoint.names.server} {self._endpoint.api}"
        logger.log(level, "%s: %s; asking again in %.1f s", server, error, state.upcoming_sleep)

    def _named(self, call: _Call) -> str:
        return f"{self._endpoint.names.server} {call.url.partition('?')[0]}"

    def _safe(self, error: BaseException) -> str:
        return self._endpoint.without_key(str(error))[:_QUOTED]


@cache
def _parsed(url: str) -> URL:
    """As it stands; there are a handful."""
    return URL(url, encoded=True)


def _cure(reply: Reply, endpoint: Endpoint) -> str:
    status, names = reply.status, endpoint.names
    if status in (401, 403):
        return f"Name the environment variable that holds the key in {names.api_key_env}."
    if status in (402, 429):
        return f"The account of the key has nothing left: add to it, or name another key in {names.api_key_env}."
    if status == 404:
        return f"Check {names.url} (the API's base, often ending in /v1) and {names.model}."
    if 300 <= status < 400:
        place = endpoint.without_key(reply.headers.get("Location", "")).partition("?")[0]
        to = f" (it points to {place})" if place else ""
        return f"Redirects are not followed: name the final address in {names.url}{to}."
    return f"The server does not take the request: check {names.model}, {names.body} and the server's log."
