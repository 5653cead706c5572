"""The command line itself; what its commands do is tested beside what does it."""

import subprocess
import sys

import pytest

from data_prep.cli import PUBLISHED

HEAVY = "datasets, numpy, PIL, pyarrow, scipy, torch, tqdm"


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in (*PUBLISHED, "folder", "hub", "mix"))])
def test_help_imports_nothing_that_reads_or_writes(words: list[str]) -> None:
    code = f"""
import sys
from data_prep.cli import app
try:
    app({words!r})
finally:
    held = {{name.split('.')[0] for name in sys.modules}} & set({HEAVY.split(", ")!r})
    assert not held, held
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
