"""Bad input of a stage: one line, exit status 2, nothing written."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_evaluation_of_a_foreign_parquet_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "CUB_200_2011").mkdir()
    (tmp_path / "CUB_200_2011" / "images.txt").write_text("1 a.png\n")
    (tmp_path / "visibility.txt").write_text("1 clear\n")
    for name in ("test.parquet", "taxonomy.json"):
        (tmp_path / name).write_text("nonsense")
    flags = {"model": ".", "data": "test.parquet", "visibility": "visibility.txt", "taxonomy": "taxonomy.json"}
    paths = [part for flag, name in flags.items() for part in (f"--{flag}", str(tmp_path / name))]
    out = tmp_path / "before.json"
    done = subprocess.run(
        [sys.executable, "-m", "recipes.quickstart.evaluate", *paths, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("quickstart:")
    assert "test.parquet" in line
    assert not out.exists()
