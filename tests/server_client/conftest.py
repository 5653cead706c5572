"""Clients of an endpoint, closed after the test, and one exchange with it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from speciarl_verl.server_client.transport import Patience, Transport
from tests.server_client.names import at

PATIENT = Patience(timeout_s=60, budget_s=60, retry_s=60)


@pytest.fixture
async def open_transport() -> AsyncIterator[Callable[..., Transport]]:
    """Opens clients of an endpoint, and closes them."""
    opened = []

    def of(url: str, counter: Any = None, proxy: bool = False, **key: str) -> Transport:
        opened.append(Transport(at(url, **key), 4, counter, proxy))
        return opened[-1]

    yield of
    for transport in opened:
        await transport.close()


async def chat(transport: Transport, patience: Patience = PATIENT, read: Any = lambda body: body) -> Any:
    return await transport.chat({"messages": []}, read, patience)
