"""Lets a policy answer held-out pictures, greedily: what `speciarl evaluate --predictions` judges and reports.

python -m recipes.quickstart.evaluate --model HF_DIR --data test.parquet --out before.jsonl
"""

import io
import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from recipes.quickstart.policy import PROMPT
from recipes.quickstart.responses import respond
from recipes.quickstart.stage import run_stage
from speciarl_verl.evaluation.pictures import PictureFiles, read_pictures
from speciarl_verl.files import write_text
from speciarl_verl.prompts import load_prompt


def main(
    model: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Hugging Face folder of the policy.")],
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Parquet of held-out pictures.")],
    out: Annotated[Path, typer.Option(help="JSONL that is written.")],
) -> None:
    """Answer every picture of a parquet."""
    rows, files = read_pictures([str(data)]), PictureFiles()
    pictures = [Image.open(io.BytesIO(files.read(row))).convert("RGB") for row in rows]
    policy = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32).eval()
    responses = respond(policy, AutoProcessor.from_pretrained(model), pictures, load_prompt(PROMPT))
    lines = [
        json.dumps({"dataset": row.dataset, "image": row.image, "response": response})
        for row, response in zip(rows, responses, strict=True)
    ]
    write_text(out, "\n".join(lines) + "\n")


if __name__ == "__main__":
    run_stage(main)
