"""The server judge and the kinds of server: how each is known, what it is sent, where keys and addresses go."""

import asyncio
import logging
import os

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category

PAIR = Pair("Golden-winged Warbler", "Golden winged Warbler")


async def test_judge_vllm_is_sent_structured_outputs(fake, make_judge, models_page):
    fake.pages = {"/v1/models": models_page("vllm")}
    await make_judge().judge(PAIR)
    body = fake.chats[0].body
    assert body["structured_outputs"] == {"choice": [category.label for category in Category]}
    assert "regex" not in body


async def test_judge_other_server_is_sent_standard_fields_only(fake, make_judge, models_page):
    fake.pages = {"/v1/models": models_page("system"), "/version": {"version": "1"}}
    await make_judge().judge(PAIR)
    assert set(fake.chats[0].body) == {"model", "messages", "temperature", "max_tokens"}


async def test_judge_other_server_off_menu_says_that_it_is_unconstrained(fake, make_judge, models_page):
    fake.pages = {"/v1/models": models_page("system")}
    fake.answer = "I think it is specific"
    with pytest.raises(JudgeError, match="not held to the menu"):
        await make_judge().judge(PAIR)


@pytest.mark.parametrize("path", ["/model_info", "/get_model_info"])
async def test_judge_sglang_gateway_is_known_by_its_model_info(fake, make_judge, models_page, path):
    fake.pages = {"/v1/models": models_page("self"), path: {"model_path": "/models/judge"}}
    await make_judge().judge(PAIR)
    assert "regex" in fake.chats[0].body


async def test_judge_vllm_without_model_list_is_known_by_its_version(fake, make_judge):
    fake.pages = {"/version": {"version": "0.24.0"}}
    await make_judge(model="judge-model").judge(PAIR)
    assert "structured_outputs" in fake.chats[0].body


async def test_judge_configured_model_is_asked_for(fake, make_judge):
    await make_judge(model="another").judge(PAIR)
    assert fake.chats[0].body["model"] == "another"


@pytest.mark.parametrize("pages", [{}, {"/v1/models": {"data": []}}], ids=["no list", "empty list"])
async def test_judge_no_model_anywhere_names_the_setting(fake, make_judge, pages):
    fake.pages = pages
    with pytest.raises(JudgeError, match=r"judge\.model"):
        await make_judge().judge(PAIR)


async def test_judge_url_with_a_path_is_the_api_itself(fake, make_judge):
    await make_judge(url=f"{fake.url}/openai/v9/", model="m").judge(PAIR)
    assert fake.chats[0].path == "/openai/v9/chat/completions"


async def test_judge_url_ending_in_v1_probes_the_server_above_it(fake, make_judge):
    fake.pages = {"/model_info": {"model_path": "m"}}
    await make_judge(url=f"{fake.url}/v1", model="m").judge(PAIR)
    assert "regex" in fake.chats[0].body


async def test_judge_key_goes_into_the_header_and_nowhere_else(fake, make_judge, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("JUDGE_KEY", "sk-secret-123")
    judge = make_judge(api_key_env="JUDGE_KEY", budget_s=1)
    monkeypatch.delenv("JUDGE_KEY")
    fake.script.extend([fake.reply(500, b"your key sk-secret-123 is fine")] * 50)
    with pytest.raises(JudgeError) as error:
        await judge.judge(PAIR)
    assert {request.headers["authorization"] for request in fake.requests} == {"bearer sk-secret-123"}
    assert "JUDGE_KEY" not in os.environ
    assert "sk-secret-123" not in f"{error.value} {caplog.text} {judge!r} {vars(judge)}"


@pytest.mark.parametrize(
    ("value", "message"), [(None, "not set"), ("  ", "not set"), ("sk-\u00e9", "characters"), ("a\nb", "characters")]
)
def test_build_judge_unusable_key_names_the_variable(monkeypatch, value, message):
    if value is None:
        monkeypatch.delenv("JUDGE_KEY", raising=False)
    else:
        monkeypatch.setenv("JUDGE_KEY", value)
    with pytest.raises(JudgeError, match=f"JUDGE_KEY.*{message}"):
        build_judge(ServerJudgeConfig(url="http://127.0.0.1:1", api_key_env="JUDGE_KEY"))


async def test_judge_no_key_sends_no_authorization(fake, make_judge):
    await make_judge().judge(PAIR)
    assert all("authorization" not in request.headers for request in fake.requests)


@pytest.mark.parametrize(("proxy", "through"), [(False, 0), (True, 1)])
async def test_judge_goes_through_a_proxy_only_when_told(fake, make_judge, monkeypatch, proxy, through):
    passed = []

    async def refuse(reader, writer):
        passed.append(await reader.readline())
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    judge = make_judge(proxy=proxy, budget_s=0.5)
    if proxy:
        with pytest.raises(JudgeError):
            await judge.judge(PAIR)
    else:
        assert (await judge.judge(PAIR)).category is Category.SPECIFIC
    assert min(len(passed), 1) == through
    listener.close()


@pytest.mark.parametrize("page", [401, 400, 500, "<html>", "[]"])
async def test_s1_judge_with_a_named_model_needs_no_list_of_models(fake, make_judge, page):
    listing = fake.reply(page, b"no") if isinstance(page, int) else fake.reply(200, page.encode())
    usual = fake._pick
    fake._pick = lambda path: listing if path == "/v1/models" else usual(path)
    judge = make_judge(model="mine", budget_s=1)
    await judge.check()
    assert (await judge.judge(PAIR)).category is Category.SPECIFIC
    # A server of no known kind gets OpenAI's own fields only.
    assert set(fake.chats[0].body) == {"model", "messages", "temperature", "max_tokens"}
    with pytest.raises(JudgeError, match=r"speciarl\.judge\.model"):
        await make_judge(budget_s=1).judge(PAIR)


async def test_s4_judge_that_thinks_nothing_aloud_is_understood(fake, make_judge):
    fake.answer = "<think>\n\n</think>\n\nspecific"
    assert (await make_judge().judge(PAIR)).category is Category.SPECIFIC


async def test_s4_judge_that_only_thinks_is_told_how_to_stop(fake, make_judge, models_page):
    fake.pages = {"/v1/models": models_page("someone")}
    fake.answer = "<think>\nLet me see: a sparrow"
    with pytest.raises(JudgeError, match=r"thinks first.*speciarl\.judge\..*extra_body"):
        await make_judge().judge(PAIR)


@pytest.mark.parametrize(
    ("settings", "sent", "absent"),
    [
        ({}, {"temperature": 0, "max_tokens": 16}, {"max_completion_tokens"}),
        ({"temperature": None}, {"max_tokens": 16}, {"temperature"}),
        ({"max_tokens_key": "max_completion_tokens"}, {"max_completion_tokens": 16}, {"max_tokens"}),
        ({"max_tokens_key": "none"}, {}, {"max_tokens", "max_completion_tokens"}),
        (
            {"max_tokens_key": "none", "extra_body": {"max_completion_tokens": 512, "reasoning_effort": "low"}},
            {"max_completion_tokens": 512, "reasoning_effort": "low"},
            {"max_tokens"},
        ),
        ({"extra_body": {"max_tokens": 99, "seed2": {"a": [1]}}}, {"max_tokens": 99, "seed2": {"a": [1]}}, set()),
    ],
)
async def test_s5_request_is_what_the_server_takes(fake, make_judge, settings, sent, absent):
    await make_judge(**settings).judge(PAIR)
    body = fake.chats[0].body
    assert {name: body.get(name) for name in sent} == sent
    assert not absent & body.keys()


async def test_s5_server_that_refuses_a_field_is_told_with_the_keys(fake, make_judge):
    fake.script.append(fake.reply(400, b"Unsupported parameter: 'max_tokens'; use 'max_completion_tokens'"))
    with pytest.raises(JudgeError, match=r"speciarl\.judge\.max_tokens_key, temperature and extra_body"):
        await make_judge().judge(PAIR)


async def test_s6_judge_keeps_the_query_of_its_url(fake, make_judge):
    await make_judge(url=f" {fake.url}/openai/deployments/d?api-version=2024-10-21", model="d").judge(PAIR)
    assert fake.requests[-1].path == "/openai/deployments/d/chat/completions?api-version=2024-10-21"
