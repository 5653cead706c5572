"""While a server is down, one request a second tries it and the others wait: one circuit breaker a process."""

import logging
import time
from functools import cache

from speciarl_verl.server_client.retry import TransientError

logger = logging.getLogger(__name__)

_FAILURES = 10
"""In a row, over all requests. At 30% random faults that happens once in 170,000 requests, and costs a second."""
_REST_S = 1.0


class Breaker:
    """Told how each attempt ended; tells each attempt whether to go, or how long to wait before asking again."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._failures = 0
        self._down_since: float | None = None
        self._next_probe = 0.0
        self.fault = TransientError("not tried yet")

    def wait_s(self) -> float:
        """0 to go, or the seconds to wait. Of those who ask while the server is down, one a second goes."""
        now = time.monotonic()
        if self._down_since is None:
            return 0.0
        if now < self._next_probe:
            return self._next_probe - now
        self._next_probe = now + _REST_S
        return 0.0

    def failed(self, fault: TransientError) -> None:
        """An attempt found the server down: not reached, too slow, or 5xx."""
        now = time.monotonic()
        self._failures += 1
        self.fault = fault
        if self._failures < _FAILURES:
            return
        if self._down_since is None:
            self._down_since, self._next_probe = now, now + _REST_S
            logger.warning(
                "model server %s: %d failures in a row, the last: %s; one request a second tries it from here on",
                self._server,
                self._failures,
                fault,
            )

    def answered(self) -> None:
        """An attempt got an answer that shows the server alive, be it a refusal."""
        self._failures = 0
        if self._down_since is not None:
            logger.warning("model server %s: back after %.1f s", self._server, time.monotonic() - self._down_since)
            self._down_since = None


@cache
def breaker_of(server: str) -> Breaker:
    """The one breaker that this process has for a server."""
    return Breaker(server)
