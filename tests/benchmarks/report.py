"""(h) Scoring and reporting as many verdicts as Food-101 has test pictures, browser included.

The rival reads the same verdicts as JSON and counts their categories; both run in processes of their own.
"""

import hashlib
import io
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.evaluation.pictures import PictureRow, read_pictures
from speciarl_verl.evaluation.pipeline import open_evaluation
from speciarl_verl.evaluation.predict.request import PredictRequest
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import predictions_journal, verdicts_journal
from speciarl_verl.evaluation.verdicts.manifest import JudgeRun, save_judge_run
from speciarl_verl.judge.judge_config import TaxonomyJudgeConfig
from speciarl_verl.method.category import Category
from tests.benchmarks.measurement import Comparison, Labels

CLASSES, PER_CLASS = 101, 250


def run(pairs: int) -> Iterator[Comparison]:
    """Without pictures in the browser, and with 3,000 of them."""
    labels = Labels("h report", "wall s", "reading the verdicts as JSON", "that, and writing the files")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder)
        verdicts = verdicts_journal(folder / "run").path
        for pictures in (0, 3_000):
            command = [sys.executable, "-m", "speciarl_verl.cli", "evaluate", "--stages", "report"]
            command += [f"--browser-pictures={pictures}", "--out", str(folder / "run")]
            bare = [sys.executable, "-c", _BARE, str(verdicts)]
            case = f"{CLASSES * PER_CLASS} verdicts, {pictures} pictures in the browser"
            yield labels.compare(case, partial(_seconds, command), partial(_seconds, bare), pairs)


_BARE = """
import collections, json, sys
with open(sys.argv[1], encoding="utf-8") as lines:
    collections.Counter(json.loads(line).get("outcome") for line in lines)
"""


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _make(folder: Path) -> None:
    """A run that is predicted and judged."""
    data = folder / "food101.parquet"
    _write_pictures(data)
    out = folder / "run"
    open_evaluation(out, PredictRequest(data=[str(data)], server="http://127.0.0.1:1", served_model="none"))
    judged = list(_verdicts(read_pictures([str(data)])))
    predictions_journal(out).replace(one.prediction for one in judged)
    verdicts_journal(out).replace(judged)
    save_judge_run(JudgeRun.of(TaxonomyJudgeConfig(), 12), out)


def _write_pictures(path: Path) -> None:
    photos = [_photo(number) for number in range(20)]
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for label in range(CLASSES):
            rows = [_row(label, number, photos[(label + number) % len(photos)]) for number in range(PER_CLASS)]
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), row_group_size=128)


def _photo(seed: int) -> bytes:
    """About 50 kB, 512 x 384: Food-101's."""
    small = Image.frombytes("RGB", (96, 72), random.Random(seed).randbytes(96 * 72 * 3))
    data = io.BytesIO()
    small.resize((512, 384), Image.Resampling.BICUBIC).save(data, "JPEG", quality=85)
    return data.getvalue()


def _row(label: int, number: int, data: bytes) -> dict[str, object]:
    return {
        "data_source": "food101",
        "prompt": [{"role": "user", "content": "<image>What?"}],
        "images": [{"bytes": data, "path": None}],
        "ability": "classification",
        "reward_model": {"style": "judge", "ground_truth": f"dish {label}"},
        "extra_info": {
            "split": "test",
            "index": label * PER_CLASS + number,
            "file_name": f"images/dish_{label}/{number:06d}.jpg",
            "label_id": label,
            "content_hash": hashlib.sha256(data).hexdigest(),
        },
    }


def _verdicts(pictures: list[PictureRow]) -> Iterator[Judged]:
    chance = random.Random(0)
    thought = "The dish is served on a plate, with a sauce and what looks like herbs. " * 6
    for picture in pictures:
        answer = f"dish {chance.randrange(CLASSES)}"
        response = f"<think>{thought}</think><answer>{answer}</answer>"
        key = SampleKey(picture.dataset, picture.image, 0)
        outcome = chance.choice([*Category, Category.SPECIFIC, Category.SPECIFIC, Outcome.UNPARSEABLE])
        prediction = Prediction(key, picture.ground_truth, response, response_tokens=110)
        if isinstance(outcome, Category):
            yield Judged(prediction, answer, outcome, source="server", confidence=0.9)
        else:
            yield Judged(prediction, None, outcome, refusal="no-answer")
