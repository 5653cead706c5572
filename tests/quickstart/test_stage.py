"""Bad input of a stage: one line, exit status 2, nothing written."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_evaluation_of_a_foreign_parquet_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "test.parquet").write_text("nonsense")
    paths = ["--model", str(tmp_path), "--data", str(tmp_path / "test.parquet")]
    out = tmp_path / "before.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "recipes.quickstart.evaluate", *paths, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("quickstart:")
    assert "test.parquet" in line
    assert not out.exists()
