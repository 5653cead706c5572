"""Another split than the publisher's: a JSON of file names by split, in the form of the CoOp splits.

    {"train": [["image_05118.jpg", 76, "passion flower"], ...], "val": [...], "test": [...]}
Only the first of the three is used: labels stay those of the reader. Pictures that the file does not name are left out.
Source of the form: https://github.com/KaiyangZhou/CoOp, `split_zhou_*.json`.
"""

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

from data_prep.error import DataPrepError
from data_prep.file_names import composed
from data_prep.left_out import LeftOut
from data_prep.listing import Listing
from speciarl_verl.data_contract import SPLITS

_CURE = "give a split file that was made for this data set"


def apply_split_file(listing: Listing, path: Path) -> Listing:
    """The pictures of `listing` that the file names, with the splits that it gives and in its order.

    Raises:
        DataPrepError: the file is not of that form, or names a picture that is not there, or twice.
    """
    wanted = _read(path)
    examples = {example.file_name: example for example in listing.examples}
    for name in wanted:
        if name not in examples:
            raise DataPrepError(f"{path}: picture {name} is not in {listing.name}: {_CURE}")
    kept = tuple(replace(examples[name], split=split) for name, split in wanted.items())
    rest = [example.file_name for example in listing.examples if example.file_name not in wanted]
    left_out = listing.left_out + LeftOut.of(f"pictures that {path} does not name", rest)
    return replace(listing, examples=kept, left_out=left_out)


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataPrepError(f"{path}: not a readable JSON file ({error}): {_CURE}") from error
    if not isinstance(content, dict) or not content or set(content) - set(SPLITS):
        raise DataPrepError(f"{path}: not an object of lists named train, val and test: {_CURE}")
    wanted: dict[str, str] = {}
    for split, rows in content.items():
        for row in rows if isinstance(rows, list) else [None]:
            name = row[0] if isinstance(row, list) and row else row
            if not isinstance(name, str):
                raise DataPrepError(f"{path}: {split}: {row!r} does not begin with a file name: {_CURE}")
            key = composed(str(PurePosixPath(name.replace("\\", "/"))))
            if key in wanted:
                raise DataPrepError(f"{path}: picture {key} is in {wanted[key]} and in {split}: {_CURE}")
            wanted[key] = split
    return wanted
