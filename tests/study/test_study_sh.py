"""What the script runs, with a set-up and a Python that only say how they were called."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "recipes/study.sh"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    shutil.copy(SCRIPT, tmp_path / "recipes")
    (tmp_path / "recipes/setup.sh").write_text("echo set up\n")
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    python.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "called"),
    [
        (["--plan"], "<-m><recipes.study.run><--plan>"),
        (["--only", "dynamic N=8", "--seed", "7"], "<-m><recipes.study.run><--only><dynamic N=8><--seed><7>"),
        (["--report"], "<-m><recipes.study.report>"),
    ],
    ids=["plan", "one row", "report"],
)
def test_the_study_is_set_up_and_run_with_what_was_asked_for(checkout: Path, flags: list[str], called: str) -> None:
    done = subprocess.run(
        ["bash", "recipes/study.sh", *flags], cwd=checkout, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines() == ["set up", called]


def test_help_sets_nothing_up(checkout: Path) -> None:
    done = subprocess.run(
        ["bash", "recipes/study.sh", "--help"], cwd=checkout, capture_output=True, text=True, check=True, timeout=300
    )
    assert "--only ROW" in done.stdout
    assert "set up" not in done.stdout
