"""Any image-classification data set of the Hugging Face hub, by its id or from a local copy, through `datasets`.

The label column is a ClassLabel, texts or whole numbers; numbers and ids need their names in a file. In names `_`
becomes a space, and numbers before all names come off.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_prep.class_names import name_classes
from data_prep.error import DataPrepError
from data_prep.left_out import LeftOut
from data_prep.listing import Example, Listing, Stamp, unseen_classes
from data_prep.splits import NONE, SplitNames, cure

_UNLABELLED = -1
"""What the hub's data sets write where a test label is withheld."""

_CURE = "give the id of an image-classification data set, or the folder of a local copy"


@dataclass(frozen=True)
class HubStore:
    """Pictures in a data set; named `<split>/<row>`. Worker processes open it again, each once."""

    source: str
    config: str | None
    revision: str | None
    image_column: str

    def stamp(self, file_name: str) -> Stamp:
        split, row = file_name.split("/")
        part = _open(self.source, self.config, self.revision)[split]
        # The sizes of single pictures would cost reading all of them; the fingerprint stands for the content.
        mark = hashlib.sha256(f"{part._fingerprint}/{row}".encode()).digest()
        size = part.data.nbytes // part.data.num_rows
        return Stamp(size=size, modified=int.from_bytes(mark[:6], "big"))

    def read(self, file_name: str) -> bytes:
        split, row = file_name.split("/")
        image = _pictures(self, split)[int(row)][self.image_column]
        if image is None:
            return b""
        if image["bytes"] is not None:
            return bytes(image["bytes"])
        return Path(image["path"]).read_bytes()

    def where(self, file_name: str) -> str:
        return f"{self.source}, {file_name}"


@dataclass(frozen=True)
class HubReader:
    """How to read a data set of the hub.

    Attributes:
        name: becomes `data_source`; the last part of the id when None.
        config: the data set's configuration, where it has several.
        names: a file that says what labels mean that are numbers or ids.
    """

    name: str | None = None
    config: str | None = None
    revision: str | None = None
    image_column: str = "image"
    label_column: str = "label"
    names: Path | None = None
    splits: SplitNames = field(default_factory=SplitNames)

    def __call__(self, given: Path, scratch: Path) -> Listing:
        """List the data set.

        Raises:
            DataPrepError: it cannot be loaded, or has no such columns, labels or splits.
        """
        source = str(given)
        parts = _open(source, self.config, self.revision)
        feature = self._label_feature(source, parts)
        splits = self._splits(source, parts)
        calls = {name: self._calls(source, feature, part) for name, part in parts.items() if splits[name] != NONE}
        used = {call for part in calls.values() for call in part if call is not None}
        order = getattr(feature, "names", None) or sorted(used, key=_number_or_text)
        kept = [call for call in order if call in used]
        naming = name_classes(source, kept, self.names, underscores=True, ordered=True)
        examples = tuple(
            Example(_file_name(name, row), naming.ids[call], splits[name])
            for name, part in calls.items()
            for row, call in enumerate(part)
            if call is not None
        )
        left_out = tuple(
            LeftOut(f"pictures of a split (--split {name}=none)", part.num_rows, (name,))
            for name, part in parts.items()
            if name not in calls
        )
        bare = [_file_name(name, row) for name, part in calls.items() for row, call in enumerate(part) if call is None]
        left_out += LeftOut.of("pictures without a label", bare)
        left_out += LeftOut.of("classes without a picture", [call for call in order if call not in used])
        return Listing(
            name=self.name or source.rstrip("/").split("/")[-1],
            classes=naming.labels,
            examples=examples,
            store=HubStore(source, self.config, self.revision, self.image_column),
            left_out=left_out,
            notes=naming.notes + unseen_classes(naming.labels, examples),
        ).check(source)

    def _label_feature(self, source: str, parts: Mapping[str, Any]) -> Any:
        if not parts:
            raise DataPrepError(f"{source}: has no rows: {_CURE}")
        features = next(iter(parts.values())).features
        for column in (self.image_column, self.label_column):
            if column not in features:
                held = ", ".join(features)
                raise DataPrepError(f"{source}: no column {column!r} (it has {held}): name it with a flag")
        if type(features[self.image_column]).__name__ != "Image":
            raise DataPrepError(f"{source}: column {self.image_column!r} holds no images: name it with --image-column")
        return features[self.label_column]

    def _splits(self, source: str, parts: Mapping[str, Any]) -> dict[str, str | None]:
        """What the splits are; None where there is only one for training, or one that nobody knows."""
        self.splits.check_used(parts, source)
        found = {name: self.splits.get(name) for name in parts}
        if len(found) > 1 and None in found.values():
            name = next(name for name, split in found.items() if split is None)
            raise DataPrepError(f"{source}: split {name!r} is not known: {cure(name)}")
        whole = set(found.values()) - {NONE} == {"train"}
        return {name: None if whole and split == "train" else split for name, split in found.items()}

    def _calls(self, source: str, feature: Any, part: Any) -> list[str | None]:
        """What the rows of a split call their class; None where it is withheld."""
        names = getattr(feature, "names", None)
        calls: list[str | None] = []
        for row, value in enumerate(part[self.label_column][:]):
            if value is None or value == _UNLABELLED or (isinstance(value, str) and not value.strip()):
                calls.append(None)
            elif isinstance(value, bool) or not isinstance(value, (int, str)):
                where = f"{source}: column {self.label_column!r}, row {row}"
                raise DataPrepError(f"{where}: a {type(value).__name__} is no label: name another with --label-column")
            else:
                calls.append(names[value] if names is not None else str(value))
        return calls


def _file_name(split: str, row: int) -> str:
    return f"{split}/{row:08d}"


def _number_or_text(call: str) -> tuple[int, str]:
    return (int(call), "") if call.isascii() and call.isdigit() else (-1, call)


@lru_cache(maxsize=1)
def _open(source: str, config: str | None, revision: str | None) -> dict[str, Any]:
    import datasets

    datasets.disable_progress_bars()
    path = Path(source)
    try:
        if (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file():
            loaded = datasets.load_from_disk(source)
        else:
            loaded = datasets.load_dataset(source, name=config, revision=revision)
    except Exception as error:  # `datasets`, fsspec and the hub client each have their own families of errors
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataPrepError(f"{source}: cannot be loaded ({reason}): {_CURE}") from error
    parts = dict(loaded) if isinstance(loaded, datasets.DatasetDict) else {"train": loaded}
    return {name: part for name, part in parts.items() if part.num_rows}


@lru_cache(maxsize=8)
def _pictures(store: HubStore, split: str) -> Any:
    import datasets

    part = _open(store.source, store.config, store.revision)[split]
    return part.cast_column(store.image_column, datasets.Image(decode=False))
