"""The README says what the code does."""

import re
from pathlib import Path

from typer.main import get_command

from data_prep.cli import app
from data_prep.pictures.settings import DEFAULT_MAX_PIXELS
from speciarl_verl.data_contract import EXTRA_INFO, SCHEMA
from speciarl_verl.prompts import prompt_names

README = (Path(__file__).parents[2] / "data_prep" / "README.md").read_text(encoding="utf-8")


def test_contract_table_names_every_column() -> None:
    section = README.split("## Record contract")[1].split("**Prompts**")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == SCHEMA.names
    assert all(f"`{field.name}`" in section for field in EXTRA_INFO)


def test_every_command_flag_and_prompt_is_named() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"--[a-z-]+", README))
    for name, command in commands.items():
        assert re.search(rf"\b{name}\b", README)
        flags = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        missing = flags - named - {"--source", "--out", "--name", "--sheet", "--samples"}
        assert not missing, (name, missing)
    assert all(f"`{name}`" in README for name in prompt_names())
    assert f"{DEFAULT_MAX_PIXELS:,}" in README
