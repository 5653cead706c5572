"""One run as a whole: the same bytes every time, nothing half-written, nothing lost on interruption."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from data_prep.listing import Example
from data_prep.pictures import shard, writer
from tests.data_prep.conftest import Run, assert_refused, command_words, names, read_rows
from tests.data_prep.layouts import Layout, fgvc_aircraft
from tests.data_prep.sample_pictures import encoded, noise
from tests.living import alive


def _bytes(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def test_same_seed_gives_same_bytes_wherever_and_with_any_workers(source: Layout, tmp_path: Path, run: Run) -> None:
    elsewhere = tmp_path / "else" / "where"
    shutil.copytree(source.root, elsewhere)
    run("cub", "--source", source.root, "--out", tmp_path / "one")
    assert run("cub", "--source", elsewhere, "--out", tmp_path / "two", "--workers", 3).status == 0
    assert set(_bytes(tmp_path / "one")) == {"train.parquet", "val.parquet", "test.parquet"}
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_manifest_tells_what_was_done(source: Layout, tmp_path: Path, run: Run) -> None:
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--train-size", 8, "--val-size", "20%", "--seed", 7)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["source"] == {"path": str(source.root), "pictures": 30, "classes": 3}
    assert manifest["sampling"]["train_size"] == "8"
    assert manifest["sampling"]["seed"] == 7
    assert {name: split["rows"] for name, split in manifest["splits"].items()} == {"train": 8, "val": 3, "test": 15}
    assert sum(manifest["splits"]["test"]["class_counts"].values()) == 15
    assert set(manifest["versions"]) == {"speciarl_verl", "pyarrow", "pillow"}
    assert manifest["contract"] == "1"


def test_class_of_broken_pictures_is_named(
    source: Layout, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    for name, (label, split, _) in source.rows.items():
        if label == "Black footed Albatross" and split == "test":
            source.write(f"CUB_200_2011/images/{name}", b"<html>")
    assert run("cub", "--source", source.root, "--out", tmp_path / "out", "--skip-broken").status == 0
    assert "left out: 5 broken pictures of test" in caplog.text
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["left_out"]
    assert [(entry["what"], entry["names"]) for entry in left_out] == [
        ("classes of test, of which every picture is broken", ["Black footed Albatross"])
    ]


def test_what_the_sizes_leave_over_is_counted(source: Layout, tmp_path: Path, run: Run) -> None:
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--train-size", 5, "--val-size", 2)
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["left_out"]
    assert [entry["count"] for entry in left_out] == [8]


def test_unknown_extra_files_and_other_class_counts_are_fine(source: Layout, tmp_path: Path, run: Run) -> None:
    source.write("CUB_200_2011/visibility.txt", "1 clear\n2 hidden\n")
    source.write("CUB_200_2011/images/README", "mine")
    assert run("cub", "--source", source.root, "--out", tmp_path / "out").status == 0


def test_skip_broken_leaves_the_picture_out_and_says_so(source: Layout, tmp_path: Path, run: Run) -> None:
    name = next(name for name, row in source.rows.items() if row[1] == "test")
    source.write(f"CUB_200_2011/images/{name}", b"<html>")
    assert run("cub", "--source", source.root, "--out", tmp_path / "out", "--skip-broken").status == 0
    skipped = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["splits"]["test"]["skipped"]
    assert len(skipped) == 1
    assert name in skipped[0]
    assert name not in names(tmp_path / "out" / "test.parquet")


def test_large_pictures_are_reencoded_and_counted(source: Layout, tmp_path: Path, run: Run) -> None:
    name = next(name for name, row in source.rows.items() if row[1] == "test")
    source.write(f"CUB_200_2011/images/{name}", encoded(noise(1, (60, 60))))
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--max-pixels", 1000)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["splits"]["test"]["reencoded"] == 1


def test_publishers_validation_is_kept_and_can_be_merged(tmp_path: Path, run: Run) -> None:
    layout = fgvc_aircraft(tmp_path / "source")
    run("fgvc_aircraft --keep-banner", "--source", layout.root, "--out", tmp_path / "own")
    run(
        "fgvc_aircraft --keep-banner",
        "--source",
        layout.root,
        "--out",
        tmp_path / "merged",
        "--merge-val",
        "--val-size",
        2,
    )
    assert [len(names(tmp_path / "own" / f"{split}.parquet")) for split in ("train", "val", "test")] == [12, 12, 12]
    assert [len(names(tmp_path / "merged" / f"{split}.parquet")) for split in ("train", "val", "test")] == [22, 2, 12]


class TestInterruption:
    def test_finished_shards_are_reused(
        self,
        source: Layout,
        tmp_path: Path,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        run("cub", "--source", source.root, "--out", tmp_path / "whole")
        monkeypatch.setattr(shard, "MAX_ROWS", 4)
        make, made = shard.make_shard, []

        def make_three(*arguments: object) -> None:
            if len(made) == 3:
                raise KeyboardInterrupt
            made.append(make(*arguments))  # type: ignore[arg-type]

        monkeypatch.setattr(writer, "make_shard", make_three)
        outcome = run("cub", "--source", source.root, "--out", tmp_path / "out")
        assert outcome.status == 130
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".data_prep"]
        monkeypatch.setattr(writer, "make_shard", make)
        caplog.set_level("INFO")
        assert run("cub", "--source", source.root, "--out", tmp_path / "out").status == 0
        assert "3 of 9 shards are reused" in caplog.text
        for name in ("train.parquet", "val.parquet", "test.parquet"):
            assert read_rows(tmp_path / "out" / name) == read_rows(tmp_path / "whole" / name)
        assert not (tmp_path / "out" / ".data_prep").exists()

    def test_fault_after_an_interruption_leaves_nothing(self, source: Layout, tmp_path: Path, run: Run) -> None:
        (tmp_path / "out" / ".data_prep" / "shards").mkdir(parents=True)
        source.write(f"CUB_200_2011/images/{next(iter(source.rows))}", b"")
        assert_refused(run("cub", "--source", source.root, "--out", tmp_path / "out"), tmp_path / "out")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_killed_run_goes_on_to_the_same_bytes(self, number: int, tmp_path: Path, run: Run) -> None:
        source = Layout(tmp_path / "source")
        source.write("a/0.png", encoded(noise(1, (160, 160)), "PNG"))
        for index in range(1, 600):
            (source.root / f"a/{index}.png").hardlink_to(source.root / "a/0.png")
        command = [*command_words(source, tmp_path / "out", "folder"), "--workers", "2"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        shards = tmp_path / "out" / ".data_prep" / "shards"
        while not list(shards.glob("*.arrow")) and process.poll() is None:
            time.sleep(0.005)
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(number)
        process.communicate(timeout=120)
        assert process.returncode == (130 if number == signal.SIGTERM else -signal.SIGKILL)
        assert not list((tmp_path / "out").glob("*.parquet"))
        deadline = time.monotonic() + 60
        while any(alive(int(pid)) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(int(pid)) for pid in workers)
        assert list(shards.glob("*.arrow"))
        flags = ("folder", "--source", source.root, "--verify", "full")
        assert run(*flags, "--out", tmp_path / "out").status == 0
        assert run(*flags, "--out", tmp_path / "whole").status == 0
        assert _bytes(tmp_path / "out") == _bytes(tmp_path / "whole")

    def test_shards_of_another_source_or_setting_are_not_taken(self, source: Layout, tmp_path: Path) -> None:
        examples = (Example("a.jpg", 0, None),)
        settings = shard.Settings("full", 1000, False)
        paths = {
            shard.shard_path(part, where, setting, tmp_path)
            for part in (
                shard.Shard("train", 0, examples, 10, "one stamp"),
                shard.Shard("train", 0, examples, 10, "another"),
                shard.Shard("train", 0, (Example("b.jpg", 0, None),), 10, "one stamp"),
            )
            for where in ("/one/", "/two/")
            for setting in (settings, shard.Settings("header", 1000, False), shard.Settings("full", 999, False))
        }
        assert len(paths) == 18
