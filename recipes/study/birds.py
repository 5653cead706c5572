"""Writes what a training of one seed is given: pictures of birds in the layout that `data_prep folder` reads.

    python -m recipes.study.birds --out DIR --seed 0

`DIR` gets `pictures/` with `metadata.csv` (train and val) and `taxonomy.json` of all six domains for the offline judge.
Held-out pictures are not written: `held_out` draws them anew, the same ones for a seed.
"""

import csv
import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from recipes.quickstart.output import whole_folder
from recipes.quickstart.stage import run_stage
from recipes.study.drawing import Pictures, render
from recipes.study.evidence import Evidence, draw
from recipes.study.world import BIRDS, DOMAINS, Domain, taxonomy

# Streams of chance of one seed; the warm-up draws from stream 0.
_TRAIN, _HELD_OUT = 1, 2


def held_out(domain: Domain, n: int, seed: int) -> tuple[Evidence, Pictures]:
    """The first n of a seed's pictures for evaluation, in none of its trainings."""
    chance = np.random.default_rng([seed, _HELD_OUT, DOMAINS.index(domain)])
    evidence = draw(domain, n, chance)
    return evidence, render(evidence, chance)


def main(
    out: Annotated[Path, typer.Option(help="Folder that is written.")],
    train: Annotated[int, typer.Option(min=1, help="Pictures to train on.")] = 3000,
    val: Annotated[int, typer.Option(min=1, help="Pictures that verl validates on.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the pictures.")] = 0,
) -> None:
    """Draw a seed's birds."""
    chance = np.random.default_rng([seed, _TRAIN])
    evidence = draw(BIRDS, train + val, chance)
    with whole_folder(out) as partial:
        folder = partial / "pictures"
        folder.mkdir()
        with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["file_name", "label", "split"])
            for number, (label, picture) in enumerate(zip(evidence.labels(), render(evidence, chance), strict=True)):
                Image.fromarray(picture).save(folder / f"{number:05d}.png")
                table.writerow([f"{number:05d}.png", label, "train" if number < train else "val"])
        (partial / "taxonomy.json").write_text(json.dumps(taxonomy(), indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{out}: {train} + {val} pictures of {BIRDS.name}")


if __name__ == "__main__":
    run_stage(main)
