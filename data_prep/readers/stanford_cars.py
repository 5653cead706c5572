"""Stanford Cars: 8,144 training and 8,041 test pictures of 196 models.

Source: https://ai.stanford.edu/~jkrause/cars/car_dataset.html (gone; mirrors keep its files). In the folder, either
the devkit's layout:
    devkit/cars_meta.mat (or car_devkit.tgz)   class_names (196,)
    devkit/cars_train_annos.mat                annotations: fname, class (from 1)
    cars_test_annos_withlabels.mat             the same for test; the devkit's own test file has no labels
    cars_train/, cars_test/                    (or cars_train.tgz, cars_test.tgz)
or that of the single archive:
    cars_annos.mat                             class_names; annotations: relative_im_path, class, test (0 or 1)
    car_ims/                                   (or car_ims.tgz)
For a mirror on a hub see `data_prep hub`.
"""

import unicodedata
from pathlib import Path
from typing import Any

from data_prep.error import DataPrepError
from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.mat import integers, read_mat
from data_prep.source import Source, open_source

NAME = "stanford_cars"
_ARCHIVES = {
    "car_devkit*": "cars_meta.mat",
    "cars_train.*": "cars_train",
    "cars_test.*": "cars_test",
    "car_ims*": "car_ims",
}
_CURE = (
    "put car_devkit.tgz, cars_train.tgz, cars_test.tgz (or their folders) and cars_test_annos_withlabels.mat into one "
    "folder and give that"
)


def read_stanford_cars(given: Path, scratch: Path) -> Listing:
    """List Stanford Cars from either layout.

    Raises:
        DataPrepError: a file is missing or damaged, or a label is out of range.
    """
    source = open_source(given, scratch, _ARCHIVES)
    single = source.holds("cars_annos.mat") or source.holds("car_ims")
    return (_single(source) if single else _devkit(source)).check(given)


def _single(source: Source) -> Listing:
    path = source.find("cars_annos.mat", _CURE)
    content = read_mat(path, "class_names", "annotations")
    classes, table = _names(content["class_names"]), content["annotations"]
    tests = integers(path, _field(path, table, "test"), 0, 1, "the test mark of picture")
    labelled = _labelled(path, table, "relative_im_path", len(classes))
    examples = [
        Example(file_name=name, label_id=label, split="test" if test else "train")
        for (name, label), test in zip(labelled, tests, strict=True)
    ]
    folders = {"car_ims": source.find("car_ims", _CURE)}
    return Listing(NAME, classes, tuple(examples), FileStore(path.parent, folders))


def _devkit(source: Source) -> Listing:
    classes = _names(read_mat(source.find("cars_meta.mat", _CURE), "class_names")["class_names"])
    lists = {"train": "cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
    folders = {f"cars_{split}": source.find(f"cars_{split}", _CURE) for split in lists}
    examples = []
    for split, name in lists.items():
        path = source.find(name, _CURE)
        table = read_mat(path, "annotations")["annotations"]
        examples += [
            Example(file_name=f"cars_{split}/{picture}", label_id=label, split=split)
            for picture, label in _labelled(path, table, "fname", len(classes))
        ]
    return Listing(NAME, classes, tuple(examples), FileStore(source.given, folders))


def _names(values: Any) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", str(value)) for value in values)


def _labelled(path: Path, table: Any, name_field: str, classes: int) -> list[tuple[str, int]]:
    labels = integers(path, _field(path, table, "class"), 1, classes, "the class of picture")
    names = [str(value) for value in _field(path, table, name_field)]
    return [(name, label - 1) for name, label in zip(names, labels, strict=True)]


def _field(path: Path, table: Any, name: str) -> Any:
    if name not in (table.dtype.names or ()):
        raise DataPrepError(f"{path}: its annotations have no field {name!r}: {_CURE}")
    return table[name]
