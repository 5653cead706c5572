"""What `inspect` prints and draws."""

from pathlib import Path

from PIL import Image

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import cub


def test_report_and_contact_sheet(tmp_path: Path, run: Run) -> None:
    layout = cub(tmp_path / "source")
    run("cub", "--source", layout.root, "--out", tmp_path / "out")
    outcome = run("inspect", tmp_path / "out" / "test.parquet", "--samples", 8)
    assert outcome.status == 0
    assert "record contract 1, 15 rows, cub (15)" in outcome.out
    assert "images: list<element: struct<bytes: binary, path: string>>" in outcome.out
    assert "3 classes of 5 to 5 pictures" in outcome.out
    assert "  Ñandú común" in outcome.out
    assert "JPEG RGB (5)" in outcome.out
    assert "JPEG L (5)" in outcome.out
    assert "PNG RGB (5)" in outcome.out
    assert "width: 24 to 24 pixels" in outcome.out
    with Image.open(tmp_path / "out" / "test.png") as sheet:
        assert sheet.width > 6 * 160
        assert 2 * 160 < sheet.height < 3 * 210
        # Pictures are drawn, not only their labels.
        assert len(sheet.convert("RGB").crop((8, 30, 168, 160)).getcolors(1 << 16) or []) > 50


def test_sheet_shows_as_many_classes_as_it_can(tmp_path: Path, run: Run) -> None:
    from data_prep.inspection import inspect_parquet

    layout = cub(tmp_path / "source")
    run("cub", "--source", layout.root, "--out", tmp_path / "out")
    samples = inspect_parquet(tmp_path / "out" / "test.parquet", 3).samples
    assert len({sample.label for sample in samples}) == 3


def test_foreign_file_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    assert_refused(run("inspect", tmp_path / "x.parquet"), tmp_path / "out", "x.parquet")


def test_unwritable_sheet_is_named(tmp_path: Path, run: Run) -> None:
    layout = cub(tmp_path / "source")
    run("cub", "--source", layout.root, "--out", tmp_path / "made")
    outcome = run("inspect", tmp_path / "made" / "test.parquet", "--sheet", tmp_path / "none" / "sheet.png")
    assert_refused(outcome, tmp_path / "out", "sheet.png", "--sheet")
