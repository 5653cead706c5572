"""FGVC-Aircraft: 3,334 training, 3,333 validation and 3,333 test pictures of 100 variants.

Source: https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/ (`fgvc-aircraft-2013b.tar.gz`). In its folder `data`:
    variants.txt                             one variant a line, such as `737-300` or `Cessna 172`
    images_variant_{train,val,test}.txt      <picture, without .jpg> <variant>
    images/<picture>.jpg                     its last 20 rows name the photographer; the publisher asks to cut them off
"""

from pathlib import Path

from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.lists import read_lines
from data_prep.readers.picture_files import check_all_listed
from data_prep.source import open_source

BANNER = 20
"""Rows of pixels."""

_SPLITS = ("train", "val", "test")
_FILES = ("variants.txt", *(f"images_variant_{split}.txt" for split in _SPLITS), "images")
_CURE = "unpack fgvc-aircraft-2013b.tar.gz again, or give the archive itself"


def read_fgvc_aircraft(given: Path, scratch: Path) -> Listing:
    """List FGVC-Aircraft by variant.

    Raises:
        DataPrepError: a list is missing or empty, or names a variant that `variants.txt` does not have.
    """
    root = open_source(given, scratch, archives={"fgvc-aircraft*": "variants.txt"}).root_of(_FILES, _CURE)
    variants = [line.fields[0] for line in read_lines(root / "variants.txt")]
    ids = {name: position for position, name in enumerate(variants)}
    examples = []
    for split in _SPLITS:
        for line in read_lines(root / f"images_variant_{split}.txt", fields=2):
            variant = line.fields[1]
            if variant not in ids:
                raise line.error(f"variant {variant!r} is not in variants.txt")
            examples.append(Example(file_name=f"{line.fields[0]}.jpg", label_id=ids[variant], split=split))
    check_all_listed(root / "images", {example.file_name for example in examples}, "images_variant_*.txt")
    return Listing(
        name="fgvc_aircraft",
        classes=tuple(name.replace("_", " ") for name in variants),
        examples=tuple(examples),
        store=FileStore(root / "images"),
    ).check(given)
