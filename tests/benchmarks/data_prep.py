"""(g) data_prep against what it cannot beat: reading the same files, and decoding them, with nothing else.

CUB's layout, 500 x 375 JPEGs that compress like photographs. Every figure is of a process of its own, in pairs, so that
a busy machine hurts both.

    python -m tests.benchmarks.data_prep make DIR [--pictures 11788]    the pictures alone
"""

import io
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from PIL import Image, ImageFilter

from tests.benchmarks.measurement import Comparison, Labels

app = typer.Typer(add_completion=False)
CLASSES = 200
PICTURES = 3_000


@app.command()
def make(folder: Path, pictures: int = 11_788) -> None:
    """Render pictures that compress like photographs, about 60 kB each."""
    root = folder / "CUB_200_2011"
    lists: dict[str, list[str]] = {"images": [], "image_class_labels": [], "train_test_split": [], "classes": []}
    names = [f"{number:03d}.Bird_{number}" for number in range(1, CLASSES + 1)]
    lists["classes"] = [f"{number} {name}" for number, name in enumerate(names, start=1)]
    for name in names:
        (root / "images" / name).mkdir(parents=True, exist_ok=True)
    chance = random.Random(0)
    grounds = [_ground(chance) for _ in range(16)]
    for number in range(1, pictures + 1):
        name = f"{names[number % CLASSES]}/Bird_{number:05d}.jpg"
        left, top = chance.randrange(500), chance.randrange(375)
        picture = chance.choice(grounds).crop((left, top, left + 500, top + 375))
        picture.save(root / "images" / name, quality=90)
        lists["images"].append(f"{number} {name}")
        lists["image_class_labels"].append(f"{number} {number % CLASSES + 1}")
        lists["train_test_split"].append(f"{number} {number % 2}")
    for name, lines in lists.items():
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _ground(chance: random.Random) -> Image.Image:
    coarse = Image.frombytes("RGB", (50, 38), chance.randbytes(50 * 38 * 3)).resize(
        (1000, 750), Image.Resampling.BICUBIC
    )
    fine = Image.frombytes("RGB", (1000, 750), chance.randbytes(1000 * 750 * 3)).filter(ImageFilter.GaussianBlur(1))
    return Image.blend(coarse, fine, 0.35)


def run(pairs: int) -> Iterator[Comparison]:
    """Both ways of verifying; the case names the peak memory of the whole process tree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, PICTURES)
        out = folder / "out"
        here = [sys.executable, "-m", "tests.benchmarks.data_prep"]
        tool = [sys.executable, "-m", "data_prep", "cub", "--source", str(folder / "CUB_200_2011"), "--out", str(out)]
        for mode, bare in (("header", "copy"), ("full", "decode")):
            peaks: list[float] = []

            def ours(mode: str = mode, peaks: list[float] = peaks) -> float:
                shutil.rmtree(out, ignore_errors=True)
                seconds, peak = _timed([*tool, "--verify", mode])
                peaks.append(peak)
                return seconds

            def rival(bare: str = bare) -> float:
                return _timed([*here, bare, str(folder)])[0]

            labels = Labels("g data_prep", "wall s", f"a bare {bare}", f"the {bare} itself")
            comparison = labels.compare(f"{PICTURES} pictures, --verify {mode}", ours, rival, pairs)
            yield replace(comparison, case=f"{comparison.case}, peak {max(peaks):.0f} MB")


@app.command()
def copy(folder: Path) -> None:
    """The bare copy: read every file and write its bytes through pyarrow."""
    schema = pa.schema([("bytes", pa.binary())])
    with pq.ParquetWriter(folder / "bare.parquet", schema, compression="none", use_dictionary=False) as writer:
        held: list[bytes] = []
        for path in _files(folder):
            held.append(path.read_bytes())
            if len(held) == 128:
                writer.write_batch(pa.record_batch([pa.array(held, pa.binary())], schema=schema))
                held = []
        if held:
            writer.write_batch(pa.record_batch([pa.array(held, pa.binary())], schema=schema))
    (folder / "bare.parquet").unlink()


@app.command()
def decode(folder: Path) -> None:
    """The bare decode: two processes that decode every file in full and keep nothing."""
    with multiprocessing.Pool(2) as pool:
        for _ in pool.imap_unordered(_decode, _files(folder), chunksize=64):
            pass


def _files(folder: Path) -> list[Path]:
    images = folder / "CUB_200_2011" / "images"
    lines = (folder / "CUB_200_2011" / "images.txt").read_text(encoding="utf-8").splitlines()
    return [images / line.split(" ", 1)[1] for line in lines]


def _decode(path: Path) -> None:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        image.load()


def _timed(command: list[str]) -> tuple[float, float]:
    """Seconds, and the peak of the proportional memory of the process and its children in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    peak = 0.0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            peak = max(peak, sum(map(_memory, [process.pid, *_children(process.pid)])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if status:
        raise SystemExit(f"{' '.join(command)} failed with status {status}")
    return seconds, peak


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] if _alive(pid) else []


def _alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}/task/{pid}/children")


def _memory(pid: int) -> float:
    """Resident memory in MB; pages that processes share count in each, so that the sum is an upper bound."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    app()
