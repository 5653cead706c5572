"""FGVC-Aircraft: the banner at the bottom, and a list that names another variant."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.data_prep.conftest import Run, assert_refused, read_rows
from tests.data_prep.layouts import fgvc_aircraft
from tests.data_prep.sample_pictures import encoded


def _bannered() -> bytes:
    image = Image.new("RGB", (60, 80), (0, 0, 200))
    image.paste((255, 255, 255), (0, 60, 60, 80))
    return encoded(image, quality=95)


@pytest.mark.parametrize("keep", [False, True])
def test_d9_banner_is_cut_unless_it_is_asked_for(keep: bool, tmp_path: Path, run: Run) -> None:
    layout = fgvc_aircraft(tmp_path / "source")
    for path in (layout.root / "fgvc-aircraft-2013b/data/images").iterdir():
        path.write_bytes(_bannered())
    words = ("fgvc_aircraft", "--source", layout.root, "--out", tmp_path / "out", *(["--keep-banner"] if keep else []))
    assert run(*words).status == 0
    for split in ("train", "val", "test"):
        for row in read_rows(tmp_path / "out" / f"{split}.parquet"):
            data = row["images"][0]["bytes"]
            shown = Image.open(io.BytesIO(data))
            assert shown.size == ((60, 80) if keep else (60, 60))
            assert (data == _bannered()) is keep
            if not keep:
                assert max(shown.getpixel((30, 59))[:2]) < 40
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["pictures"]["cut_bottom"] == (0 if keep else 20)


def test_picture_that_is_all_banner_is_refused(tmp_path: Path, run: Run) -> None:
    layout = fgvc_aircraft(tmp_path / "source")
    outcome = run("fgvc_aircraft", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "less 20 rows at the bottom", "a side needs at least")


def test_more_than_the_banner_can_be_cut(tmp_path: Path, run: Run) -> None:
    layout = fgvc_aircraft(tmp_path / "source")
    for path in (layout.root / "fgvc-aircraft-2013b/data/images").iterdir():
        path.write_bytes(_bannered())
    run("fgvc_aircraft", "--source", layout.root, "--out", tmp_path / "out", "--cut-bottom", 30)
    image = Image.open(io.BytesIO(read_rows(tmp_path / "out" / "test.parquet")[0]["images"][0]["bytes"]))
    assert image.size == (60, 50)
