"""The README says what the code does."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.main import get_command

from data_prep.cli import app
from data_prep.pictures.settings import DEFAULT_MAX_PIXELS
from speciarl_verl.data_contract import EXTRA_INFO, SCHEMA
from speciarl_verl.prompts import prompt_names
from tests.data_prep.conftest import Run, names
from tests.data_prep.layouts import PUBLISHED, command, pack

ROOT = Path(__file__).parents[2]
README = (ROOT / "data_prep" / "README.md").read_text(encoding="utf-8")


def test_contract_table_names_every_column() -> None:
    section = README.split("## Record contract")[1].split("**Prompts**")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == SCHEMA.names
    assert all(f"`{field.name}`" in section for field in EXTRA_INFO)


def test_every_command_flag_and_prompt_is_named() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"--[a-z-]+", README))
    for name, one in commands.items():
        assert re.search(rf"\b{name}\b", README)
        flags = {option for parameter in one.params for option in parameter.opts if option.startswith("--")}
        missing = flags - named - {"--source", "--out", "--name", "--sheet", "--samples"}
        assert not missing, (name, missing)
    assert all(f"`{name}`" in README for name in prompt_names())
    assert f"{DEFAULT_MAX_PIXELS:,}" in README


# The sizes of the README, and those that sources in miniature have.
SMALLER = {"-size 3000": "-size 8", "-size 500": "-size 2", "=500": "=4", "-each 50": "-each 1"}
COOP = {"food101": "Food101", "flowers102": "OxfordFlowers", "oxford_pets": "OxfordPets"}


@pytest.fixture
def downloads(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the README's commands find where they are typed: archives as published, CoOp's splits, prepared sets."""
    monkeypatch.chdir(tmp_path)
    folders = {"flowers102": "flowers", "oxford_pets": "pets", "stanford_cars": "cars"}
    for name, build in PUBLISHED.items():
        layout = build(tmp_path / f"{name}-source")
        pack(layout, tmp_path / folders.get(name, f"{name}-packed"))
        for archive in layout.archives if name not in folders else ():
            shutil.move(tmp_path / f"{name}-packed" / archive, tmp_path / archive)
        listed = sorted(layout.rows)
        rows = {"train": listed[::2], "val": listed[1::4], "test": listed[3::4]}
        if name in COOP:
            content = {split: [[file_name, 0, ""] for file_name in part] for split, part in rows.items()}
            (tmp_path / f"split_zhou_{COOP[name]}.json").write_text(json.dumps(content), encoding="utf-8")
        if name != "cub":
            run(command(name), "--source", layout.root, "--out", tmp_path / "data" / name)
    return tmp_path


def _commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line]


def test_every_command_runs(downloads: Path, run: Run) -> None:
    commands = _commands()
    assert len(commands) > 8
    for line in commands:
        for text, smaller in SMALLER.items():
            line = line.replace(text, smaller)
        program, words = line.split(" -m data_prep ")
        assert program == "python"
        outcome = run(*shlex.split(words))
        assert outcome.status == 0, (line, outcome)
    assert len(names(downloads / "data" / "cub" / "train.parquet")) == 8
    assert len(names(downloads / "data" / "mix" / "train.parquet")) == 24
    assert len(names(downloads / "data" / "paper-mix" / "train.parquet")) == 24
