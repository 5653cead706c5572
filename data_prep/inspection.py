"""What a parquet holds: schema, rows by class, sizes of the pictures, and a contact sheet."""

import io
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from tqdm import tqdm

from data_prep import rows
from data_prep.contact_sheet import Sample
from data_prep.draw import draw
from data_prep.error import DataPrepError
from speciarl_verl.data_contract import CONTRACT_KEY, check_parquet


@dataclass
class Findings:
    """What was found in one parquet.

    Attributes:
        shapes: how many pictures have a width and height, in pixels.
        samples: for the contact sheet, spread over the classes.
    """

    schema: pa.Schema
    rows: int
    sources: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    shapes: Counter[tuple[int, int]] = field(default_factory=Counter)
    file_bytes: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The report, for a terminal."""
        version = self.schema.metadata[CONTRACT_KEY].decode()
        yield f"record contract {version}, {self.rows} rows, {', '.join(f'{k} ({v})' for k, v in self.sources.items())}"
        yield "schema:"
        yield from (f"  {column.name}: {column.type}" for column in self.schema)
        counts = sorted(self.classes.values())
        yield (
            f"{len(self.classes)} classes of {counts[0]} to {counts[-1]} pictures, "
            f"median {statistics.median(counts):g}:"
        )
        width = max(map(len, self.classes))
        yield from (f"  {label:<{width}} {count:>7}" for label, count in sorted(self.classes.items()))
        yield "pictures:"
        yield f"  formats: {', '.join(f'{name} ({count})' for name, count in self.formats.most_common())}"
        for name, axis in (("width", 0), ("height", 1)):
            values = sorted(shape[axis] for shape in self.shapes.elements())
            yield f"  {name}: {values[0]} to {values[-1]} pixels, median {statistics.median(values):g}"
        frequent = ", ".join(f"{w} x {h} ({count})" for (w, h), count in self.shapes.most_common(3))
        yield f"  {len(self.shapes)} sizes, most frequent: {frequent}"
        yield (
            f"  file: {min(self.file_bytes) / 1e3:.1f} to {max(self.file_bytes) / 1e3:.1f} kB, "
            f"median {statistics.median(self.file_bytes) / 1e3:.1f} kB"
        )


def inspect_parquet(path: Path, samples: int) -> Findings:
    """Read all of a parquet, a few rows at a time.

    Args:
        samples: how many pictures to keep for a contact sheet.

    Raises:
        DataPrepError: not a parquet of the record contract, or a picture in it cannot be read.
    """
    check_parquet(str(path))
    with pq.ParquetFile(path) as parquet:
        findings = Findings(schema=parquet.schema_arrow, rows=parquet.metadata.num_rows)
    labels = [
        label["ground_truth"] for batch in rows.batches(path, ["reward_model"]) for label in batch.column(0).to_pylist()
    ]
    wanted = _spread(labels, samples)
    number = 0
    with tqdm(total=findings.rows, unit="picture", desc=path.name, disable=None) as progress:
        for batch in rows.batches(path, ["data_source", "images"]):
            for source, images in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                label, data = labels[number], images[0]["bytes"]
                _measure(findings, path, number, data)
                findings.sources[source] += 1
                findings.classes[label] += 1
                if number in wanted:
                    findings.samples.append(Sample(data=data, label=label))
                number += 1
            progress.update(batch.num_rows)
    return findings


def _measure(findings: Findings, path: Path, number: int, data: bytes) -> None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            findings.shapes[image.size] += 1
            findings.formats[f"{image.format} {image.mode}"] += 1
    except OSError as error:
        raise DataPrepError(f"{path}: row {number} holds no image: prepare the data set again") from error
    findings.file_bytes.append(len(data))


def _spread(labels: Sequence[str], samples: int) -> set[int]:
    """Rows for the contact sheet: as many classes as possible, each in proportion."""
    order = draw(range(len(labels)), 0, str, lambda row: labels[row])
    return set(order[:samples])
