"""`speciarl name`: what a model calls some pictures, by the engines, the prompt and the pixels of an evaluation."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from speciarl_verl.data_contract import ABILITY, IMAGE_PLACEHOLDER, REWARD_STYLE, SCHEMA
from speciarl_verl.errors import EvaluationError, InputError
from speciarl_verl.evaluation.pictures import PictureError, open_picture, read_pictures
from speciarl_verl.evaluation.predict.request import PredictRequest, requested_run
from speciarl_verl.evaluation.predict.stage import Resources, build_engine, with_served_model
from speciarl_verl.method.answer import AnswerMode, extract_answer

_PATCH_SIZE = 14
"""Any will do to see whether a picture opens."""


@dataclass(frozen=True)
class Named:
    """What was said of one picture.

    Attributes:
        answer: None where the response holds none; `refusal` names the rule then.
        response: as the model gave it.
    """

    picture: str
    answer: str | None
    refusal: str | None
    response: str


def name_pictures(
    pictures: Sequence[str], request: PredictRequest, resources: Resources, mode: AnswerMode = "strict"
) -> list[Named]:
    """Ask a model, greedily unless the request says otherwise; the answers come in the order of the pictures.

    Args:
        pictures: paths; one that is there twice is asked once.
        request: where the model is, and the prompt; its data are these pictures.

    Raises:
        InputError: a file is missing or is no picture.
        EvaluationError: there is no model, it does not start, or it fails on a picture.
    """
    stored = {path: _read(path) for path in pictures}
    folder = Path(tempfile.mkdtemp(prefix="speciarl-name-"))
    rows = read_pictures([str(_write(folder / "pictures.parquet", stored))])
    run = with_served_model(requested_run(request, rows, None), resources.server)
    named: dict[str, Named] = {}
    with closing(build_engine(run, resources, folder)) as engine:
        for answer in engine.answers(rows):
            if answer.failure is not None:
                raise EvaluationError(f"{answer.picture.image}: {answer.failure}")
            text = answer.responses[0].text
            found = extract_answer(text, mode)
            refusal = None if found.refusal is None else found.refusal.value
            named[answer.picture.image] = Named(answer.picture.image, found.answer, refusal, text)
    # Kept where something failed: the engine's log is in it, and the message names that.
    shutil.rmtree(folder)
    return [named[path] for path in stored]


def _read(path: str) -> bytes:
    file = Path(path).expanduser()
    try:
        data = file.read_bytes()
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder: name the pictures in it") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}: name a picture that is there") from None
    try:
        open_picture(data, _PATCH_SIZE)
    except PictureError as error:
        raise InputError(f"{path}: {error}: give a whole picture, such as a JPEG or PNG") from None
    return data


def _write(file: Path, stored: dict[str, bytes]) -> Path:
    """A parquet of the data contract, which engines read. Its label is asked of nobody."""
    rows = [
        {
            "data_source": "pictures",
            "prompt": [{"role": "user", "content": IMAGE_PLACEHOLDER}],
            "images": [{"bytes": data, "path": None}],
            "ability": ABILITY,
            "reward_model": {"style": REWARD_STYLE, "ground_truth": "unknown"},
            "extra_info": {
                "split": "test",
                "index": index,
                "file_name": path,
                "label_id": 0,
                "content_hash": hashlib.sha256(data).hexdigest(),
            },
        }
        for index, (path, data) in enumerate(stored.items())
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), file)
    return file
