"""Evaluates a policy on held-out birds: greedy answers, the offline judge, the paper's metrics.

    python -m recipes.quickstart.evaluate --model HF_DIR --data test.parquet \
        --visibility DIR/visibility.txt --taxonomy DIR/taxonomy.json --out before.json

Writes the figures, in all and for each visibility, and beside them every prediction (`before.predictions.jsonl`).
The ground truth of every picture is its species, however little it shows, and a response without an answer is wrong.
"""

import asyncio
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import torch
import typer
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from recipes.quickstart.policy import PROMPT
from recipes.quickstart.responses import respond
from recipes.quickstart.stage import run_stage
from recipes.quickstart.world import Visibility
from speciarl_verl.data_contract import check_parquet
from speciarl_verl.errors import InputError
from speciarl_verl.files import whole_file
from speciarl_verl.judge.protocol import Judge, Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.answer import extract_answer
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import compute_metrics
from speciarl_verl.prompts import load_prompt


@dataclass(frozen=True)
class Example:
    """A held-out picture and its species."""

    file_name: str
    picture: Image.Image
    ground_truth: str
    visibility: Visibility


@dataclass(frozen=True)
class Prediction:
    """What was said of one picture, and what it is worth; `answer` is None where the response has none."""

    file_name: str
    visibility: Visibility
    ground_truth: str
    response: str
    answer: str | None
    category: Category

    def as_json(self) -> dict[str, str | None]:
        """Plain data, the category by its symbol."""
        return {
            "file_name": self.file_name,
            "visibility": self.visibility.value,
            "ground_truth": self.ground_truth,
            "response": self.response,
            "answer": self.answer,
            "category": self.category.symbol,
        }


def read_visibilities(visibility: Path) -> dict[str, Visibility]:
    """From file name to what is visible: `visibility.txt` joined with the `images.txt` of the data set beside it.

    Raises:
        OSError: one of the two cannot be read.
        InputError: a line is malformed, or an image has no visibility.
    """
    try:
        shown = {image_id: Visibility(word) for image_id, word in _pairs(visibility)}
    except ValueError as error:
        raise InputError(f"{visibility}: {error}") from None
    names = dict(_pairs(visibility.parent / "CUB_200_2011" / "images.txt"))
    missing = names.keys() - shown.keys()
    if missing:
        raise InputError(f"{visibility}: no line for {len(missing)} images, such as id {min(missing)}")
    return {name: shown[image_id] for image_id, name in names.items()}


def _pairs(path: Path) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        first, _, rest = line.partition(" ")
        if not rest:
            raise InputError(f"{path}:{number}: expected `<image_id> <value>`, got {line!r}")
        yield first, rest


def read_examples(data: Path, visibilities: Mapping[str, Visibility]) -> list[Example]:
    """The rows of a parquet of `data_prep`.

    Raises:
        DataContractError: it is not one.
        InputError: a picture of another world.
    """
    check_parquet(str(data))
    examples = []
    for row in pq.read_table(data, columns=["images", "reward_model", "extra_info"]).to_pylist():
        file_name = row["extra_info"]["file_name"].removeprefix("images/")
        if file_name not in visibilities:
            raise InputError(f"{data}: {file_name} is not in the images.txt beside the visibilities: another data set?")
        picture = Image.open(io.BytesIO(row["images"][0]["bytes"])).convert("RGB")
        examples.append(Example(file_name, picture, row["reward_model"]["ground_truth"], visibilities[file_name]))
    return examples


async def score(examples: Sequence[Example], responses: Sequence[str], judge: Judge) -> list[Prediction]:
    """Extract and judge the answers.

    Raises:
        JudgeError: the judge knows no verdict.
    """
    predictions = []
    for example, response in zip(examples, responses, strict=True):
        answer = extract_answer(response).answer
        category = Category.WRONG
        if answer is not None:
            category = (await judge.judge(Pair(answer, example.ground_truth))).category
        predictions.append(
            Prediction(example.file_name, example.visibility, example.ground_truth, response, answer, category)
        )
    return predictions


def summarise(predictions: Sequence[Prediction]) -> dict[str, object]:
    """The figures of all pictures, and `by_visibility` the same for each that occurs.

    Raises:
        ValueError: there are no predictions.
    """
    by_visibility = {
        visibility.value: _figures(seen)
        for visibility in Visibility
        if (seen := [prediction for prediction in predictions if prediction.visibility is visibility])
    }
    return _figures(predictions) | {"by_visibility": by_visibility}


def _figures(predictions: Sequence[Prediction]) -> dict[str, object]:
    metrics = compute_metrics(prediction.category for prediction in predictions)
    return metrics.as_json() | {"unparseable": sum(prediction.answer is None for prediction in predictions)}


def main(
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Hugging Face folder of the policy.")],
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Parquet of held-out pictures.")],
    visibility: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="visibility.txt of the data set.")],
    taxonomy: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="taxonomy.json of the data set.")],
    out: Annotated[Path, typer.Option(help="JSON that is written.")],
    seed: Annotated[int, typer.Option(help="Greedy decoding needs none; set all the same.")] = 0,
) -> None:
    """Evaluate a policy."""
    torch.manual_seed(seed)
    examples = read_examples(data, read_visibilities(visibility))
    policy = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(model)
    responses = respond(policy, processor, [example.picture for example in examples], load_prompt(PROMPT))
    predictions = asyncio.run(score(examples, responses, TaxonomyJudge.from_file(taxonomy)))
    figures = summarise(predictions)
    with whole_file(out.with_suffix(".predictions.jsonl")) as partial:
        partial.write_text("".join(json.dumps(p.as_json()) + "\n" for p in predictions), encoding="utf-8")
    with whole_file(out) as partial:
        partial.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    shown = " ".join(f"{name} {figures[name]:.3f}" for name in ("specificity", "correctness", "hm"))
    typer.echo(f"{out}: {shown} n {figures['n']} unparseable {figures['unparseable']}")


if __name__ == "__main__":
    run_stage(main)
