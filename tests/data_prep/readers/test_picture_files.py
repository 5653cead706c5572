"""Which files of a folder are pictures, and what is refused or counted of the others."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from data_prep.readers.picture_files import files_in
from tests.data_prep.conftest import Run, assert_refused, names
from tests.data_prep.sample_pictures import encoded, jpeg, noise

WHOLE = ("--val-size", "0", "--test-size", "0")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number, label in enumerate(("robin", "wren")):
        (tmp_path / "source" / label).mkdir(parents=True)
        (tmp_path / "source" / label / "1.jpg").write_bytes(jpeg(number))
    return tmp_path / "source"


@pytest.mark.parametrize("place", ["file", "folder"])
def test_d4_name_that_is_not_utf8_is_refused(place: str, source: Path, tmp_path: Path, run: Run) -> None:
    folder = os.fsencode(source)
    if place == "file":
        os.rename(folder + b"/wren/1.jpg", folder + b"/wren/\xe9.jpg")
    else:
        os.rename(folder + b"/wren", folder + b"/caf\xe9")
    outcome = run("folder", "--source", source, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", r"\udce9", "is not UTF-8", "rename it")


def test_d4_path_that_is_not_utf8_is_refused(source: Path, tmp_path: Path, run: Run) -> None:
    other = os.fsencode(tmp_path) + b"/caf\xe9"
    os.rename(os.fsencode(source), other)
    outcome = run("folder", "--source", os.fsdecode(other), "--out", tmp_path / "out", *WHOLE)
    assert_refused(outcome, tmp_path / "out", r"caf\udce9", "not UTF-8")


def test_d5_dangling_link_is_refused_by_name(source: Path, tmp_path: Path, run: Run) -> None:
    (source / "wren" / "2.jpg").symlink_to("gone.jpg")
    outcome = run("folder", "--source", source, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "wren/2.jpg", "is a link to gone.jpg, which is missing")


def test_links_to_files_and_folders_are_read(source: Path, tmp_path: Path, run: Run) -> None:
    (source / "wren" / "2.jpg").symlink_to("1.jpg")
    (source / "redbreast").symlink_to("robin")
    assert run("folder", "--source", source, "--out", tmp_path / "out", *WHOLE).status == 0
    found = names(tmp_path / "out" / "train.parquet")
    assert sorted(found) == ["redbreast/1.jpg", "robin/1.jpg", "wren/1.jpg", "wren/2.jpg"]


def test_link_back_up_is_refused(source: Path, tmp_path: Path, run: Run) -> None:
    (source / "wren" / "all").symlink_to("..")
    outcome = run("folder", "--source", source, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "wren/all", "is a link back")


def test_pipe_is_refused(source: Path, tmp_path: Path, run: Run) -> None:
    os.mkfifo(source / "wren" / "2.jpg")
    outcome = run("folder", "--source", source, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "wren/2.jpg", "neither a file nor a folder")


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("jfif", "JPEG"),
        ("jpe", "JPEG"),
        ("avif", "AVIF"),
        ("ppm", "PPM"),
        ("jp2", "JPEG2000"),
        ("tga", "TGA"),
        ("qoi", "QOI"),
        ("pcx", "PCX"),
    ],
)
def test_d6_what_pillow_reads_is_read(ending: str, kind: str, source: Path, tmp_path: Path, run: Run) -> None:
    Image.init()
    (source / "wren" / f"2.{ending}").write_bytes(encoded(noise(2, (32, 32)), kind))
    assert run("folder", "--source", source, "--out", tmp_path / "out", *WHOLE).status == 0
    assert f"wren/2.{ending}" in names(tmp_path / "out" / "train.parquet")


def test_d6_the_rest_is_counted_and_named(
    source: Path, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(7):
        (source / "wren" / f"{number}.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (source / "robin" / "notes.txt").write_text("mine")
    (source / "README").write_text("mine")
    (source / "robin" / "Thumbs.db").write_bytes(b"\0")
    assert run("folder", "--source", source, "--out", tmp_path / "out", *WHOLE).status == 0
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert {entry["what"].split(",")[0]: (entry["count"], len(entry["names"])) for entry in left_out} == {
        "files ending in .heic": (7, 5),
        "files ending in .txt": (1, 1),
        "files without an ending": (1, 1),
    }
    assert "left out: 7 files ending in .heic" in caplog.text
    assert "wren/0.heic" in caplog.text


def test_files_come_in_one_order_with_composed_names(tmp_path: Path) -> None:
    for name in ("b.txt", "a/e\u0301.txt", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert list(files_in(tmp_path)) == ["a/é.txt", "a.txt", "b.txt"]
    assert list(files_in(tmp_path, deep=False)) == ["a.txt", "b.txt"]
