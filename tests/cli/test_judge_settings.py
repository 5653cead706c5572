import pytest
import typer
from typer.testing import CliRunner

from speciarl_verl.cli.judge_flags import JudgeName, JudgeSettings, JudgeUrl
from speciarl_verl.cli.judge_settings import judge_config
from speciarl_verl.errors import InputError
from speciarl_verl.judge.judge_config import ServerJudgeConfig, TaxonomyJudgeConfig


def test_judge_config_defaults_are_the_configurations_own():
    assert judge_config("taxonomy") == TaxonomyJudgeConfig()
    assert judge_config("server", "http://h:1/") == ServerJudgeConfig(url="http://h:1")


def test_judge_config_settings_are_yaml_values():
    config = judge_config(
        "server", "http://h:1", ["timeout_s=2.5", "max_concurrency=8", "prompt=binary", "model=null", "fast_path=false"]
    )
    assert config == ServerJudgeConfig(
        url="http://h:1", timeout_s=2.5, max_concurrency=8, prompt="binary", model=None, fast_path=False
    )


def test_judge_config_value_may_hold_an_equals_sign():
    assert judge_config("server", None, ["model=a=b"]) == ServerJudgeConfig(model="a=b")


def test_judge_config_dots_reach_nested_keys():
    config = judge_config("server", None, ["votes.calls=3", "votes.temperature=0.5"])
    assert isinstance(config, ServerJudgeConfig)
    assert (config.votes.calls, config.votes.temperature) == (3, 0.5)
    rubrics = judge_config("server", None, ["votes.prompts=[strict, decision-list]"])
    assert isinstance(rubrics, ServerJudgeConfig)
    assert rubrics.votes.prompts == ("strict", "decision-list")


@pytest.mark.parametrize(
    ("name", "url", "settings", "message"),
    [
        pytest.param("oracle", None, [], "--judge oracle: no such judge.*taxonomy.*server", id="unknown judge"),
        pytest.param("taxonomy", "http://h:1", [], "--judge-url: the taxonomy judge has no server", id="url"),
        pytest.param("taxonomy", None, ["model=x"], "model=: the taxonomy judge.*it has taxonomy$", id="other's key"),
        pytest.param("server", None, ["colour=1"], "colour=: .*model.*prompt.*votes.calls", id="unknown key"),
        pytest.param("server", None, ["votes.many=1"], "votes.many=: .*votes.calls", id="unknown nested key"),
        pytest.param("server", None, ["url=http://h:1"], "--judge-url", id="url as a setting"),
        pytest.param("server", None, ["name=taxonomy"], "flag of its own, --judge$", id="name as a setting"),
        pytest.param("server", None, ["prompt"], "KEY=VALUE", id="no equals sign"),
        pytest.param("server", None, ["model=[a"], "model=: .*YAML", id="not YAML"),
        pytest.param("server", None, ["model=a", "model=b"], "model=: given twice", id="twice"),
        pytest.param("server", None, ["timeout_s=soon"], "--judge-set timeout_s=: .*number", id="not a number"),
        pytest.param("server", None, ["votes.calls=0"], "--judge-set votes.calls=: .*greater", id="nested range"),
        pytest.param("server", "h:1", [], "--judge-url: .*http://host:port", id="url without scheme"),
    ],
)
def test_judge_config_nonsense_is_one_line_with_the_cure(name, url, settings, message):
    with pytest.raises(InputError, match=message) as error:
        judge_config(name, url, settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        pytest.param("http://me:hush@h:1", [], id="in the url"),
        pytest.param(None, ["api_key_env=[hush]"], id="of the wrong type"),
        pytest.param(None, ["api_key=hush"], id="under an unknown key"),
        pytest.param(None, ["hush"], id="without a key"),
    ],
)
def test_judge_config_secret_in_the_wrong_place_is_not_quoted(url, settings):
    with pytest.raises(InputError, match="--judge-") as error:
        judge_config("server", url, settings)
    assert "hush" not in str(error.value)


def test_flags_reach_judge_config():
    app = typer.Typer()

    @app.command()
    def command(judge: JudgeName = "taxonomy", judge_url: JudgeUrl = None, judge_set: JudgeSettings = None) -> None:
        typer.echo(judge_config(judge, judge_url, judge_set).model_dump_json())

    flags = ["--judge", "server", "--judge-url", "http://h:1", "--judge-set", "timeout_s=3", "--judge-set", "model=m"]
    result = CliRunner().invoke(app, flags)
    assert result.exit_code == 0
    expected = ServerJudgeConfig(url="http://h:1", timeout_s=3, model="m")
    assert ServerJudgeConfig.model_validate_json(result.output) == expected
    assert CliRunner().invoke(app, []).output.strip() == TaxonomyJudgeConfig().model_dump_json()
