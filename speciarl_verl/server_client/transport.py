"""One HTTP exchange with a model server: what is retried, for how long, and what ends as an error.

Retried with growing random waits: connection errors, timeouts, 408, 429, 5xx (a Retry-After is honoured), and a 200
whose body is not what was asked for. Not retried: any other status. While the server is down, all but one request a
second wait (breaker.py).
"""

import asyncio
import logging
import math
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from typing import Protocol, TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay

from speciarl_verl.server_client.breaker import breaker_of
from speciarl_verl.server_client.endpoint import Endpoint
from speciarl_verl.server_client.failure import ServerError, ServerFailureError, ServerRefusalError
from speciarl_verl.server_client.retry import TransientError, seconds_to_wait, transient_failure, transient_response

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CONNECT_S = 5.0
_CONNECTIONS_A_CLIENT = 4
"""httpx looks at all connections of a client for each request, which at 64 takes longer than all the rest."""
_LEAST_S = 0.1
_QUOTED = 300
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
    body: object = None


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
        # The semaphore bounds the pool, and `Patience` the whole attempt: httpx's own read timeout restarts with
        # every byte, so a slow drip would outlive it.
        tls = _tls(endpoint)
        count = math.ceil(max_concurrency / _CONNECTIONS_A_CLIENT)
        self._clients = [_client(endpoint, tls, proxy) for _ in range(count)]
        self._turns = cycle(self._clients)

    async def get(self, path: str, read: Callable[[object], T], patience: Patience, of_root: bool = False) -> T:
        """GET a path below the API, or below the server's root; see `chat`."""
        async with self._places:
            return await self._exchange(_Call("GET", self._endpoint.url(path, of_root)), read, patience)

    async def chat(self, body: object, read: Callable[[object], T], patience: Patience) -> T:
        """POST a chat request and read the JSON that comes back.

        Args:
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
            answer = await self._exchange(_Call("POST", self._endpoint.url("/chat/completions"), body), read, patience)
            self._counter.answered(time.monotonic() - start)
            return answer

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.aclose()

    async def _exchange(self, call: _Call, read: Callable[[object], T], patience: Patience) -> T:
        start = time.monotonic()

        async def attempt() -> T:
            await self._wait_for_server(start, patience)
            left = patience.budget_s - (time.monotonic() - start)
            return self._decoded(await self._watched(call, min(patience.timeout_s, max(left, _LEAST_S))), read)

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=seconds_to_wait,
            stop=stop_before_delay(patience.retry_s),
            before_sleep=self._note_retry,
            reraise=True,
        )
        try:
            return await retrying(attempt)
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

    async def _watched(self, call: _Call, timeout_s: float) -> httpx.Response:
        try:
            response = await self._attempt(call, timeout_s)
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
        return response

    async def _attempt(self, call: _Call, timeout_s: float) -> httpx.Response:
        try:
            request = next(self._turns).request(call.method, _parsed(call.url), json=call.body)
            response = await asyncio.wait_for(request, timeout_s)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
            raise ServerError(f"{self._named(call)}: the request cannot be sent: {self._safe(error)}") from error
        except (httpx.RequestError, asyncio.TimeoutError) as error:
            cure = next((cure for sign, cure in _TLS_CURES.items() if sign in str(error)), None)
            if cure is not None:
                raise ServerError(f"{self._named(call)}: {self._safe(error)}. {cure}") from error
            raise transient_failure(error, timeout_s) from error
        if response.is_success:
            return response
        said = " ".join(self._endpoint.without_key(response.text)[:_QUOTED].split())
        fault = f"HTTP {response.status_code} {response.reason_phrase}{f': {said}' if said else ''}"
        transient = transient_response(response, fault)
        if transient is not None:
            raise transient
        cure = _cure(response, self._endpoint)
        raise ServerRefusalError(f"{self._named(call)}: {fault}. {cure}", response.status_code)

    def _decoded(self, response: httpx.Response, read: Callable[[object], T]) -> T:
        """Decode a successful response; whatever is wrong with its body may be gone at the next attempt."""
        try:
            body = response.json()
            if isinstance(body, dict) and body.get("error"):
                raise ValueError(f"an error instead of a result: {body['error']}")
            return read(body)
        except (ValueError, RecursionError) as error:
            fault = self._endpoint.without_key(f"{error} ({response.text[:80]!r})")
            # Without its cause, which a traceback would print: the server may have quoted the key.
            raise TransientError(f"HTTP {response.status_code} with an unusable body: {fault}") from None

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


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        file = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        server = f"{endpoint.names.server} {endpoint.api}"
        raise ServerError(f"{server}: no certificates can be read from {file} (SSL_CERT_FILE): {error}") from error


def _client(endpoint: Endpoint, tls: ssl.SSLContext, proxy: bool) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            headers=endpoint.headers,
            verify=tls,
            trust_env=proxy,
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        # Not quoted, as it may hold a password.
        raise ServerError(
            f"{endpoint.names.server} {endpoint.api}: the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot "
            "be used: only http:// and https:// proxies can"
        ) from None


@cache
def _parsed(url: str) -> httpx.URL:
    """There are a handful, and parsing takes a tenth of a request."""
    return httpx.URL(url)


def _cure(response: httpx.Response, endpoint: Endpoint) -> str:
    status, names = response.status_code, endpoint.names
    if status in (401, 403):
        return f"Name the environment variable that holds the key in {names.api_key_env}."
    if status in (402, 429):
        return f"The account of the key has nothing left: add to it, or name another key in {names.api_key_env}."
    if status == 404:
        return f"Check {names.url} (the API's base, often ending in /v1) and {names.model}."
    if 300 <= status < 400:
        place = endpoint.without_key(response.headers.get("Location", "")).partition("?")[0]
        to = f" (it points to {place})" if place else ""
        return f"Redirects are not followed: name the final address in {names.url}{to}."
    return f"The server does not take the request: check {names.model}, {names.body} and the server's log."
