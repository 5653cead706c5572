"""When a failed HTTP request is worth another attempt, and how long to wait before it."""

import asyncio
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import httpx
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


def transient_response(response: httpx.Response, fault: str) -> TransientError | None:
    """408, 429 and 5xx as an error worth another attempt; None for any other status, and where the money is spent."""
    if response.status_code not in _RETRIED and not response.is_server_error:
        return None
    if response.status_code == 429 and "insufficient_quota" in response.text:
        return None
    return TransientError(fault, retry_after(response.headers.get("Retry-After")), is_down=response.is_server_error)


def transient_failure(error: httpx.RequestError | asyncio.TimeoutError, timeout_s: float) -> TransientError:
    """A request without a response, in words; timeouts and resets often have none of their own."""
    if isinstance(error, asyncio.TimeoutError):
        return TransientError(f"no answer within {timeout_s:.1f} s", is_down=True)
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return TransientError(f"cannot connect: {str(error) or 'no answer'}", is_down=True, unreachable=True)
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
