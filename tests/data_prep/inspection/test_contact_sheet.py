"""The sheet shows pictures and labels."""

from pathlib import Path

import pytest
from PIL import Image

from data_prep.inspection import contact_sheet
from data_prep.inspection.contact_sheet import Sample, write_contact_sheet
from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import cub
from tests.data_prep.sample_pictures import encoded, jpeg, noise

CELL = (8, 8, 168, 168)


def _colours(path: Path, box: tuple[int, int, int, int]) -> int:
    with Image.open(path) as sheet:
        return len(sheet.convert("RGB").crop(box).getcolors(1 << 20) or [])


def test_pictures_and_labels_are_drawn_six_in_a_row(tmp_path: Path) -> None:
    write_contact_sheet([Sample(jpeg(number), f"label {number}") for number in range(8)], tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (6 * 168 + 8, 2 * 202 + 8)
    assert _colours(tmp_path / "a.png", CELL) > 50
    assert _colours(tmp_path / "a.png", (8, 170, 168, 200)) > 3


@pytest.mark.parametrize("label", ["", "x", "a very " * 40, "y" * 200, "知更鸟"])
@pytest.mark.parametrize("size", [(14, 14), (2000, 14), (14, 2000)])
def test_any_label_and_shape_fits_its_cell(label: str, size: tuple[int, int], tmp_path: Path) -> None:
    write_contact_sheet([Sample(encoded(noise(1, size), "PNG"), label)], tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (176, 210)
        # Nothing is drawn on the edges.
        edge = sheet.convert("RGB").crop((0, 0, 4, 210)).getcolors()
    assert edge == [(4 * 210, (255, 255, 255))]


def test_unwritable_sheet_is_named(tmp_path: Path, run: Run) -> None:
    layout = cub(tmp_path / "source")
    run("cub", "--source", layout.root, "--out", tmp_path / "made")
    (tmp_path / "file").write_text("x")
    outcome = run("inspect", tmp_path / "made" / "test.parquet", "--sheet", tmp_path / "file" / "sheet.png")
    assert_refused(outcome, tmp_path / "out", "sheet.png", "cannot be written")


def _text(path: Path) -> bytes:
    with Image.open(path) as sheet:
        return sheet.convert("L").crop((8, 170, 168, 200)).tobytes()


@pytest.mark.parametrize("bare", [False, True])
def test_letters_with_accents_are_letters_in_any_installation(
    bare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bare:
        monkeypatch.setattr(contact_sheet, "_FONTS", ())
        monkeypatch.setattr(contact_sheet, "find_spec", lambda _: None)
    shown = {}
    for label in ("crème brûlée", "creme brulee", "cr\uffffme br\uffffl\uffffe"):
        write_contact_sheet([Sample(jpeg(1), label)], tmp_path / "a.png")
        shown[label] = _text(tmp_path / "a.png")
    accents, plain, absent = shown.values()
    assert accents != absent
    assert (accents == plain) is bare
