"""How long scoring and reporting take for as many verdicts as Food-101 has test pictures.

python -m tests.evaluation.bench make DIR      # 25,250 pictures, predictions and verdicts
python -m tests.evaluation.bench run DIR       # the stage report, in processes of its own: seconds, three times
"""

import hashlib
import io
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from PIL import Image

from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.evaluation.pictures import Picture, read_pictures
from speciarl_verl.evaluation.pipeline import open_evaluation
from speciarl_verl.evaluation.predict.request import PredictRequest
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import predictions_journal, verdicts_journal
from speciarl_verl.evaluation.verdicts.manifest import JudgeRun, save_judge_run
from speciarl_verl.judge.judge_config import TaxonomyJudgeConfig
from speciarl_verl.method.category import Category

CLASSES, PER_CLASS = 101, 250
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def make(folder: Annotated[Path, typer.Argument()]) -> None:
    """Write the run."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "food101.parquet"
    _write_pictures(data)
    run = folder / "run"
    open_evaluation(run, PredictRequest(data=[str(data)], server="http://127.0.0.1:1", served_model="none"))
    judged = list(_verdicts(read_pictures([str(data)])))
    predictions_journal(run).replace(one.prediction for one in judged)
    verdicts_journal(run).replace(judged)
    save_judge_run(JudgeRun.of(TaxonomyJudgeConfig(), 12), run)


@app.command()
def run(folder: Annotated[Path, typer.Argument()]) -> None:
    """Time the stage."""
    for flag in ("--browser-pictures=0", "--browser-pictures=3000"):
        for _ in range(3):
            started = time.perf_counter()
            command = [sys.executable, "-m", "speciarl_verl.cli", "evaluate", "--stages", "report", flag]
            subprocess.run([*command, "--out", str(folder / "run")], check=True, stdout=subprocess.DEVNULL)
            typer.echo(f"{flag}: {time.perf_counter() - started:.2f} s for {CLASSES * PER_CLASS} verdicts")


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


def _verdicts(pictures: list[Picture]) -> Iterator[Judged]:
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


if __name__ == "__main__":
    app()
