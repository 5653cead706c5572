"""Renders the bird world in the layout of the official CUB_200_2011 archive, so that `data_prep cub` reads it as such.

    python -m recipes.quickstart.birds --out DIR --seed 0

`DIR` gets `CUB_200_2011/` (images and the four lists), `visibility.txt` (`<image_id> clear|hidden|blurred`) and
`taxonomy.json` for the offline judge. Both splits hold every species in every visibility equally often.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from recipes.quickstart.drawing import draw
from recipes.quickstart.output import whole_folder
from recipes.quickstart.stage import run_stage
from recipes.quickstart.world import SPECIES, Species, Visibility, taxonomy


@dataclass(frozen=True)
class Picture:
    """A picture to render; ids and class numbers start at 1, as in CUB."""

    image_id: int
    class_number: int
    species: Species
    visibility: Visibility
    is_train: bool
    file_name: str


def plan(train: int, test: int, seed: int) -> Iterator[Picture]:
    """The pictures of the data set: `train` and `test` of each species in each visibility.

    Those of a class are shuffled, so that neither number nor id gives the visibility away.
    """
    chance = random.Random(seed)
    image_id = 0
    for class_number, species in enumerate(SPECIES, start=1):
        name = species.label.replace(" ", "_")
        kinds = [(visibility, index < train) for visibility in Visibility for index in range(train + test)]
        chance.shuffle(kinds)
        for number, (visibility, is_train) in enumerate(kinds, start=1):
            image_id += 1
            file_name = f"{class_number:03d}.{name}/{name}_{number:04d}.png"
            yield Picture(image_id, class_number, species, visibility, is_train, file_name)


def write_data_set(out: Path, train: int, test: int, seed: int) -> int:
    """Render everything into the folder `out`; gives the number of pictures."""
    pictures = list(plan(train, test, seed))
    root = out / "CUB_200_2011"
    for picture in tqdm(pictures, desc="rendering birds", unit="picture"):
        path = root / "images" / picture.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        # A stream of its own, so that one picture can be rendered again without those before it.
        chance = random.Random(f"{seed}/{picture.image_id}")
        draw(picture.species, picture.visibility, chance).save(path)
    classes = [f"{number} {number:03d}.{species.label.replace(' ', '_')}" for number, species in enumerate(SPECIES, 1)]
    _write_lines(root / "classes.txt", classes)
    _write_lines(root / "images.txt", [f"{p.image_id} {p.file_name}" for p in pictures])
    _write_lines(root / "image_class_labels.txt", [f"{p.image_id} {p.class_number}" for p in pictures])
    _write_lines(root / "train_test_split.txt", [f"{p.image_id} {int(p.is_train)}" for p in pictures])
    _write_lines(out / "visibility.txt", [f"{p.image_id} {p.visibility.value}" for p in pictures])
    (out / "taxonomy.json").write_text(json.dumps(taxonomy(), indent=2) + "\n", encoding="utf-8")
    return len(pictures)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main(
    out: Annotated[Path, typer.Option(help="Folder that is written.")],
    train: Annotated[int, typer.Option(min=1, help="Training pictures of each species in each visibility.")] = 14,
    test: Annotated[int, typer.Option(min=1, help="Held-out pictures of each species in each visibility.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the pictures and their order.")] = 0,
) -> None:
    """Render the bird data set."""
    with whole_folder(out) as partial:
        count = write_data_set(partial, train, test, seed)
    typer.echo(f"{out}: {count} pictures of {len(SPECIES)} species")


if __name__ == "__main__":
    run_stage(main)
