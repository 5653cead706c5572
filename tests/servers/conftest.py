"""The miniature judge and its server, shared by the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.serving import SGLANG, VLLM, Serving


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Imports torch, which most of a run's processes need not.
    from tests.servers.miniature import write_model

    return write_model(tmp_path_factory.mktemp("judge") / "model")


@pytest.fixture(scope="module", params=[pytest.param(SGLANG, id="sglang"), pytest.param(VLLM, id="vllm")])
def serving(request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A running server."""
    server = Serving(request.param, model, tmp_path_factory.mktemp("server") / "server.log")
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.purge()
