"""Archives: names in any encoding, links, and what must not be trusted."""

import io
import os
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.unpack import unpack
from tests.data_prep.conftest import Run, assert_refused, names, read_rows
from tests.data_prep.layouts import write_zip
from tests.data_prep.sample_pictures import jpeg

WHOLE = ("--val-size", "0", "--test-size", "0")


def _zip(path: Path, members: list[tuple[bytes, bytes]], extra: bytes = b"") -> Path:
    """A zip whose names are these bytes, without a word on their encoding, as old programs write them."""
    placeholders = [chr(ord("A") + number) * len(name) for number, (name, _) in enumerate(members)]
    with zipfile.ZipFile(path, "w") as packed:
        for placeholder, (_, data) in zip(placeholders, members, strict=True):
            info = zipfile.ZipInfo(placeholder)
            info.extra = extra
            packed.writestr(info, data)
    content = path.read_bytes()
    for placeholder, (name, _) in zip(placeholders, members, strict=True):
        content = content.replace(placeholder.encode(), name)
    path.write_bytes(content)
    return path


def _tar(path: Path, members: list[tarfile.TarInfo | tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w", encoding="utf-8", errors="surrogateescape") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return path


def _link(name: str, leads_to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, leads_to
    return info


def _labels(out: Path) -> set[str]:
    return {row["reward_model"]["ground_truth"] for row in read_rows(out / "train.parquet")}


def test_d3_names_in_utf8_without_a_flag_are_read(tmp_path: Path, run: Run) -> None:
    archive = _zip(
        tmp_path / "x.zip", [(f"{name}/1.jpg".encode(), jpeg(i)) for i, name in enumerate(("知更鸟", "Zaunkönig"))]
    )
    assert run("folder", "--source", archive, "--out", tmp_path / "out", *WHOLE).status == 0
    assert _labels(tmp_path / "out") == {"知更鸟", "Zaunkönig"}


def test_d3_names_in_another_encoding_are_refused(tmp_path: Path, run: Run) -> None:
    archive = _zip(tmp_path / "x.zip", [("知更鸟/1.jpg".encode("gbk"), jpeg(1)), (b"wren/1.jpg", jpeg(2))])
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "x.zip", "is not UTF-8", "--name-encoding")


@pytest.mark.parametrize(("encoding", "name"), [("gbk", "知更鸟"), ("shift_jis", "コマドリ"), ("cp437", "Zaunkönig")])
def test_d3_names_in_an_encoding_that_is_given_are_read(encoding: str, name: str, tmp_path: Path, run: Run) -> None:
    archive = _zip(tmp_path / "x.zip", [(f"{name}/1.jpg".encode(encoding), jpeg(1)), (b"wren/1.jpg", jpeg(2))])
    flags = ("--name-encoding", encoding, *WHOLE)
    assert run("folder", "--source", archive, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {name, "wren"}


@pytest.mark.parametrize(("encoding", "message"), [("utf-9", "no such encoding"), ("ascii", "is not ascii")])
def test_d3_wrong_encoding_is_refused(encoding: str, message: str, tmp_path: Path, run: Run) -> None:
    archive = _zip(tmp_path / "x.zip", [("知更鸟/1.jpg".encode("gbk"), jpeg(1))])
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out", "--name-encoding", encoding)
    assert_refused(outcome, tmp_path / "out", message)


def test_d3_unicode_name_in_the_extra_field_is_read(tmp_path: Path) -> None:
    raw, name = "知更鸟.jpg".encode("gbk"), "知更鸟.jpg".encode()
    body = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + name
    archive = _zip(tmp_path / "x.zip", [(raw, b"x")], extra=struct.pack("<HH", 0x7075, len(body)) + body)
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "知更鸟.jpg").exists()


def test_d4_tar_with_a_name_that_is_not_utf8_is_refused(tmp_path: Path, run: Run) -> None:
    archive = _tar(tmp_path / "x.tar", [("caf\udce9/1.jpg", jpeg(1)), ("wren/1.jpg", jpeg(2))])
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "x.tar", r"caf\udce9", "is not UTF-8")


def test_d4_tar_with_names_in_an_encoding_that_is_given_is_read(tmp_path: Path, run: Run) -> None:
    archive = _tar(tmp_path / "x.tar", [("caf\udce9/1.jpg", jpeg(1)), ("wren/1.jpg", jpeg(2))])
    flags = ("--name-encoding", "latin-1", *WHOLE)
    assert run("folder", "--source", archive, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {"café", "wren"}


@pytest.mark.parametrize(
    ("link", "first"),
    [
        pytest.param(_link("redbreast/2.jpg", "../robin/1.jpg"), False, id="symbolic"),
        pytest.param(_link("redbreast/2.jpg", "../robin/1.jpg"), True, id="symbolic-before-its-target"),
        pytest.param(_link("redbreast/2.jpg", "robin/1.jpg", tarfile.LNKTYPE), False, id="hard"),
        pytest.param(_link("redbreast", "robin"), False, id="folder"),
    ],
)
def test_d5_links_in_a_tar_are_read(link: tarfile.TarInfo, first: bool, tmp_path: Path, run: Run) -> None:
    members = [("robin/1.jpg", jpeg(1)), link]
    archive = _tar(tmp_path / "x.tar", members[::-1] if first else members)
    assert run("folder", "--source", archive, "--out", tmp_path / "out", *WHOLE).status == 0
    rows = read_rows(tmp_path / "out" / "train.parquet")
    assert {row["reward_model"]["ground_truth"] for row in rows} == {"robin", "redbreast"}
    assert [row["images"][0]["bytes"] for row in rows] == [jpeg(1)] * 2


def test_d5_links_in_a_zip_are_read(tmp_path: Path, run: Run) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        link = zipfile.ZipInfo("redbreast/2.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "../robin/1.jpg")
        packed.writestr("robin/1.jpg", jpeg(1))
    assert run("folder", "--source", tmp_path / "x.zip", "--out", tmp_path / "out", *WHOLE).status == 0
    assert set(names(tmp_path / "out" / "train.parquet")) == {"robin/1.jpg", "redbreast/2.jpg"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE], ids=["symbolic", "hard"])
def test_d5_link_to_what_the_tar_does_not_hold_is_refused(kind: bytes, tmp_path: Path, run: Run) -> None:
    archive = _tar(tmp_path / "x.tar", [("robin/1.jpg", jpeg(1)), _link("wren/2.jpg", "gone.jpg", kind)])
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "wren/2.jpg", "link to", "gone.jpg")


@pytest.mark.parametrize("leads_to", ["/etc/hostname", "../../etc/hostname"])
@pytest.mark.parametrize("packed", ["tar", "zip"])
def test_link_out_of_the_archive_is_refused(leads_to: str, packed: str, tmp_path: Path, run: Run) -> None:
    archive = tmp_path / f"x.{packed}"
    if packed == "tar":
        _tar(archive, [("robin/1.jpg", jpeg(1)), _link("wren/2.jpg", leads_to)])
    else:
        with zipfile.ZipFile(archive, "w") as zipped:
            link = zipfile.ZipInfo("wren/2.jpg")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            zipped.writestr(link, leads_to)
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(archive), "do not trust this file")


def test_device_in_a_tar_is_refused(tmp_path: Path, run: Run) -> None:
    device = tarfile.TarInfo("robin/1.jpg")
    device.type = tarfile.FIFOTYPE
    archive = _tar(tmp_path / "x.tar", [device])
    assert_refused(run("folder", "--source", archive, "--out", tmp_path / "out"), tmp_path / "out", "do not trust")


def test_encrypted_zip_is_refused_as_such(tmp_path: Path, run: Run) -> None:
    archive = _zip(tmp_path / "x.zip", [(b"robin/1.jpg", jpeg(1))])
    content = bytearray(archive.read_bytes())
    for head in (b"PK\x03\x04", b"PK\x01\x02"):
        content[content.index(head) + (6 if head[2] == 3 else 8)] |= 1
    archive.write_bytes(bytes(content))
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "is encrypted", "give the folder")


def test_archive_is_unpacked_once(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "x.tar", [("a.txt", b"one")])
    unpack(archive, tmp_path / "out")
    (tmp_path / "out" / "a.txt").write_text("kept")
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "kept"


def test_times_of_a_tar_are_kept(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.txt")
    info.mtime = 1_300_000_000
    unpack(_tar(tmp_path / "x.tar", [info]), tmp_path / "out")
    assert os.stat(tmp_path / "out" / "a.txt").st_mtime == 1_300_000_000


@pytest.mark.parametrize(("number", "message"), [(28, "No space left on device"), (None, "damaged archive")])
def test_full_disk_is_told_from_damage(
    number: int | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _tar(tmp_path / "x.tar", [("a.txt", b"one")])

    def fail(*_: object) -> None:
        raise OSError(number, message) if number else OSError("bad header")

    monkeypatch.setattr(tarfile.TarFile, "extractfile", fail)
    with pytest.raises(DataPrepError, match=message):
        unpack(archive, tmp_path / "out")


def test_links_that_lead_out_together_are_refused(tmp_path: Path) -> None:
    members = [("top/x.txt", b"x"), ("a/b/x.txt", b"x"), _link("a/b/up", "../../top"), _link("out", "a/b/up/../../x")]
    with pytest.raises(DataPrepError, match="out is a link to a/b/up/"):
        unpack(_tar(tmp_path / "x.tar", members), tmp_path / "out")


def test_links_in_a_circle_are_refused(tmp_path: Path, run: Run) -> None:
    circle = [_link("robin/2.jpg", "3.jpg"), _link("robin/3.jpg", "2.jpg")]
    archive = _tar(tmp_path / "x.tar", [("robin/1.jpg", jpeg(1)), *circle])
    outcome = run("folder", "--source", archive, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "2.jpg", "link")


def test_file_that_stands_twice_is_the_last(tmp_path: Path) -> None:
    members = [("a.txt", b"one"), ("a.txt", b"two"), ("b.txt", b"x"), _link("b.txt", "a.txt"), ("c.txt", b"x")]
    members.append(_link("c.txt", "a.txt", tarfile.LNKTYPE))
    unpack(_tar(tmp_path / "x.tar", members), tmp_path / "out")
    assert [(tmp_path / "out" / name).read_text() for name in ("a.txt", "b.txt", "c.txt")] == ["two"] * 3


def test_archive_member_outside_of_the_target_is_refused(tmp_path: Path, run: Run) -> None:
    write_zip(tmp_path / "evil.zip", [("../../evil.txt", b"x")])
    outcome = run("folder", "--source", tmp_path / "evil.zip", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "evil.zip", "points outside")


def test_d4_zip_that_calls_a_name_utf8_which_it_is_not_is_refused(tmp_path: Path, run: Run) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("知更鸟/1.jpg", jpeg(1))
    content = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(content.replace("知更鸟".encode(), "知更鸟".encode("gbk") + b"xxx"))
    outcome = run("folder", "--source", tmp_path / "x.zip", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "x.zip", "is UTF-8, which it is not", "give the folder")


def test_zip_of_a_compression_that_python_does_not_read_is_refused_as_such(tmp_path: Path, run: Run) -> None:
    content = bytearray(_zip(tmp_path / "x.zip", [(b"robin/1.jpg", jpeg(1))]).read_bytes())
    for head, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(head) + place] = 9  # Deflate64, of Windows for large files
    (tmp_path / "x.zip").write_bytes(bytes(content))
    outcome = run("folder", "--source", tmp_path / "x.zip", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "compression", "give the folder")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_damage_anywhere_is_refused_or_passed_never_a_crash(kind: str, tmp_path: Path) -> None:
    archive = tmp_path / f"x.{kind}"
    members = [(f"é{number}/1.jpg", jpeg(number)) for number in range(2)]
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for name, data in members:
                packed.writestr(name, data)
    else:
        _tar(archive, [*members, _link("a.jpg", "é0/1.jpg")])
    whole, chance, refused = archive.read_bytes(), random.Random(0), 0
    for number in range(300):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.choice([chance.randrange(150), len(damaged) - 1 - chance.randrange(200)])] = (
                chance.randrange(256)
            )
        archive.write_bytes(bytes(damaged))
        try:
            unpack(archive, tmp_path / f"out{number}")
        except DataPrepError:
            refused += 1
    assert refused > 50
