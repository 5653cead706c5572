"""What prepared parquet files hold: rows and classes by split, sizes of pictures, odd labels, pictures held twice."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image
from tqdm import tqdm

from data_prep import rows
from data_prep.draw import draw
from data_prep.duplicates import Duplicates
from data_prep.error import DataPrepError
from data_prep.inspection.contact_sheet import Sample
from data_prep.inspection.labels import LabelFindings, look_at_labels
from speciarl_verl.data_contract import CONTRACT_KEY, SPLITS, check_parquet


@dataclass
class FileFindings:
    """One parquet.

    Attributes:
        shapes: how many pictures have a width and height, in pixels.
        formats: format and mode of the pictures, such as `JPEG RGB`.
    """

    rows: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    shapes: Counter[tuple[int, int]] = field(default_factory=Counter)
    file_bytes: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Findings:
    """A data set.

    Attributes:
        files: split (or the file's name) -> what it holds.
        samples: for the contact sheet, spread over the classes of the first file.
    """

    path: Path
    contract: str
    files: dict[str, FileFindings]
    labels: LabelFindings
    duplicates: Duplicates
    samples: tuple[Sample, ...]


def inspect_files(path: Path, samples: int) -> Findings:
    """Read a parquet with those of the other splits beside it, or all of a folder, a few rows at a time.

    Args:
        path: a parquet, which comes first, or a folder that data_prep wrote.
        samples: how many pictures to keep for a contact sheet.

    Raises:
        DataContractError: not a parquet of the record contract.
        DataPrepError: no parquet in the folder, or a picture that cannot be read.
    """
    parts = _parts(path)
    for part in parts.values():
        check_parquet(str(part))
    duplicates, kept = Duplicates(), list[Sample]()
    files: dict[str, FileFindings] = {}
    for name, part in parts.items():
        files[name] = _read(name, part, duplicates, kept, 0 if files else samples)
    first = next(iter(parts.values()))
    return Findings(
        path=path,
        contract=(pq.read_schema(first).metadata or {})[CONTRACT_KEY].decode(),
        files=files,
        labels=look_at_labels({name: file.classes for name, file in files.items()}),
        duplicates=duplicates,
        samples=tuple(kept),
    )


def _parts(path: Path) -> dict[str, Path]:
    folder = path if path.is_dir() else path.parent
    splits = {split: folder / f"{split}.parquet" for split in SPLITS if (folder / f"{split}.parquet").is_file()}
    if path.is_dir():
        if not splits:
            raise DataPrepError(f"{path}: holds no train.parquet, val.parquet or test.parquet: name a file")
        return splits
    return {path.stem: path} | (splits if path.stem in splits else {})


def _read(name: str, path: Path, duplicates: Duplicates, kept: list[Sample], samples: int) -> FileFindings:
    file = FileFindings()
    light = [row for batch in rows.batches(path, ["reward_model", "extra_info"]) for row in batch.to_pylist()]
    labels = [row["reward_model"]["ground_truth"] for row in light]
    wanted = _spread(labels, samples)
    with tqdm(total=len(labels), unit="picture", desc=path.name, disable=None) as progress:
        for batch in rows.batches(path, ["data_source", "images"]):
            for source, images in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                info, label, data = light[file.rows]["extra_info"], labels[file.rows], images[0]["bytes"]
                _measure(file, path, data)
                file.sources[source] += 1
                file.classes[label] += 1
                duplicates.add(info["content_hash"], name, f"{source}/{info['file_name']}", label)
                if file.rows in wanted:
                    kept.append(Sample(data=data, label=label))
                file.rows += 1
            progress.update(batch.num_rows)
    return file


def _measure(file: FileFindings, path: Path, data: bytes) -> None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            file.shapes[image.size] += 1
            file.formats[f"{image.format} {image.mode}"] += 1
    except OSError as error:
        raise DataPrepError(f"{path}: row {file.rows} holds no image: prepare the data set again") from error
    file.file_bytes.append(len(data))


def _spread(labels: Sequence[str], samples: int) -> set[int]:
    """Rows for the contact sheet: as many classes as possible, each in proportion."""
    order = draw(range(len(labels)), 0, str, lambda row: labels[row])
    return set(order[:samples])
