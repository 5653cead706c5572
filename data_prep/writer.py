"""From a listing to parquet: workers make shards, this process appends them to the files in order.

Memory holds the listing and a few shards, whatever the size of the data set. No time, path or worker count enters a
parquet: with the same source, seed and library versions it is the same byte for byte.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pyarrow.parquet as pq
from tqdm import tqdm

from data_prep.duplicates import Duplicates
from data_prep.error import DataPrepError
from data_prep.listing import Example, Listing, PictureStore
from data_prep.output import MANIFEST, Output
from data_prep.shard import Row, Settings, Shard, cut, make_shard, read_shard, shard_path
from data_prep.workers import ordered_map
from speciarl_verl.data_contract import SCHEMA

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


@dataclass
class SplitReport:
    """What one parquet holds; goes into the manifest.

    Attributes:
        rows_sha256: over file name, label and content hash of every row in order: equal content has an equal hash,
            whichever version of pyarrow wrote the file.
    """

    rows: int = 0
    picture_bytes: int = 0
    reencoded: int = 0
    skipped: list[str] = field(default_factory=list)
    class_counts: dict[str, int] = field(default_factory=dict)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, file_name: str, label: str, content_hash: str) -> None:
        """Count one row."""
        self.rows += 1
        self.class_counts[label] = self.class_counts.get(label, 0) + 1
        self._digest.update(f"{file_name}\0{label}\0{content_hash}\n".encode())

    def summary(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "rows": self.rows,
            "classes": len(self.class_counts),
            "picture_bytes": self.picture_bytes,
            "reencoded": self.reencoded,
            "rows_sha256": self._digest.hexdigest(),
            "skipped": self.skipped,
            "class_counts": dict(sorted(self.class_counts.items())),
        }


def write_splits(
    listing: Listing, chosen: dict[str, list[Example]], settings: Settings, output: Output, workers: int
) -> tuple[dict[str, SplitReport], Duplicates]:
    """Write one unfinished parquet a split.

    Raises:
        DataPrepError: a picture is missing or broken, or the disk is full.
    """
    shards = {split: list(cut(split, _rows(listing, split, examples))) for split, examples in chosen.items()}
    every = [shard for split in shards.values() for shard in split]
    output.need_space(2 * sum(row.size for shard in every for row in shard.rows))
    paths = {id(shard): shard_path(shard, settings, output.shards) for shard in every}
    missing = [(shard, paths[id(shard)]) for shard in every if not paths[id(shard)].exists()]
    if len(missing) < len(every):
        logger.info("%d of %d shards are reused from an interrupted run", len(every) - len(missing), len(every))

    reports, duplicates = {}, Duplicates()
    work = partial(_make, settings=settings, store=listing.store)
    with (
        ordered_map(work, missing, min(workers, len(missing))) as made,
        tqdm(total=sum(map(len, chosen.values())), unit="picture", desc=listing.name, disable=None) as progress,
    ):
        expected = {path for _, path in missing}
        for split, own in shards.items():
            # `made` yields in the order of the shards, so the next one made is the next one missing.
            files = (next(made) if paths[id(shard)] in expected else paths[id(shard)] for shard in own)
            reports[split] = _write_split(split, files, output.unfinished(f"{split}.parquet"), duplicates, progress)
    return reports, duplicates


def write_manifest(output: Output, content: dict[str, Any]) -> None:
    """Write what was done, in the same order of keys every time."""
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    output.unfinished(MANIFEST).write_text(text + "\n", encoding="utf-8")


def _make(task: tuple[Shard, Path], settings: Settings, store: PictureStore) -> Path:
    shard, path = task
    return make_shard(shard, settings, store, path)


def _rows(listing: Listing, split: str, examples: Sequence[Example]) -> list[Row]:
    rows = []
    for index, example in enumerate(examples):
        stamp = listing.store.stamp(example.file_name)
        rows.append(
            Row(
                index=index,
                file_name=example.file_name,
                label_id=example.label_id,
                label=listing.classes[example.label_id],
                size=stamp.size,
                modified=stamp.modified,
            )
        )
    return rows


def _write_split(
    split: str, files: Iterable[Path], target: Path, duplicates: Duplicates, progress: "tqdm[NoReturn]"
) -> SplitReport:
    report = SplitReport()
    with pq.ParquetWriter(target, SCHEMA, **PARQUET_OPTIONS) as writer:
        for file in files:
            batch, note = read_shard(file)
            if batch.num_rows:
                writer.write_batch(batch)
            report.reencoded += note.reencoded
            report.skipped.extend(note.skipped)
            report.picture_bytes += batch.column("images").nbytes
            labels = batch.column("reward_model").field("ground_truth").to_pylist()
            for label, info in zip(labels, batch.column("extra_info").to_pylist(), strict=True):
                report.add(info["file_name"], label, info["content_hash"])
                duplicates.add(info["content_hash"], split, info["file_name"], label)
            progress.update(batch.num_rows + len(note.skipped))
    if not report.rows:
        raise DataPrepError(f"{split}: every picture is broken ({report.skipped[0]})")
    return report
