"""When a failed HTTP request is worth another attempt, and how long to wait before it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import aiohttp
from tenacity import RetryCallState
from tenacity.wait import wait_random_exponential

BACKOFF = wait_random_exponential(multiplier=0.5, max=20)
_RETRIED = frozenset({408, 429})


class TransientError(Exception):
    """Worth another attempt.

    Attributes:
        retry_after_s: seconds that the server asked for.
        is_down: it shows the server itself in trouble, not just this exchange.
        unreachable: not even a connection was made.
    """

    def __init__(
        self, message: str, retry_after_s: float | None = None, is_down: bool = False, unreachable: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.is_down = is_down
        self.unreachable = unreachable


@dataclass(frozen=True)
class Reply:
    """What came back, whole."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """For messages."""
        return self.body.decode(errors="replace")


def transient_reply(reply: Reply, fault: str) -> TransientError | None:
    """408, 429 and 5xx as an error worth another attempt; None for any other status, and where the money is spent."""
    is_down = 500 <= reply.status < 600
    if reply.status not in _RETRIED and not is_down:
        return None
    if reply.status == 429 and "insufficient_quota" in reply.text:
        return None
    return TransientError(fault, retry_after(reply.headers.get("Retry-After")), is_down=is_down)


def transient_failure(error: aiohttp.ClientError | OSError | asyncio.TimeoutError, timeout_s: float) -> TransientError:
    """A request without a response, in words; timeouts and resets often have none of their own."""
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        why = str(getattr(error, "os_error", error)) or "no answer"
        return TransientError(f"cannot connect: {why}", is_down=True, unreachable=True)
    if isinstance(error, asyncio.TimeoutError):
        return TransientError(f"no answer within {timeout_s:.1f} s", is_down=True)
    described = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return TransientError(described, is_down=True)


def seconds_to_wait(state: RetryCallState) -> float:
    """Seconds before the next attempt, for tenacity: random and growing, or a little more than the server asked for, so
    that not all requests come back in the same instant."""
    backoff = BACKOFF(state)
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, TransientError) else None
    return backoff if asked is None else asked + min(backoff, 1.0)


def retry_after(value: str | None) -> float | None:
    """Seconds from now, of a header that holds seconds or an HTTP date; None when it holds neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
