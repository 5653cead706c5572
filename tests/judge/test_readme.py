"""The judge's README says what the code does."""

import asyncio
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from speciarl_verl.cli.main import app
from speciarl_verl.config.schema import RewardConfig
from speciarl_verl.judge.calibration.gold import load_gold
from speciarl_verl.judge.judge_config import AuditConfig, HostedJudgeConfig, LLMJudgeConfig, ServerJudgeConfig
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.rollout.rule import try_rule
from tests.judge.fake_server import FakeServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "speciarl_verl/judge/README.md").read_text(encoding="utf-8")
NEED_A_GPU_OR_A_TRAINING = ("recipes/serve_judge.sh", "recipes/train.sh")
"""Run by tests/servers and tests/e2e, with tiny models."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = "".join(blocks("bash")).replace("\\\n", " ").splitlines()
    return [line for line in lines if not line.startswith(NEED_A_GPU_OR_A_TRAINING)]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The README's own package."""
    module = ModuleType("my_package")
    for code in blocks("python"):
        exec(code, vars(module))
    for name in ("my_package", "my_package.judges", "my_package.rules"):
        monkeypatch.setitem(sys.modules, name, module)
    return module


def test_table_of_keys_is_complete_with_its_defaults() -> None:
    named = set(re.findall(r"`([\w.]+)`", "".join(re.findall(r"^\| (`.*?) \|", README, re.MULTILINE))))
    votes = {f"votes.{key}" for key in ("calls", "temperature", "prompts")}
    audit = {f"audit.{key}" for key in AuditConfig.model_fields}
    assert {*ServerJudgeConfig.model_fields} - {"name", "votes", "audit"} | votes | audit <= named
    assert {*HostedJudgeConfig.model_fields} == {*ServerJudgeConfig.model_fields} - {"url"}
    plain = LLMJudgeConfig()
    assert (plain.timeout_s, plain.budget_s, plain.max_concurrency) == (60, 300, 64)
    assert (plain.prompt, plain.output.value, plain.cache, plain.proxy) == ("strict", "label", "user", False)


def test_gold_set_has_as_many_pairs_as_it_says() -> None:
    assert f"over {len(load_gold(None))} hand-written pairs" in README


def test_taxonomy_of_the_readme_is_one(tmp_path: Path) -> None:
    (block,) = blocks("json")
    (tmp_path / "mine.json").write_text(block)
    TaxonomyJudge.from_file(tmp_path / "mine.json")


def test_python_of_the_readme_runs(installed: ModuleType) -> None:
    try_rule(RewardConfig(rule="my_package.rules:brief"), rollouts=8)


async def test_every_command_of_the_readme_runs(
    installed: ModuleType, fake: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "answers.csv").write_text("prediction,ground_truth\nrobin,European robin\n")
    ran = 0
    for line in commands():
        program, *words = shlex.split(line.replace("http://127.0.0.1:30000", fake.url).replace("0.9", "0"))
        assert program == "speciarl"
        result = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert result.exit_code == 0, (line, result.output)
        ran += 1
    assert ran == 4
    assert (tmp_path / "judged.csv").exists()
    assert (tmp_path / "outputs/calibration/calibration.json").exists()
