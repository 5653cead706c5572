"""What is written in which order, and the hashes of it."""

import json
from pathlib import Path

import pytest

from data_prep.pictures import shard
from tests.data_prep.conftest import Run, assert_refused, names, read_rows
from tests.data_prep.layouts import Layout


def test_many_shards_in_many_workers_keep_their_order(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("cub", "--source", source.root, "--out", tmp_path / "one")
    monkeypatch.setattr(shard, "MAX_ROWS", 1)
    assert run("cub", "--source", source.root, "--out", tmp_path / "two", "--workers", 3).status == 0
    for split in ("train", "val", "test"):
        assert names(tmp_path / "one" / f"{split}.parquet") == names(tmp_path / "two" / f"{split}.parquet")


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


def test_split_of_only_broken_pictures_is_refused(source: Layout, tmp_path: Path, run: Run) -> None:
    for name in source.rows:
        source.write(f"CUB_200_2011/images/{name}", b"<html>")
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--skip-broken")
    assert_refused(outcome, tmp_path / "out", "every picture of train is broken")
