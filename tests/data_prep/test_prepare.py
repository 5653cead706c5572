"""One run as a whole: the same bytes every time, nothing half-written, nothing lost on interruption."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from data_prep import output
from data_prep.listing import Example, Stamp
from data_prep.pictures import shard, writer
from tests.data_prep.conftest import Run, assert_refused, names, read_rows
from tests.data_prep.layouts import Layout, cub, fgvc_aircraft
from tests.data_prep.sample_pictures import encoded, noise


@pytest.fixture
def source(tmp_path: Path) -> Layout:
    return cub(tmp_path / "source")


def _bytes(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def test_same_seed_gives_same_bytes_wherever_and_with_any_workers(source: Layout, tmp_path: Path, run: Run) -> None:
    elsewhere = tmp_path / "else" / "where"
    shutil.copytree(source.root, elsewhere)
    run("cub", "--source", source.root, "--out", tmp_path / "one")
    assert run("cub", "--source", elsewhere, "--out", tmp_path / "two", "--workers", 3).status == 0
    assert set(_bytes(tmp_path / "one")) == {"train.parquet", "val.parquet", "test.parquet"}
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_many_shards_in_many_workers_keep_their_order(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("cub", "--source", source.root, "--out", tmp_path / "one")
    monkeypatch.setattr(shard, "MAX_ROWS", 1)
    assert run("cub", "--source", source.root, "--out", tmp_path / "two", "--workers", 3).status == 0
    for split in ("train", "val", "test"):
        assert names(tmp_path / "one" / f"{split}.parquet") == names(tmp_path / "two" / f"{split}.parquet")


class _Sized:
    """A store of nothing but sizes: the name of a picture is its size."""

    def stamp(self, file_name: str) -> Stamp:
        return Stamp(size=int(file_name), modified=0)


def test_shard_is_closed_before_it_holds_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard, "MAX_BYTES", 100)
    examples = [Example(str(size), 0, None) for size in (40, 40, 40, 300, 10, 90, 1)]
    parts = list(shard.cut("train", examples, _Sized()))
    assert [[int(e.file_name) for e in part.examples] for part in parts] == [[40, 40], [40], [300], [10, 90], [1]]
    assert [part.start for part in parts] == [0, 2, 3, 4, 6]
    assert [part.size for part in parts] == [80, 40, 300, 100, 1]


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


def test_hashes_in_rows_and_manifest_are_of_the_content(source: Layout, tmp_path: Path, run: Run) -> None:
    import hashlib

    run("cub", "--source", source.root, "--out", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256()
    for row in read_rows(tmp_path / "out" / "test.parquet"):
        info = row["extra_info"]
        assert info["content_hash"] == hashlib.sha256(row["images"][0]["bytes"]).hexdigest()
        digest.update(f"{info['file_name']}\0{row['reward_model']['ground_truth']}\0{info['content_hash']}\n".encode())
    assert manifest["splits"]["test"]["rows_sha256"] == digest.hexdigest()


def test_duplicates_across_splits_are_reported(
    source: Layout, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    train, test = (next(n for n, row in source.rows.items() if row[1] == split) for split in ("train", "test"))
    images = source.root / "CUB_200_2011" / "images"
    shutil.copy(images / train, images / test)
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 0)
    found = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["duplicates"]
    assert (found["across_splits"], found["within_split"], found["conflicting_labels"]) == (1, 0, 1)
    assert found["pairs"][0]["first"]["file_name"] == train
    assert found["pairs"][0]["again"]["file_name"] == test
    assert "1 pictures are in more than one split" in caplog.text


def test_picture_with_two_labels_is_reported(
    source: Layout, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [name for name, row in source.rows.items() if row[1] == "train"]
    first, other = rows[0], next(name for name in rows if source.rows[name][0] != source.rows[rows[0]][0])
    images = source.root / "CUB_200_2011" / "images"
    shutil.copy(images / first, images / other)
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 0)
    assert "1 pictures stand more than once, with different labels" in caplog.text
    assert f"{first} is {source.rows[first][0]!r}" in caplog.text


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


def test_split_of_only_broken_pictures_is_refused(source: Layout, tmp_path: Path, run: Run) -> None:
    for name in source.rows:
        source.write(f"CUB_200_2011/images/{name}", b"<html>")
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--skip-broken")
    assert_refused(outcome, tmp_path / "out", "every picture of train is broken")


def test_broken_picture_in_a_worker_is_named(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "MAX_ROWS", 4)
    name = next(name for name, row in source.rows.items() if row[1] == "test")
    source.write(f"CUB_200_2011/images/{name}", b"<html>")
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--workers", 2)
    assert_refused(outcome, tmp_path / "out", name, "not an image")


def test_killed_worker_is_an_error_not_a_hang(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "MAX_ROWS", 4)
    monkeypatch.setattr(writer, "make_shard", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--workers", 2)
    assert_refused(outcome, tmp_path / "out", "a worker process was killed", "fewer --workers")


def test_large_pictures_are_reencoded_and_counted(source: Layout, tmp_path: Path, run: Run) -> None:
    name = next(name for name, row in source.rows.items() if row[1] == "test")
    source.write(f"CUB_200_2011/images/{name}", encoded(noise(1, (60, 60))))
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--max-pixels", 1000)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["splits"]["test"]["reencoded"] == 1


class TestOutput:
    def test_failed_run_leaves_an_earlier_output_alone(self, source: Layout, tmp_path: Path, run: Run) -> None:
        run("cub", "--source", source.root, "--out", tmp_path / "out")
        before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        source.write(f"CUB_200_2011/images/{next(iter(source.rows))}", b"")
        assert run("cub", "--source", source.root, "--out", tmp_path / "out").status == 2
        assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before

    def test_split_of_an_earlier_run_does_not_survive(self, source: Layout, tmp_path: Path, run: Run) -> None:
        run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 3)
        run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 0)
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
            "manifest.json",
            "test.parquet",
            "train.parquet",
        ]

    @pytest.mark.parametrize("out", ["file/out", "/proc/nowhere/out"])
    def test_unwritable_folder_is_named(self, out: str, source: Layout, tmp_path: Path, run: Run) -> None:
        (tmp_path / "file").write_text("a file, not a folder")
        outcome = run("cub", "--source", source.root, "--out", tmp_path / out)
        assert_refused(outcome, tmp_path / out, out, "choose another --out")

    def test_too_little_space_is_refused_before_work_begins(
        self, source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(output.shutil, "disk_usage", lambda _: usage(100, 90, 10))
        outcome = run("cub", "--source", source.root, "--out", tmp_path / "new" / "out")
        assert_refused(outcome, tmp_path / "new", "MB are free")

    @pytest.mark.parametrize("limit", [300, 5_000])
    def test_full_disk_leaves_nothing(self, limit: int, source: Layout, tmp_path: Path) -> None:
        def no_larger_files() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = subprocess.run(
            _command(source, tmp_path / "out"), capture_output=True, text=True, preexec_fn=no_larger_files, check=False
        )
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1, done.stderr
        assert "File too large" in done.stderr
        assert not (tmp_path / "out").exists()

    def test_second_run_at_the_same_time_is_refused(self, source: Layout, tmp_path: Path, run: Run) -> None:
        with output.open_output(tmp_path / "out"):
            outcome = run("cub", "--source", source.root, "--out", tmp_path / "out")
            assert outcome.status == 2
            assert "another data_prep is at work here" in outcome.error


class TestFlags:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--train-size", "16"], "ask for 16"),
            (["--train-size", "many"], "--train-size many: not a size"),
            (["--val-size", "101%"], "--val-size 101%"),
            (["--verify", "fully"], "--verify fully"),
            (["--max-pixels", "100"], "--max-pixels 100"),
            (["--workers", "0"], "--workers 0"),
            (["--include-class", "dodo"], "--include-class dodo"),
            (["--split-file", "absent.json"], "absent.json"),
            (["--per-class", "6"], "--per-class 6: class"),
            (["--per-class", "1", "--train-size", "3"], "leave out --train-size"),
            (["--per-class", "1", "--draw", "paper"], "leave out --stratified and --per-class"),
            (["--stratified", "--draw", "paper"], "--draw paper"),
            (["--draw", "dice"], "--draw dice: no such way"),
        ],
    )
    def test_wrong_value_is_named(
        self, flags: list[str], message: str, source: Layout, tmp_path: Path, run: Run
    ) -> None:
        outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", *flags)
        assert_refused(outcome, tmp_path / "out", message)


class TestSplitFile:
    def test_pictures_get_the_splits_of_the_file(self, source: Layout, tmp_path: Path, run: Run) -> None:
        chosen = sorted(source.rows)
        content = {"train": chosen[:10], "val": chosen[10:14], "test": chosen[14:20]}
        rows = {split: [[name, 0, "ignored"] for name in part] for split, part in content.items()}
        (tmp_path / "split.json").write_text(json.dumps(rows), encoding="utf-8")
        run("cub", "--source", source.root, "--out", tmp_path / "out", "--split-file", tmp_path / "split.json")
        for split, part in content.items():
            assert set(names(tmp_path / "out" / f"{split}.parquet")) == set(part)

    def test_paper_draw_samples_the_list_of_the_file(self, source: Layout, tmp_path: Path, run: Run) -> None:
        chosen = sorted(source.rows, key=lambda name: name[::-1])
        content = {"train": chosen[:20], "val": chosen[20:24], "test": chosen[24:]}
        (tmp_path / "split.json").write_text(json.dumps({s: [[n, 0, ""] for n in c] for s, c in content.items()}))
        flags = ("--split-file", tmp_path / "split.json", "--draw", "paper", "--train-size", 8)
        assert run("cub", "--source", source.root, "--out", tmp_path / "out", *flags).status == 0
        random.seed(42)
        assert names(tmp_path / "out" / "train.parquet") == random.sample(content["train"], 8)
        assert names(tmp_path / "out" / "val.parquet") == content["val"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "not a readable JSON file"),
            ("[]", "not an object of lists"),
            ('{"dev": []}', "not an object of lists"),
            ('{"train": [[1]]}', "does not begin with a file name"),
            ('{"train": [["no.jpg", 0, "x"]]}', "picture no.jpg is not in cub"),
            ('{"train": [["a"]], "test": [["a"]]}', "picture a is in train and in test"),
        ],
    )
    def test_other_file_is_refused(self, content: str, message: str, source: Layout, tmp_path: Path, run: Run) -> None:
        path = tmp_path / "split.json"
        path.write_text(content)
        outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--split-file", path)
        assert_refused(outcome, tmp_path / "out", "split.json", message)


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
        command = [*_command(source, tmp_path / "out", "folder"), "--workers", "2"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        shards = tmp_path / "out" / ".data_prep" / "shards"
        while not list(shards.glob("*.arrow")) and process.poll() is None:
            time.sleep(0.005)
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(number)
        process.communicate(timeout=20)
        assert process.returncode == (130 if number == signal.SIGTERM else -signal.SIGKILL)
        assert not list((tmp_path / "out").glob("*.parquet"))
        deadline = time.monotonic() + 10
        while any(_runs(int(pid)) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(_runs(int(pid)) for pid in workers)
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


def _command(source: Layout, out: Path, name: str = "cub") -> list[str]:
    return [sys.executable, "-m", "data_prep", name, "--source", str(source.root), "--out", str(out)]


def _runs(pid: int) -> bool:
    """True unless the process is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
