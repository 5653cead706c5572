import asyncio
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from tenacity.wait import wait_fixed

from speciarl_verl.server_client import retry
from speciarl_verl.server_client.retry import (
    Reply,
    TransientError,
    retry_after,
    seconds_to_wait,
    transient_failure,
    transient_reply,
)

KEY = ConnectionKey("h", 80, False, True, None, None, None)


@pytest.mark.parametrize(("status", "is_down"), [(408, False), (429, False), (500, True), (503, True), (599, True)])
def test_transient_reply_is_asked_again(status, is_down):
    error = transient_reply(Reply(status, "", {"Retry-After": "3"}, b""), "fault")
    assert error is not None
    assert (str(error), error.retry_after_s, error.is_down, error.unreachable) == ("fault", 3.0, is_down, False)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 413, 422, 451])
def test_transient_reply_of_any_other_status_is_none(status):
    assert transient_reply(Reply(status, "", {}, b""), "fault") is None


@pytest.mark.parametrize(
    ("error", "message", "unreachable"),
    [
        pytest.param(asyncio.TimeoutError(), "no answer within 2.5 s", False, id="timeout"),
        pytest.param(
            aiohttp.ClientConnectorError(KEY, OSError("refused")), "cannot connect: refused", True, id="refused"
        ),
        pytest.param(aiohttp.ConnectionTimeoutError(), "cannot connect: no answer", True, id="no route"),
        pytest.param(aiohttp.ClientOSError(104, "reset"), "ClientOSError: [Errno 104] reset", False, id="reset"),
        pytest.param(aiohttp.ServerDisconnectedError("cut"), "ServerDisconnectedError: cut", False, id="cut"),
        pytest.param(aiohttp.ClientPayloadError(""), "ClientPayloadError", False, id="half an answer"),
    ],
)
def test_transient_failure_says_what_it_was(error, message, unreachable):
    fault = transient_failure(error, 2.5)
    assert (str(fault), fault.is_down, fault.unreachable) == (message, True, unreachable)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("", None), ("1e999", float("inf"))],
)
def test_retry_after_seconds(value, seconds):
    assert retry_after(value) == seconds


@pytest.mark.parametrize("usegmt", [True, False])
def test_retry_after_date_is_counted_from_now(usegmt):
    moment = datetime.now(timezone.utc) + timedelta(seconds=3600)
    assert 3500 < (retry_after(format_datetime(moment, usegmt=usegmt)) or 0) <= 3600
    assert retry_after("Fri, 01 Jan 2021 00:00:00 -0000") == 0.0


def state(error: BaseException | None) -> SimpleNamespace:
    outcome = None if error is None else SimpleNamespace(exception=lambda: error)
    return SimpleNamespace(outcome=outcome, attempt_number=1)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (None, 7.0),
        (TransientError("x"), 7.0),
        (TransientError("x", retry_after_s=30.0), 31.0),
        (TransientError("x", retry_after_s=0.0), 1.0),
    ],
)
def test_seconds_to_wait_is_a_little_more_than_asked_for(monkeypatch, error, seconds):
    monkeypatch.setattr(retry, "BACKOFF", wait_fixed(7))
    assert seconds_to_wait(state(error)) == seconds
