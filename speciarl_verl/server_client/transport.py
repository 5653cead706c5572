"""One HTTP exchange with the judge's server: what is retried, for how long, and what ends as an error.

Retried with growing random waits: connection errors, timeouts, 408, 429, 5xx (a Retry-After is honoured), and a 200
whose body is not what was asked for. Not retried: any other status. While the server is down, all but one request a
second wait (breaker.py).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from typing import TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.server_client.breaker import breaker_of
from speciarl_verl.server_client.endpoint import Endpoint
from speciarl_verl.server_client.retry import TransientError, of_failure, of_response, wait

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CONNECT_S = 5.0
_CONNECTIONS_A_CLIENT = 4
"""httpx looks at all connections of a client for each request, which at 64 takes longer than all the rest."""
_LEAST_S = 0.1
_QUOTED = 300


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


class ServerRefusalError(JudgeError):
    """The server answered with a status that a retry does not change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Call:
    method: str
    url: str
    body: object = None


class Transport:
    """The HTTP client of one event loop. `max_concurrency` exchanges at once; the others wait for a place."""

    def __init__(self, endpoint: Endpoint, max_concurrency: int, ledger: Ledger, proxy: bool = False) -> None:
        self._endpoint = endpoint
        self._ledger = ledger
        self._breaker = breaker_of(endpoint.api)
        self._places = asyncio.Semaphore(max_concurrency)
        # The semaphore bounds the pool, and `Patience` the whole attempt: httpx's own read timeout restarts with
        # every byte, so a slow drip would outlive it.
        tls = httpx.create_ssl_context()
        self._clients = [
            httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=_CONNECT_S),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
                headers={"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else None,
                verify=tls,
                trust_env=proxy,
            )
            for _ in range(math.ceil(max_concurrency / _CONNECTIONS_A_CLIENT))
        ]
        self._turns = cycle(self._clients)

    async def get(self, url: str, read: Callable[[object], T], patience: Patience) -> T:
        """GET one of the endpoint's URLs; see `post`."""
        async with self._places:
            return await self._exchange(_Call("GET", url), read, patience)

    async def post(self, url: str, body: object, read: Callable[[object], T], patience: Patience) -> T:
        """POST JSON to one of the endpoint's URLs and read the JSON that comes back.

        Args:
            read: takes the decoded body; raises ValueError when it is not what was asked for.

        Raises:
            ServerRefusalError: a status that is not retried.
            JudgeError: the patience is spent; the message names the server and the last error.
        """
        async with self._places:
            self._ledger.sent += 1
            start = time.monotonic()
            answer = await self._exchange(_Call("POST", url, body), read, patience)
            self._ledger.answered(time.monotonic() - start)
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
            wait=wait,
            stop=stop_before_delay(patience.retry_s),
            before_sleep=self._note_retry,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except TransientError as error:
            spent = f"attempt {retrying.statistics['attempt_number']}, {time.monotonic() - start:.1f} s"
            fault = self._endpoint.without_key(str(error))[:_QUOTED]
            raise JudgeError(f"judge server {call.url}: {fault} ({spent}).") from error

    async def _wait_for_server(self, start: float, patience: Patience) -> None:
        while wait_s := self._breaker.wait_s():
            left = patience.retry_s - (time.monotonic() - start)
            if left <= 0:
                raise TransientError(self._breaker.fault)
            await asyncio.sleep(min(wait_s, left))

    async def _watched(self, call: _Call, timeout_s: float) -> httpx.Response:
        try:
            response = await self._attempt(call, timeout_s)
        except TransientError as error:
            if error.is_down:
                self._breaker.failed(self._endpoint.without_key(str(error))[:_QUOTED])
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
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise JudgeError(f"judge server {call.url}: the request cannot be sent: {error}") from error
        except (httpx.RequestError, asyncio.TimeoutError) as error:
            raise of_failure(error, timeout_s) from error
        if response.is_success:
            return response
        said = self._endpoint.without_key(response.text)[:_QUOTED].strip()
        fault = f"HTTP {response.status_code} {response.reason_phrase}{f': {said}' if said else ''}"
        transient = of_response(response, fault)
        if transient is not None:
            raise transient
        raise ServerRefusalError(
            f"judge server {call.url}: {fault}. {_cure(response.status_code)}", response.status_code
        )

    def _decoded(self, response: httpx.Response, read: Callable[[object], T]) -> T:
        """Decode a successful response; whatever is wrong with its body may be gone at the next attempt."""
        try:
            body = response.json()
            if isinstance(body, dict) and body.get("error"):
                raise ValueError(f"an error instead of a result: {body['error']}")
            return read(body)
        except ValueError as error:
            fault = self._endpoint.without_key(str(error))
            # Without its cause, which a traceback would print: the server may have quoted the key.
            raise TransientError(f"HTTP {response.status_code} with an unusable body: {fault}") from None

    def _note_retry(self, state: RetryCallState) -> None:
        self._ledger.retries += 1
        # Once a request: during an outage every one of the concurrent requests retries many times.
        level = logging.WARNING if state.attempt_number == 1 else logging.DEBUG
        error = state.outcome.exception() if state.outcome else None
        logger.log(
            level, "judge server %s: %s; asking again in %.1f s", self._endpoint.api, error, state.upcoming_sleep
        )


@cache
def _parsed(url: str) -> httpx.URL:
    """There are a handful, and parsing takes a tenth of a request."""
    return httpx.URL(url)


def _cure(status: int) -> str:
    if status in (401, 403):
        return "Name the environment variable that holds the key in speciarl.judge.api_key_env."
    if status == 404:
        return "Check speciarl.judge.url (the API's base, often ending in /v1) and speciarl.judge.model."
    if 300 <= status < 400:
        return "Redirects are not followed: name the final address in speciarl.judge.url."
    return "The server does not take the request: check speciarl.judge.model and the server's log."
