"""Join prepared data sets in given amounts, such as 500 pictures of each of six.

Training rows are drawn from each part's train.parquet, then dealt out so that every stretch of the mixture holds the
parts in proportion. Validation is the parts' val.parquet; tests are not mixed, each data set is evaluated on its own.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from data_prep import rows
from data_prep.draw import draw
from data_prep.duplicates import Duplicates
from data_prep.error import DataPrepError
from data_prep.output import MANIFEST, open_output
from data_prep.pictures.writer import PARQUET_OPTIONS, write_manifest
from data_prep.prepare import report_duplicates, versions
from data_prep.report import SplitReport
from data_prep.sampling import Draw
from data_prep.size import Size
from speciarl_verl.data_contract import CONTRACT_VERSION, EXTRA_INFO, SCHEMA, SPLITS, check_parquet

_LIGHT = ["data_source", "reward_model", "extra_info"]


@dataclass(frozen=True)
class Part:
    """One data set of a mixture: a folder that data_prep wrote, and how much of its training split."""

    folder: Path
    size: Size

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read `DIR=500` or `DIR=10%`; a bare `DIR` is all of it.

        Raises:
            DataPrepError: no such size, or no train.parquet in the folder.
        """
        name, found, size = text.rpartition("=")
        part = cls(Path(name if found else text), Size.parse(size if found else "100%", f"--part {text}:"))
        if not (part.folder / "train.parquet").is_file():
            raise DataPrepError(f"{part.folder / 'train.parquet'}: no such file: prepare the part with data_prep first")
        return part


@dataclass(frozen=True)
class _Chosen:
    """The rows taken of one file, by their position in it, ascending."""

    path: Path
    positions: tuple[int, ...]


def mix(
    parts: Sequence[Part], out: Path, seed: int, stratified: bool, val_each: Size, way: Draw = "hash"
) -> dict[str, Any]:
    """Write `out`/train.parquet, `out`/val.parquet and their manifest; returns the manifest.

    Args:
        way: `paper` draws from the parts one after another with one generator, each from its whole training split.

    Raises:
        DataContractError: a part is not of the record contract.
        DataPrepError: it has fewer rows than asked for.
    """
    if len({part.folder.resolve() for part in parts}) < max(2, len(parts)):
        raise DataPrepError("--part: a mixture needs at least two different folders: give --part DIR=SIZE for each")
    trains = [(part.folder / "train.parquet", part.size) for part in parts]
    if way == "paper":
        for part in parts:
            _check_whole(part)
        chance = random.Random(seed)
        chosen = {"train": [_sample(path, size, chance) for path, size in trains]}
    else:
        chosen = {"train": [_choose(path, size, seed, stratified) for path, size in trains]}
    vals = [part.folder / "val.parquet" for part in parts if (part.folder / "val.parquet").is_file()]
    chosen["val"] = [_choose(path, val_each, seed, stratified) for path in vals]
    reports, duplicates = {}, Duplicates()
    with open_output(out) as output:
        for split, files in chosen.items():
            if any(file.positions for file in files):
                reports[split] = _write(split, files, output.unfinished(f"{split}.parquet"), duplicates)
        if not reports:
            raise DataPrepError("--part: the sizes leave no picture at all: ask for at least one")
        manifest = {
            "contract": CONTRACT_VERSION.decode(),
            "data_source": "mix",
            "source": {"parts": [{"folder": str(p.folder), "size": p.size.text} for p in parts]},
            "sampling": {"seed": seed, "draw": way, "stratified": stratified, "val_each": val_each.text},
            "splits": {split: report.summary() for split, report in reports.items()},
            "duplicates": duplicates.summary(),
            "versions": versions(),
        }
        write_manifest(output, manifest)
        names = [f"{split}.parquet" for split in reports]
        output.publish([*names, MANIFEST], replaced=tuple(f"{split}.parquet" for split in SPLITS))
    report_duplicates(out, duplicates)
    return manifest


def _choose(path: Path, size: Size, seed: int, stratified: bool) -> _Chosen:
    check_parquet(str(path))
    keys: list[tuple[int, str, str]] = []
    for batch in rows.batches(path, _LIGHT):
        for row in batch.to_pylist():
            name = f"{row['data_source']}\0{row['extra_info']['file_name']}"
            keys.append((len(keys), name, row["reward_model"]["ground_truth"]))
    count = _count(path, size, len(keys))
    drawn = draw(keys, seed, lambda key: key[1], (lambda key: key[2]) if stratified else None)[:count]
    return _Chosen(path=path, positions=tuple(sorted(key[0] for key in drawn)))


def _sample(path: Path, size: Size, chance: random.Random) -> _Chosen:
    check_parquet(str(path))
    total = pq.read_metadata(path).num_rows
    return _Chosen(path=path, positions=tuple(sorted(chance.sample(range(total), _count(path, size, total)))))


def _count(path: Path, size: Size, total: int) -> int:
    count = size.of(total)
    if count > total:
        raise DataPrepError(f"{path}: has {total} rows, {size.text} are asked for: ask for fewer")
    return count


def _check_whole(part: Part) -> None:
    """Refuse a part whose train is not all of the publisher's, in the publisher's order."""
    path = part.folder / MANIFEST
    try:
        sampling = json.loads(path.read_text(encoding="utf-8"))["sampling"]
        whole = sampling["draw"] == "paper" and sampling["whole_train"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataPrepError(f"{path}: does not say how the part was drawn: prepare the part again") from error
    if not whole:
        raise DataPrepError(
            f"{part.folder}: --draw paper draws from whole training splits: prepare it with --draw paper, without "
            "--train-size, and with --val-size 0 where the publisher has no validation split"
        )


def _write(split: str, files: Sequence[_Chosen], target: Path, duplicates: Duplicates) -> SplitReport:
    report = SplitReport()
    total = sum(len(file.positions) for file in files)
    with (
        pq.ParquetWriter(target, SCHEMA, **PARQUET_OPTIONS) as writer,
        tqdm(total=total, unit="picture", desc=f"mix {split}", disable=None) as progress,
    ):
        held: list[pa.RecordBatch] = []
        for row in _interleave(files):
            held.append(row)
            if len(held) == rows.BATCH_ROWS:
                _append(writer, held, split, report, duplicates)
                progress.update(len(held))
                held = []
        if held:
            _append(writer, held, split, report, duplicates)
            progress.update(len(held))
    return report


def _interleave(files: Sequence[_Chosen]) -> Iterator[pa.RecordBatch]:
    """Single rows, the k-th of a file of n at (k + 1/2) / n of the whole."""
    streams = [_rows_of(file) for file in files]
    order = []
    for number, count in enumerate(len(file.positions) for file in files):
        order += [((2 * k + 1) / (2 * count), number) for k in range(count)]
    for _, number in sorted(order):
        yield next(streams[number])


def _rows_of(file: _Chosen) -> Iterator[pa.RecordBatch]:
    wanted, start = set(file.positions), 0
    for batch in rows.batches(file.path):
        for offset in range(batch.num_rows):
            if start + offset in wanted:
                # A copy: a slice would keep its whole batch in memory.
                yield batch.take(pa.array([offset]))
        start += batch.num_rows


def _append(
    writer: pq.ParquetWriter, held: Sequence[pa.RecordBatch], split: str, report: SplitReport, duplicates: Duplicates
) -> None:
    table = pa.Table.from_batches(held, schema=SCHEMA).combine_chunks()
    records = table.select(_LIGHT).to_pylist()
    infos = []
    for record in records:
        info, label = record["extra_info"], record["reward_model"]["ground_truth"]
        infos.append({**info, "split": split, "index": report.rows})
        report.add(info["file_name"], label, info["content_hash"])
        duplicates.add(info["content_hash"], split, f"{record['data_source']}: {info['file_name']}", label)
    position = table.schema.get_field_index("extra_info")
    writer.write_table(table.set_column(position, SCHEMA.field("extra_info"), pa.array(infos, EXTRA_INFO)))
    report.picture_bytes += table.column("images").nbytes
