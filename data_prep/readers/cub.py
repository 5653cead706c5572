"""CUB-200-2011: 200 birds, 5,994 training and 5,794 test pictures.

Source: https://www.vision.caltech.edu/datasets/cub_200_2011/ (`CUB_200_2011.tgz`), its README. In the folder:
    classes.txt             <class_id> <class_name>, such as `1 001.Black_footed_Albatross`
    images.txt              <image_id> <path below images/>
    image_class_labels.txt  <image_id> <class_id>
    train_test_split.txt    <image_id> <1 for train, 0 for test>
    images/<class_name>/*.jpg
"""

import re
from pathlib import Path

from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.lists import Line, read_lines
from data_prep.source import open_source

NAME = "cub"
_FILES = ("images.txt", "classes.txt", "image_class_labels.txt", "train_test_split.txt", "images")
_CURE = "unpack CUB_200_2011.tgz again, or give the archive itself"


def read_cub(given: Path, scratch: Path) -> Listing:
    """List CUB, or any data set in its layout, whatever its number of classes.

    Raises:
        DataPrepError: a list is missing, truncated or contradicts another.
    """
    root = open_source(given, scratch, archives={"CUB_200_2011*": "images.txt"}).root_of(_FILES, _CURE)
    classes = {number: line.fields[1] for number, line in _by_number(root / "classes.txt").items()}
    labels = _by_number(root / "image_class_labels.txt")
    parts = _by_number(root / "train_test_split.txt")
    ids = {class_id: position for position, class_id in enumerate(classes)}
    images = read_lines(root / "images.txt", fields=2)
    examples = []
    for line in images:
        image_id, path = line.fields
        label, part = _of(line, labels), _of(line, parts)
        if label.fields[1] not in ids:
            raise label.error(f"class {label.fields[1]!r} is not in classes.txt")
        folder = classes[label.fields[1]]
        if path.split("/")[0] != folder:
            raise label.error(f"image {image_id} is of class {folder}, but lies in {path.split('/')[0]}")
        split = "train" if part.integer(1, 0, 1, "the split") else "test"
        examples.append(Example(file_name=path, label_id=ids[label.fields[1]], split=split))
    listed = {line.fields[0] for line in images}
    for line in [*labels.values(), *parts.values()]:
        if line.fields[0] not in listed:
            raise line.error(f"image {line.fields[0]} has no line in images.txt, which may be truncated")
    return Listing(
        name=NAME,
        classes=tuple(_label(name) for name in classes.values()),
        examples=tuple(examples),
        store=FileStore(root / "images"),
    ).check(given)


def _by_number(path: Path) -> dict[str, Line]:
    table: dict[str, Line] = {}
    for line in read_lines(path, fields=2):
        if table.setdefault(line.fields[0], line) is not line:
            raise line.error(f"number {line.fields[0]} stands in line {table[line.fields[0]].number} too")
    return table


def _of(line: Line, table: dict[str, Line]) -> Line:
    found = table.get(line.fields[0])
    if found is None:
        path = next(iter(table.values())).path
        raise line.error(f"image {line.fields[0]} has no line in {path.name}, which may be truncated")
    return found


def _label(class_name: str) -> str:
    """`001.Black_footed_Albatross` -> `Black footed Albatross`."""
    return re.sub(r"^\d+\.", "", class_name).replace("_", " ").strip()
