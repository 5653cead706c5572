from pathlib import Path

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.fingerprint import fingerprint, package_versions, text_sha256
from tests.evaluation.small_set import model_folder


def test_fingerprint_reads_both_ends_of_a_file(tmp_path: Path) -> None:
    size = 3 << 20
    marks = set()
    for name, place in (("first", 0), ("last", size - 1)):
        weights = bytearray(size)
        weights[place] = 1
        marks.add(fingerprint(Path(model_folder(tmp_path / name, bytes(weights)))))
    marks.add(fingerprint(Path(model_folder(tmp_path / "same", bytes(size)))))
    assert len(marks) == 3
    (tmp_path / "same" / "optimizer.pt").write_bytes(b"x")
    assert fingerprint(tmp_path / "same") in marks


@pytest.mark.parametrize("fault", ["a folder", "a link to nowhere", "no folder around it"])
def test_what_cannot_be_read_is_named(tmp_path: Path, fault: str) -> None:
    weights = tmp_path / "model.safetensors"
    if fault == "a folder":
        weights.mkdir()
    elif fault == "a link to nowhere":
        weights.symlink_to(tmp_path / "gone")
    folder = tmp_path / "none" if fault == "no folder around it" else tmp_path
    with pytest.raises(InputError, match=r"(model\.safetensors|none): cannot be read: "):
        fingerprint(folder)


def test_package_versions_leave_out_what_is_not_installed() -> None:
    assert list(package_versions("pytest", "no-such-package-of-anybody")) == ["pytest"]


def test_text_is_known_by_its_utf8() -> None:
    assert text_sha256("caf\u00e9") != text_sha256("cafe")
