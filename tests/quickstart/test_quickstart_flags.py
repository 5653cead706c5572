"""A wrong flag of quickstart.sh: one line, exit status 2, before anything is installed, written or removed."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--reward", "best"], "--reward best: choose one of binary dynamic"),
        (["--fresh", "--reward", "../../x"], "--reward ../../x: choose one of"),
        (["--seed", "x"], "--seed and --steps take numbers"),
        (["--steps", "0"], "--seed and --steps take numbers"),
        (["--steps"], "--steps needs a value"),
        (["--judge", "llm"], "--judge llm: choose one of taxonomy sglang"),
        (["--sed", "1"], "unknown argument --sed"),
    ],
)
def test_wrong_flag_is_refused(flags: list[str], message: str) -> None:
    done = subprocess.run(
        ["bash", "recipes/quickstart.sh", *flags], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert done.stdout == ""
