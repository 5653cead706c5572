"""How a run finds the judge that verl hosts; verl's own reward worker, router and manager, a scripted server behind."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from speciarl_verl.config.schema import parse_config
from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import HostedJudgeConfig, ServerJudgeConfig
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.plugin.locate_judge import check_hosted, locate, with_judge
from speciarl_verl.preflight.compose import compose_config
from tests.config.test_hosted_judge_checks import HOSTED_CPU
from tests.judge.fake_server import FakeServer, models

HOSTED = HostedJudgeConfig(model="m", prompt="strict", max_concurrency=7, timeout_s=5, budget_s=5, cache="memory")


def reward_worker(address: str | None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A handle on verl's own reward worker, as Ray gives it, without Ray."""
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker

    monkeypatch.setattr(RewardLoopWorker, "_init_reward_fn", lambda self: None)
    worker = RewardLoopWorker(None, address)

    async def call(function: Any) -> Any:
        return function(worker)

    return SimpleNamespace(__ray_call__=SimpleNamespace(remote=call))


@pytest.fixture
async def vllm() -> AsyncIterator[FakeServer]:
    """A server that calls itself vLLM."""
    server = FakeServer(pages={"/v1/models": models("vllm")})
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield server
    listener.close()


@contextmanager
def verl_router(worker_url: str) -> Iterator[str]:
    """verl's router before one server; gives its address as verl does, without a scheme."""
    import uvicorn
    from verl.experimental.reward_loop.router.naive_router import NaiveRouter

    app = NaiveRouter(worker_urls=[worker_url]).app
    router = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=router.run)
    thread.start()
    while not router.started:
        assert thread.is_alive()
    yield "{}:{}".format(*router.servers[0].sockets[0].getsockname())
    router.should_exit = True
    thread.join()


async def test_address_comes_from_verl_s_reward_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = await locate(HOSTED, [reward_worker("[fd00::1]:4711", monkeypatch)])
    assert judge == ServerJudgeConfig(**{**HOSTED.model_dump(), "name": "server"}, url="http://[fd00::1]:4711")


@pytest.mark.parametrize("hosts", [True, False], ids=["no model hosted", "no workers"])
async def test_run_in_which_verl_hosts_nothing_is_refused(hosts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JudgeError, match=r"verl hosts no judge: reward\.reward_model\.enable"):
        await locate(HOSTED, [reward_worker(None, monkeypatch)] if hosts else [])


def test_agent_loops_get_a_server_judge_and_the_run_keeps_its_own_configuration() -> None:
    config = compose_config(HOSTED_CPU)
    copy = with_judge(config, HOSTED.at("http://h:1"))
    assert parse_config(OmegaConf.to_container(copy.speciarl, resolve=True)).judge == HOSTED.at("http://h:1")
    assert config.speciarl.judge.name == "hosted"
    del copy.speciarl.judge, config.speciarl.judge
    assert copy == config


def test_hosted_judge_cannot_be_built_where_nobody_knows_its_address() -> None:
    with pytest.raises(JudgeError, match=r"agent_loop_manager_class=speciarl_verl\.plugin\.agent_loop_manager"):
        build_judge(HOSTED)


async def test_server_is_recognised_and_constrained_through_verl_s_router(vllm: FakeServer) -> None:
    with verl_router(vllm.url) as address:
        judge = build_judge(HOSTED.at(f"http://{address}"))
        verdict = await judge.judge(Pair("warbler", "Golden winged Warbler"))
        assert verdict.category.label == vllm.answer
        assert "structured_outputs" in vllm.chats[0].body
        assert vllm.chats[0].body["model"] == "m"
        await judge.close()


async def test_refusal_of_a_server_behind_verl_s_router_is_an_error_that_names_the_router(vllm: FakeServer) -> None:
    # The router makes a 500 without a word of any refusal, so it is retried until the check gives up.
    vllm.script.extend([vllm.reply(400, b"no such model")] * 1000)
    message = r"HTTP 500.*check reward\.reward_model\.model_path"
    with verl_router(vllm.url) as address, pytest.raises(JudgeError, match=rf"{address}.*{message}"):
        await check_hosted(HOSTED.at(f"http://{address}"))


@pytest.mark.parametrize("alive", [True, False])
async def test_manager_asks_the_hosted_judge_before_the_first_step(
    alive: bool, vllm: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ

    from speciarl_verl.plugin.agent_loop_manager import SpeciaRLAgentLoopManager

    started: list[str] = []

    async def start_workers(manager: Any) -> None:
        started.append(manager.config.speciarl.judge.url)

    monkeypatch.setattr(AgentLoopManagerTQ, "_init_agent_loop_workers", start_workers)
    address = vllm.url.removeprefix("http://") if alive else "127.0.0.1:1"
    config = compose_config([*HOSTED_CPU, "speciarl.judge.cache=memory"])
    # Created as main_ppo does: from a thread without an event loop, every argument by its name.
    created = asyncio.to_thread(
        SpeciaRLAgentLoopManager.create,
        config=config,
        llm_client=None,
        teacher_client=None,
        reward_loop_worker_handles=[reward_worker(address, monkeypatch)],
    )
    if not alive:
        with pytest.raises(JudgeError, match=r"http://127\.0\.0\.1:1"):
            await created
        assert not started
        return
    manager = await created
    assert isinstance(manager, SpeciaRLAgentLoopManager)
    assert started == [vllm.url]
    assert len(vllm.chats) == 1
