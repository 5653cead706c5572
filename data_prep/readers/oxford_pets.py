"""Oxford-IIIT Pet: 3,680 training and 3,669 test pictures of 37 breeds.

Source: https://www.robots.ox.ac.uk/~vgg/data/pets/ (`images.tar.gz`, `annotations.tar.gz`). In the folder:
    annotations/trainval.txt, annotations/test.txt, and list.txt for both together:
        <picture, without .jpg> <class number, from 1> <1 cat, 2 dog> <breed number>; # begins a comment
    images/<breed>_<number>.jpg
"""

import re
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.lists import read_lines
from data_prep.source import open_source

_LISTS = {"train": "trainval.txt", "test": "test.txt"}
_CURE = "put images.tar.gz and annotations.tar.gz (or both unpacked) into one folder and give that"
_MOST_CLASSES = 10_000


def read_oxford_pets(given: Path, scratch: Path) -> Listing:
    """List Oxford-IIIT Pet; `trainval` is train.

    Raises:
        DataPrepError: a list is missing, truncated, or gives a class to pictures of two breeds.
    """
    source = open_source(given, scratch, {"images.tar*": "images", "annotations.tar*": "annotations"})
    annotations = source.root_of((*_LISTS.values(), "list.txt"), _CURE)
    pictures = source.find("images", _CURE)
    breeds: dict[int, str] = {}
    examples = []
    for split, name in _LISTS.items():
        for line in read_lines(annotations / name, fields=4, comment="#"):
            picture = line.fields[0]
            number = line.integer(1, 1, _MOST_CLASSES, "the class")
            breed = re.sub(r"_\d+$", "", picture)
            if breeds.setdefault(number, breed) != breed:
                raise line.error(f"class {number} is {breeds[number]} elsewhere, here {breed}")
            examples.append(Example(file_name=f"{picture}.jpg", label_id=number - 1, split=split))
    listed = {example.file_name for example in examples}
    for line in read_lines(annotations / "list.txt", fields=4, comment="#"):
        if f"{line.fields[0]}.jpg" not in listed:
            raise line.error(f"{line.fields[0]} is in neither trainval.txt nor test.txt, one may be truncated")
    missing = set(range(1, max(breeds) + 1)) - set(breeds)
    if missing:
        raise DataPrepError(f"{annotations}: no picture of class {min(missing)}: restore the publisher's lists")
    return Listing(
        name="oxford_pets",
        classes=tuple(breeds[number].replace("_", " ") for number in sorted(breeds)),
        examples=tuple(examples),
        store=FileStore(pictures),
    ).check(given)
