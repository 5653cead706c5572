"""What is found out about a server, and what is gone on with where it says nothing."""

import json

import pytest

from speciarl_verl.server_client.discovery import Dialect, Service, dialect_fields, find_service
from speciarl_verl.server_client.failure import ServerError, ServerFailureError
from tests.judge.fake_server import FakeServer, models
from tests.server_client.names import at


async def found(fake: FakeServer, model: str | None = None, **pages: object) -> Service:
    fake.pages = {path: page for path, page in pages.items() if page is not None}
    return await find_service(at(fake.url), model, timeout_s=60)


def cards(*entries: object) -> dict[str, object]:
    return {"object": "list", "data": list(entries)}


@pytest.mark.parametrize("dialect", [Dialect.SGLANG, Dialect.VLLM])
async def test_find_service_by_its_owner(fake, dialect):
    page = cards({"id": "m", "owned_by": dialect.value, "root": "/weights/m"})
    assert await found(fake, **{"/v1/models": page}) == Service(dialect, "m", "/weights/m", ("m",))


@pytest.mark.parametrize("path", ["/model_info", "/get_model_info"])
async def test_find_service_sglang_gateway_by_its_model_info(fake, path):
    service = await found(fake, **{"/v1/models": models("self"), path: {"model_path": "/weights/m"}})
    assert (service.dialect, service.weights) == (Dialect.SGLANG, "/weights/m")


async def test_find_service_vllm_by_its_version_only_where_nothing_is_listed(fake):
    version = {"/version": {"version": "0.24.0"}}
    assert (await found(fake, "m", **version)).dialect is Dialect.VLLM
    assert (await found(fake, **{"/v1/models": models("someone"), **version})).dialect is Dialect.OTHER


SAYS_NOTHING = [
    pytest.param(FakeServer.reply(401, b'{"error": "no key"}'), id="401"),
    pytest.param(FakeServer.reply(400, b"bad request"), id="400"),
    pytest.param(FakeServer.reply(403), id="403"),
    pytest.param(FakeServer.reply(404), id="404"),
    pytest.param(FakeServer.reply(500, b"boom"), id="500"),
    pytest.param(FakeServer.reply(307, Location="http://127.0.0.1:1"), id="redirect"),
    pytest.param(FakeServer.reply(200, b"<html>Welcome</html>"), id="HTML"),
    pytest.param(FakeServer.reply(200, b""), id="nothing"),
    pytest.param(FakeServer.reply(200, b"[]"), id="an empty bare list"),
    pytest.param(FakeServer.reply(200, b'["m", "n"]'), id="a bare list of names"),
    pytest.param(FakeServer.reply(200, b'{"models": ["m"]}'), id="another shape"),
    pytest.param(FakeServer.reply(200, b'{"data": {"m": 1}}'), id="data that is no list"),
    pytest.param(FakeServer.reply(200, b'{"error": "not here"}'), id="200 with an error"),
    pytest.param(FakeServer.reply(200, b"[" * 100_000), id="nested without an end"),
]


@pytest.mark.parametrize("reply", SAYS_NOTHING)
async def test_s1_named_model_needs_no_list(fake, reply):
    fake._pick = lambda path: reply if path == "/v1/models" else fake.reply(404)
    assert await find_service(at(fake.url), "mine", timeout_s=60) == Service(Dialect.OTHER, "mine")


@pytest.mark.parametrize("reply", SAYS_NOTHING)
async def test_s1_without_a_name_the_list_is_needed_and_the_cure_named(fake, reply):
    fake._pick = lambda path: reply if path == "/v1/models" else fake.reply(404)
    with pytest.raises(ServerError, match="--model") as error:
        await find_service(at(fake.url), None, timeout_s=60)
    assert fake.url in str(error.value)


async def test_s1_bare_list_of_cards_is_a_list(fake):
    body = json.dumps([{"id": "m", "type": "chat"}, {"id": "n"}]).encode()
    fake._pick = lambda path: fake.reply(200, body) if path == "/v1/models" else fake.reply(404)
    assert await find_service(at(fake.url), None, timeout_s=60) == Service(Dialect.OTHER, "m", None, ("m", "n"))


async def test_find_service_that_is_not_there_is_an_error_though_the_model_is_named(unused_tcp_port):
    with pytest.raises(ServerFailureError, match="cannot connect") as error:
        await find_service(at(f"http://127.0.0.1:{unused_tcp_port}"), "m", timeout_s=60)
    assert error.value.unreachable


@pytest.mark.parametrize(
    "first",
    [
        {"id": "text-embedding-3-small"},
        {"id": "BAAI/bge-m3"},
        {"id": "intfloat/e5-large"},
        {"id": "Qwen/Qwen3-Reranker-8B"},
        {"id": "whisper-1"},
        {"id": "tts-1"},
        {"id": "omni-moderation-latest"},
        {"id": "plain", "type": "embedding"},
        {"id": "plain", "task": "rerank"},
    ],
    ids=lambda card: f"{card['id']} {card.get('type', '')}",
)
async def test_embedding_model_listed_first_is_passed_over(fake, first):
    service = await found(fake, **{"/v1/models": cards(first, {"id": "Qwen/Qwen3-30B"})})
    assert service.model == "Qwen/Qwen3-30B"
    # Named, it is asked for; and so it is where there is nothing else, as a name may mislead.
    assert (await found(fake, str(first["id"]), **{"/v1/models": cards(first)})).model == first["id"]
    assert (await found(fake, **{"/v1/models": cards(first)})).model == first["id"]


@pytest.mark.parametrize("name", ["Qwen/Qwen3-30B", "/models/judge", "gpt-4o", "clippy", "llama3:latest", "pieces"])
async def test_model_that_chats_is_not_passed_over(fake, name):
    assert (await found(fake, **{"/v1/models": cards({"id": name}, {"id": "other"})})).model == name


@pytest.mark.parametrize(
    ("listed", "served"),
    [((), True), (("m",), True), (("m:latest", "n"), True), (("n", "m2"), False), (("M",), False)],
)
def test_lists_model_goes_by_the_whole_name(listed, served):
    assert Service(Dialect.OTHER, "m", None, listed).lists_model is served


async def test_cards_of_another_shape_are_passed_over(fake):
    odd = {"id": "m", "owned_by": 3, "root": ["x"], "type": None}
    assert await found(fake, **{"/v1/models": cards("text", {"name": "x"}, odd)}) == Service(
        Dialect.OTHER, "m", None, ("m",)
    )


def test_dialect_fields_hold_each_kind_in_its_own_way():
    direct = {"chat_template_kwargs": {"enable_thinking": False}}
    assert dialect_fields(Dialect.SGLANG, ["a", "b c"]) == {"regex": "(a|b c)", **direct}
    assert dialect_fields(Dialect.VLLM, ["a", "b c"]) == {"structured_outputs": {"choice": ["a", "b c"]}, **direct}
    assert dialect_fields(Dialect.OTHER, ["a"]) == {}
