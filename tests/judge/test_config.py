import pytest
from pydantic import TypeAdapter, ValidationError

from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.config import JudgeConfig, ServerJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.protocol import JudgeError
from speciarl_verl.judge.server import ServerJudge
from speciarl_verl.judge.taxonomy import TaxonomyJudge

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
    ],
)
def test_judge_config_nonsense_is_refused(settings):
    with pytest.raises(ValidationError):
        adapter.validate_python(settings)


def test_judge_config_rejected_credentials_are_not_quoted():
    with pytest.raises(ValidationError) as error:
        ServerJudgeConfig(url="http://me:secret@h:1")
    assert "secret" not in str(error.value)


def test_build_judge_makes_what_is_named(tmp_path):
    assert isinstance(build_judge(TaxonomyJudgeConfig()), TaxonomyJudge)
    assert isinstance(build_judge(ServerJudgeConfig(url="http://127.0.0.1:1")), ServerJudge)


def test_build_judge_taxonomy_by_path(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"name": "mine", "labels": {"x": {}}}', encoding="utf-8")
    assert isinstance(build_judge(TaxonomyJudgeConfig(taxonomy=str(path))), TaxonomyJudge)


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
