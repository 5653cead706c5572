"""Small parquets of the data contract, with pictures that can be told apart."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.evaluation.pictures import PictureRow, read_pictures


def png(shade: int, size: tuple[int, int] = (56, 56), mode: str = "RGB") -> bytes:
    """A picture of one shade."""
    data = io.BytesIO()
    colour = shade if mode == "L" else (shade, 10, 20, 128)[: len(mode)]
    Image.new(mode, size, colour).save(data, "PNG")
    return data.getvalue()


def write_set(
    path: Path,
    labels: Sequence[str],
    dataset: str = "cub",
    pictures: Sequence[bytes] | None = None,
    hashes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    row_group_size: int = 2,
) -> str:
    """Write one row a label; gives the path as `--data` takes it."""
    stored = list(pictures or [png(shade % 256) for shade in range(len(labels))])
    rows = [
        {
            "data_source": dataset,
            "prompt": [{"role": "user", "content": "<image>Default prompt."}],
            "images": [{"bytes": data, "path": None}],
            "ability": "classification",
            "reward_model": {"style": "judge", "ground_truth": label},
            "extra_info": {
                "split": "test",
                "index": index,
                "file_name": names[index] if names else f"{index:03d}.png",
                "label_id": 0,
                "content_hash": hashes[index] if hashes else hashlib.sha256(data).hexdigest(),
            },
        }
        for index, (label, data) in enumerate(zip(labels, stored, strict=True))
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path, row_group_size=row_group_size)
    return str(path)


def small_set(folder: Path, count: int = 6, dataset: str = "cub") -> list[PictureRow]:
    """`count` pictures of alternating labels."""
    labels = [("Blue Jay", "Cardinal")[index % 2] for index in range(count)]
    return read_pictures([write_set(folder / f"{dataset}.parquet", labels, dataset)])


def model_folder(folder: Path, weights: bytes = b"weights") -> str:
    """Of a model no more than what tells it from another."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return str(folder)
