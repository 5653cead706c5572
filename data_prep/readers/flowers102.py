"""Oxford 102 Flowers: 1,020 training, 1,020 validation and 6,149 test pictures.

Source: https://www.robots.ox.ac.uk/~vgg/data/flowers/102/. In the folder:
    102flowers.tgz or jpg/image_00001.jpg ...
    imagelabels.mat  labels (8189,), the class number of every picture, from 1
    setid.mat        trnid, valid, tstid: the numbers of the pictures of each split, from 1
"""

from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.flowers102_names import FLOWERS102_NAMES
from data_prep.readers.mat import integers, read_mat
from data_prep.source import open_source

_SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}
_CURE = "put 102flowers.tgz (or its jpg folder), imagelabels.mat and setid.mat into one folder and give that"


def read_flowers102(given: Path, scratch: Path) -> Listing:
    """List Flowers-102.

    Raises:
        DataPrepError: a file is missing or damaged, a picture has no label or is in two splits.
    """
    source = open_source(given, scratch, archives={"102flowers*": "jpg"})
    label_path, split_path = source.find("imagelabels.mat", _CURE), source.find("setid.mat", _CURE)
    pictures = source.find("jpg", _CURE)
    raw = read_mat(label_path, "labels")["labels"]
    labels = integers(label_path, raw, 1, len(FLOWERS102_NAMES), "the label of picture")
    examples = []
    seen: dict[int, str] = {}
    for split, numbers in read_mat(split_path, *_SPLITS.values()).items():
        for number in integers(split_path, numbers, 1, len(labels), f"{split} number"):
            if number in seen:
                raise DataPrepError(
                    f"{split_path}: picture {number} is in {seen[number]} and in {split}: restore the publisher's file"
                )
            seen[number] = split
    if len(seen) < len(labels):
        number = next(number for number in range(1, len(labels) + 1) if number not in seen)
        raise DataPrepError(f"{split_path}: picture {number} is in no split: restore the publisher's file")
    names = {variable: split for split, variable in _SPLITS.items()}
    for number, variable in sorted(seen.items()):
        examples.append(
            Example(file_name=f"image_{number:05d}.jpg", label_id=labels[number - 1] - 1, split=names[variable])
        )
    return Listing(
        name="flowers102", classes=FLOWERS102_NAMES, examples=tuple(examples), store=FileStore(pictures)
    ).check(given)
