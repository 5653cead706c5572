"""The key: where it comes from, that it goes to the configured host, and that it goes nowhere else."""

import asyncio
import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Judge, Pair
from speciarl_verl.server_client.endpoint import Endpoint

KEY = "sk-Secret-4711-abc"
PAIR = Pair("sparrow", "House Sparrow")


@pytest.fixture(params=["environment", "file"])
def named(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The setting that names where the key is."""
    if request.param == "environment":
        monkeypatch.setenv("JUDGE_KEY", f" {KEY}\n")
        return {"api_key_env": "JUDGE_KEY"}
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    return {"api_key_file": str(tmp_path / "key.txt")}


def everything_in(thing: object, depth: int = 6, seen: set[int] | None = None) -> str:
    """The `repr` of an object and of what it holds, deeper than anyone prints."""
    seen = set() if seen is None else seen
    if depth == 0 or id(thing) in seen or isinstance(thing, Endpoint | str | type):
        return repr(thing)
    seen.add(id(thing))
    held = list(thing.values()) if isinstance(thing, dict) else list(getattr(thing, "__dict__", {}).values())
    return " ".join([repr(thing), *(everything_in(part, depth - 1, seen) for part in held)])


def story_of(error: BaseException) -> str:
    """What a traceback of it prints, its causes included."""
    return "".join(traceback.format_exception(error))


def judge_of(url: str, cache: Path, ledger: Ledger | None = None, **settings: Any) -> Judge:
    config = ServerJudgeConfig(url=url, cache=str(cache), timeout_s=5, **{"budget_s": 5, **settings})
    assert KEY not in f"{config!r} {config.model_dump_json()}"
    return build_judge(config, ledger)


async def test_judge_key_is_sent_and_is_in_no_log_repr_or_cache(fake, named, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    ledger = Ledger()
    judge = judge_of(fake.url, tmp_path / "cache" / "verdicts.sqlite", ledger, **named)
    await judge.check()
    for number in range(5):
        await judge.judge(Pair(f"bird {number}", "House Sparrow"))
    assert {request.headers["authorization"] for request in fake.requests} == {f"bearer {KEY.lower()}"}
    assert not any(KEY in json.dumps(request.body) for request in fake.requests)
    assert KEY not in everything_in(judge)
    await judge.close()
    files = [file for file in (tmp_path / "cache").iterdir() if file.is_file()]
    assert any(b"bird 4" in file.read_bytes() for file in files)
    assert not any(KEY.encode() in file.read_bytes() for file in files)
    account = ledger.account()
    assert KEY not in f"{account.to_json()} {account.lines()} {account!r}"
    assert KEY not in caplog.text
    assert fake.url in caplog.text


FAULTS = [
    pytest.param(lambda fake: fake.reply(401, f"invalid key {KEY}".encode()), id="401"),
    pytest.param(lambda fake: fake.reply(400, json.dumps({"error": f"bad {KEY}"}).encode()), id="400"),
    pytest.param(lambda fake: fake.reply(500, f"{'x' * 290}{KEY}".encode()), id="500, cut in the key"),
    pytest.param(lambda fake: fake.reply(429, f"slow down, {KEY}".encode()), id="429"),
    pytest.param(
        lambda fake: fake.reply(200, json.dumps({"error": {"message": f"quota of {KEY} spent"}}).encode()),
        id="200 with an error",
    ),
    pytest.param(lambda fake: fake.says(f"your key is {KEY}"), id="off the menu"),
    pytest.param(lambda fake: fake.reply(200, f"<html>{KEY}".encode()), id="not JSON"),
    pytest.param(lambda fake: fake.reply(307, b"", Location=f"http://127.0.0.1:1/?key={KEY}"), id="redirect"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_judge_server_that_quotes_the_key_back_spreads_it_nowhere(fake, named, tmp_path, caplog, fault):
    caplog.set_level(logging.DEBUG)
    # The HTTP library's own debugging shows what servers send, and is not ours to edit.
    caplog.set_level(logging.WARNING, logger="aiohttp")
    judge = judge_of(fake.url, tmp_path / "verdicts.sqlite", budget_s=0.3, **named)
    fake.script.extend([fault(fake)] * 1000)
    with pytest.raises(JudgeError) as error:
        await judge.judge(PAIR)
    with pytest.raises(JudgeError) as checked:
        await judge.check()
    await judge.close()
    for shown in (story_of(error.value), story_of(checked.value), caplog.text):
        assert KEY not in shown
        assert KEY[:12] not in shown
    assert KEY.encode() not in (tmp_path / "verdicts.sqlite").read_bytes()


async def test_judge_server_not_there_is_reported_without_the_key(named, tmp_path, caplog, unused_tcp_port):
    caplog.set_level(logging.DEBUG)
    judge = judge_of(f"http://127.0.0.1:{unused_tcp_port}", tmp_path / "verdicts.sqlite", budget_s=0.3, **named)
    with pytest.raises(JudgeError) as error:
        await judge.judge(PAIR)
    await judge.close()
    assert KEY not in f"{story_of(error.value)} {caplog.text}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("page", ["/v1/models", "/v1/chat/completions"])
async def test_judge_redirect_to_another_host_is_not_followed(fake, named, tmp_path, status, page):
    visited: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visited.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    other = await asyncio.start_server(listen, "127.0.0.1", 0)
    place = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}{page}"
    usual = fake._pick
    fake._pick = lambda path: fake.reply(status, b"", Location=place) if path == page else usual(path)
    judge = judge_of(fake.url, tmp_path / "verdicts.sqlite", **named)
    with pytest.raises(JudgeError, match=f"HTTP {status}.*Redirects are not followed"):
        await judge.judge(PAIR)
    await judge.close()
    other.close()
    assert visited == []
    assert any(request.path == page for request in fake.requests)


@pytest.mark.parametrize("field", ["api_key_env", "cache_password_env"])
def test_config_key_in_place_of_a_name_is_refused_and_not_quoted(field):
    with pytest.raises(ValueError, match="never the secret itself") as error:
        ServerJudgeConfig(**{field: KEY})
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": f"http://me:{KEY}@h:1"},
        {"url": f"http://h:1/?key={KEY}"},
        {"url": f"http://h:1/v1?api-version=1&subscription-key={KEY}"},
        {"url": f"http://h:1/v1#{KEY}"},
        {"cache": f"redis://:{KEY}@h:1/0"},
        {"cache": f"redis://h:1/0?password={KEY}"},
    ],
)
def test_config_secret_in_a_url_is_refused_and_not_quoted(settings):
    with pytest.raises(ValueError, match="no credentials") as error:
        ServerJudgeConfig(**settings)
    assert KEY not in str(error.value)
