import asyncio

import pytest
from pydantic import TypeAdapter, ValidationError

from speciarl_verl.config.schema import parse_config
from speciarl_verl.errors import ConfigError, JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import JudgeConfig, ServerJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category
from speciarl_verl.server_client.failure import ServerError

adapter = TypeAdapter(JudgeConfig)


def test_judge_config_name_picks_the_kind():
    assert adapter.validate_python({"name": "taxonomy"}) == TaxonomyJudgeConfig(taxonomy="cub")
    assert adapter.validate_python({"name": "server", "url": "http://h:1/"}) == ServerJudgeConfig(url="http://h:1")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"name": "oracle"}, id="unknown judge"),
        pytest.param({"taxonomy": "cub"}, id="no name"),
        pytest.param({"name": "taxonomy", "url": "http://h:1"}, id="another judge's key"),
        pytest.param({"name": "server", "timeout_s": 0}, id="no timeout"),
        pytest.param({"name": "server", "budget_s": -1}, id="negative budget"),
        pytest.param({"name": "server", "budget_s": float("inf")}, id="endless budget"),
        pytest.param({"name": "server", "max_concurrency": 0}, id="no place"),
        pytest.param({"name": "server", "url": "localhost:30000"}, id="no scheme"),
        pytest.param({"name": "server", "url": "http://"}, id="no host"),
        pytest.param({"name": "server", "url": "http://me:secret@h:1"}, id="credentials"),
        pytest.param({"name": "server", "url": "http://h:1?key=secret"}, id="query"),
        pytest.param({"name": "server", "url": "http://h:port"}, id="port of letters"),
        pytest.param({"name": "server", "url": "http://h:1?api-version=1&token=secret"}, id="a secret in the query"),
        pytest.param({"name": "server", "output": "essay"}, id="unknown output"),
        pytest.param({"name": "server", "temperature": -1}, id="negative temperature"),
        pytest.param({"name": "server", "max_tokens_key": "max_len"}, id="unknown name of the limit"),
        pytest.param({"name": "server", "extra_body": {"messages": []}}, id="another question"),
        pytest.param({"name": "server", "extra_body": {"temperature": 1}}, id="a field with a key of its own"),
        pytest.param({"name": "server", "extra_body": [1]}, id="fields that are none"),
        pytest.param({"name": "server", "cache": ""}, id="no cache"),
        pytest.param({"name": "server", "cache": "mysql://h/1"}, id="unknown cache"),
        pytest.param({"name": "server", "cache": "redis://:secret@h/1"}, id="credentials of the cache"),
        pytest.param({"name": "server", "votes": {"calls": 0}}, id="no call"),
        pytest.param({"name": "server", "votes": {"calls": 3, "prompts": ["strict", "binary"]}}, id="two votes"),
        pytest.param({"name": "server", "votes": {"prompts": ["strict"]}}, id="a vote of one"),
        pytest.param({"name": "server", "votes": {"calls": 3, "temperature": 0}}, id="calls that cannot differ"),
        pytest.param({"name": "server", "api_key_env": "sk-secret"}, id="the key itself"),
        pytest.param({"name": "server", "api_key_env": "A", "api_key_file": "b"}, id="two keys"),
    ],
)
def test_judge_config_nonsense_is_refused(settings):
    with pytest.raises(ValidationError):
        adapter.validate_python(settings)


@pytest.mark.parametrize(
    "settings", [{"url": "http://me:secret@h:1"}, {"api_key_env": "sk-secret"}, {"cache": "redis://:secret@h/1"}]
)
def test_judge_config_rejected_secrets_are_not_quoted(settings):
    with pytest.raises(ValidationError) as error:
        ServerJudgeConfig(**settings)
    assert "secret" not in str(error.value).replace("(never the secret itself)", "")
    with pytest.raises(ConfigError) as refusal:
        parse_config({"judge": {"name": "server", **settings}})
    assert "secret" not in str(refusal.value).replace("(never the secret itself)", "")


async def test_build_judge_taxonomy_by_name_and_by_path(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"name": "mine", "labels": {"x": {}}}', encoding="utf-8")
    for taxonomy, label in (("cub", "Blue Jay"), (str(path), "x")):
        ledger = Ledger()
        verdict = await build_judge(TaxonomyJudgeConfig(taxonomy=taxonomy), ledger).judge(Pair(label, label))
        assert verdict == Verdict(Category.SPECIFIC, Source.TAXONOMY)
        assert ledger.account().decided == {Source.TAXONOMY: 1}


async def test_build_judge_server_failure_is_counted(unused_tcp_port):
    ledger = Ledger()
    url = f"http://127.0.0.1:{unused_tcp_port}"
    judge = build_judge(ServerJudgeConfig(url=url, cache="memory", budget_s=0.2), ledger)
    with pytest.raises(JudgeError, match=url):
        await judge.judge(Pair("sparrow", "House Sparrow"))
    await judge.close()
    assert (ledger.account().asked, ledger.account().failed) == (1, 1)


async def test_build_judge_fast_path_can_be_switched_off(fake):
    for fast_path, source in ((True, Source.FAST_PATH), (False, Source.SERVER)):
        judge = build_judge(ServerJudgeConfig(url=fake.url, cache="memory", fast_path=fast_path))
        assert (await judge.judge(Pair("the blue-jay", "Blue Jay"))).source is source
        await judge.close()
    assert len(fake.chats) == 1


async def test_build_judge_probe_of_the_fast_path_asks_past_the_cache(fake):
    ledger = Ledger()
    judge = build_judge(ServerJudgeConfig(url=fake.url, cache="memory", fast_path_probe=1.0), ledger)
    for _ in range(3):
        assert (await judge.judge(Pair("the blue-jay", "Blue Jay"))).source is Source.FAST_PATH
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=30)
    await judge.close()
    assert ledger.probed == 3
    assert len(fake.chats) == 3


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(ServerJudgeConfig(), r"judge\.url", id="no url"),
        pytest.param(ServerJudgeConfig(url="http://h:1", prompt="loose"), "'loose'.*strict", id="unknown prompt"),
        pytest.param(TaxonomyJudgeConfig(taxonomy="cup"), "'cup'.*cub", id="unknown taxonomy"),
    ],
)
def test_build_judge_missing_piece_is_named(config, message):
    with pytest.raises(JudgeError, match=message):
        build_judge(config)


def test_judge_config_is_a_key_with_all_its_fields():
    one, same, other = (ServerJudgeConfig(extra_body=fields) for fields in ({"a": [1]}, {"a": [1]}, {"a": [2]}))
    assert {one: 1}[same] == 1
    assert other not in {one: 1}


def test_s6_url_is_kept_with_its_version_and_without_white_space():
    assert ServerJudgeConfig(url=" https://h/x?api-version=1\n").url == "https://h/x?api-version=1"


def test_endpoint_without_a_url_names_the_key():
    with pytest.raises(ServerError, match=r"speciarl\.judge\.url"):
        ServerJudgeConfig().endpoint()
