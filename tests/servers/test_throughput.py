"""Exactly what a training step costs in calls; how fast they are is for `python -m tests.benchmarks --only e`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source
from tests.benchmarks.judge_client import fixed_latency_server
from tests.servers.traffic import step

pytestmark = pytest.mark.servers


@pytest.fixture
def url() -> Iterator[str]:
    with fixed_latency_server(0.2) as address:
        yield address


async def test_step_costs_one_call_for_each_distinct_uncached_pair(url: str, tmp_path: Path) -> None:
    first, second = step(seed=1), step(seed=2)
    config = ServerJudgeConfig(url=url, cache=str(tmp_path / "cache.sqlite"), max_concurrency=64)
    seen: set[Pair] = set()
    calls = 0
    for pairs in (first, second, first):
        ledger = Ledger()
        judge = build_judge(config, ledger)
        await asyncio.gather(*(judge.judge(pair) for pair in pairs))
        await judge.close()
        new = set(pairs) - seen
        seen |= new
        calls += len(new)
        account = ledger.account()
        assert account.asked == len(pairs) == 2560
        assert account.sent == account.decided.get(Source.SERVER, 0) == len(new)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/count")).json()["count"] == calls
    assert len(set(first)) < len(first)
