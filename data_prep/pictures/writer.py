"""From a listing to parquet: workers check shards, this process writes their rows in order.

Memory holds the listing and a few shards, whatever the size of the data set. No time, path or worker count enters a
parquet: with the same source, seed and library versions it is the same byte for byte.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tqdm import tqdm

from data_prep.duplicates import Duplicates
from data_prep.error import DataPrepError
from data_prep.listing import Example, Listing, PictureStore
from data_prep.output import MANIFEST, Output
from data_prep.pictures.record import record_batch
from data_prep.pictures.settings import Settings
from data_prep.pictures.shard import (
    Checked,
    Shard,
    ShardResult,
    cut,
    make_shard,
    read_shard,
    read_source,
    shard_path,
)
from data_prep.pictures.workers import ordered_map
from data_prep.report import SplitReport
from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.prompts import load_prompt

logger = logging.getLogger(__name__)

PARQUET_OPTIONS: dict[str, Any] = {
    # Image files do not compress further; the texts that repeat are dictionary-encoded.
    "compression": "none",
    "use_dictionary": [
        "data_source",
        "prompt.list.element.role",
        "prompt.list.element.content",
        "ability",
        "reward_model.style",
        "reward_model.ground_truth",
        "extra_info.split",
    ],
    "write_statistics": False,
}


@dataclass(frozen=True)
class _Task:
    """One shard and where its result goes."""

    shard: Shard
    path: Path


def write_splits(
    listing: Listing, chosen: dict[str, list[Example]], settings: Settings, output: Output, workers: int
) -> tuple[dict[str, SplitReport], Duplicates]:
    """Write one unfinished parquet a split.

    Raises:
        DataPrepError: a picture is missing or broken, or the disk is full.
    """
    tasks = []
    for split, examples in chosen.items():
        for shard in cut(split, examples, listing.store):
            tasks.append(_Task(shard, shard_path(shard, listing.store.where(""), settings, output.shards)))
    output.need_space(sum(task.shard.size for task in tasks))
    missing = [task for task in tasks if not task.path.exists()]
    if len(missing) < len(tasks):
        logger.info("%d of %d shards are reused from an interrupted run", len(tasks) - len(missing), len(tasks))

    reports, duplicates = {}, Duplicates()
    work = partial(_make, settings=settings, store=listing.store)
    with (
        ordered_map(work, missing, min(workers, len(missing))) as made,
        tqdm(total=sum(map(len, chosen.values())), unit="picture", desc=listing.name, disable=None) as progress,
    ):
        results = _results(tasks, missing, made)
        for split in chosen:
            own = sum(task.shard.split == split for task in tasks)
            with pq.ParquetWriter(output.unfinished(f"{split}.parquet"), SCHEMA, **PARQUET_OPTIONS) as writer:
                reports[split] = SplitReport()
                for _ in range(own):
                    result = next(results)
                    _append(writer, split, listing, result, reports[split], duplicates)
                    progress.update(len(result.pictures) + len(result.skipped))
            if not reports[split].rows:
                raise DataPrepError(f"every picture of {split} is broken, the first is {reports[split].skipped[0]}")
    return reports, duplicates


def write_manifest(output: Output, content: dict[str, Any]) -> None:
    """Write what was done, in the same order of keys every time."""
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    output.unfinished(MANIFEST).write_text(text + "\n", encoding="utf-8")


def _make(task: _Task, settings: Settings, store: PictureStore) -> None:
    make_shard(task.shard, settings, store, task.path)


def _results(tasks: Sequence[_Task], missing: Sequence[_Task], made: Iterator[None]) -> Iterator[ShardResult]:
    """The results in order; waits for those that are being made, which come in the same order."""
    waiting = {task.path for task in missing}
    for task in tasks:
        if task.path in waiting:
            next(made)
        yield read_shard(task.shard, task.path)


def _append(
    writer: pq.ParquetWriter,
    split: str,
    listing: Listing,
    result: ShardResult,
    report: SplitReport,
    duplicates: Duplicates,
) -> None:
    report.skipped.extend(result.skipped)
    if not result.pictures:
        return
    data = [_stored(picture, listing.store) for picture in result.pictures]
    writer.write_batch(record_batch(split, listing, load_prompt(), result.pictures, data))
    for picture in result.pictures:
        name, label = picture.example.file_name, listing.classes[picture.example.label_id]
        report.add(name, label, picture.content_hash)
        report.picture_bytes += picture.size
        report.reencoded += picture.reencoded is not None
        duplicates.add(picture.content_hash, split, name, label)


def _stored(picture: Checked, store: PictureStore) -> bytes:
    data = picture.reencoded or read_source(store, picture.example.file_name)
    if len(data) != picture.size:
        where = store.where(picture.example.file_name)
        raise DataPrepError(f"{where}: changed while it was being prepared: leave the source alone and run again")
    return data
