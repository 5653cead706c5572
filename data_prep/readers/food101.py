"""Food-101: 75,750 training and 25,250 test pictures of 101 dishes.

Source: https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/ (`food-101.tar.gz`). In the folder:
    meta/classes.txt               one class a line, such as `apple_pie`
    meta/train.txt, meta/test.txt  <class>/<picture>, without the ending .jpg
    images/<class>/<picture>.jpg
"""

from pathlib import Path

from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.lists import read_lines
from data_prep.readers.picture_files import check_all_listed
from data_prep.source import open_source

_FILES = ("meta/classes.txt", "meta/train.txt", "meta/test.txt", "images")
_CURE = "unpack food-101.tar.gz again, or give the archive itself"


def read_food101(given: Path, scratch: Path) -> Listing:
    """List Food-101.

    Raises:
        DataPrepError: a list is missing or empty, or names a class that `classes.txt` does not have.
    """
    root = open_source(given, scratch, archives={"food-101*": "meta"}).root_of(_FILES, _CURE)
    classes = [line.fields[0] for line in read_lines(root / "meta/classes.txt")]
    ids = {name: position for position, name in enumerate(classes)}
    examples = []
    for split in ("train", "test"):
        for line in read_lines(root / "meta" / f"{split}.txt"):
            path = line.fields[0]
            name = path.split("/")[0]
            if name not in ids or "/" not in path:
                raise line.error(f"{path!r} is not a picture of a class in classes.txt")
            examples.append(Example(file_name=f"{path}.jpg", label_id=ids[name], split=split))
    check_all_listed(root / "images", {example.file_name for example in examples}, "meta/train.txt, meta/test.txt")
    return Listing(
        name="food101",
        classes=tuple(name.replace("_", " ") for name in classes),
        examples=tuple(examples),
        store=FileStore(root / "images"),
    ).check(given)
