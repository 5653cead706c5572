"""Caltech-101: about 8,700 pictures of 101 categories; the publisher has no split.

Source: https://data.caltech.edu/records/mzrjq-6wc02 (`caltech-101.zip`, which holds `101_ObjectCategories.tar.gz`).
    101_ObjectCategories/<category>/image_0001.jpg; the category BACKGROUND_Google is clutter and is left out
"""

from pathlib import Path

from data_prep.file_names import composed
from data_prep.left_out import LeftOut
from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.picture_files import pictures_in, subfolders
from data_prep.source import open_source

_FOLDER = "101_ObjectCategories"
_CLUTTER = "BACKGROUND_Google"
_CURE = "unpack caltech-101.zip again, or give the archive itself"


def read_caltech101(given: Path, scratch: Path) -> Listing:
    """List Caltech-101.

    Raises:
        DataPrepError: its folder is missing, or a category has no picture.
    """
    source = open_source(given, scratch, {"caltech-101*": _FOLDER, f"{_FOLDER}*": _FOLDER})
    # Someone who points at 101_ObjectCategories itself means that.
    root = given if given.name == _FOLDER and given.is_dir() else source.find(_FOLDER, _CURE)
    folders = [folder for folder in subfolders(root) if folder.name != _CLUTTER]
    examples = [
        Example(file_name=f"{composed(folder.name)}/{name}", label_id=label_id, split=None)
        for label_id, folder in enumerate(folders)
        for name in pictures_in(folder)
    ]
    clutter = root / _CLUTTER
    left_out = LeftOut.of(f"pictures in {_CLUTTER}", pictures_in(clutter)) if clutter.is_dir() else ()
    classes = tuple(composed(folder.name).replace("_", " ") for folder in folders)
    store = FileStore(root)
    return Listing("caltech101", classes, tuple(examples), store, left_out).check(given)
