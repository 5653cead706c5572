"""Any image-classification data set of the Hugging Face hub, by its id or from a local copy, through `datasets`.

The label column is a ClassLabel, or texts; whole numbers need their names in a file. In names `_` becomes a space.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_prep.error import DataPrepError
from data_prep.listing import Example, Listing, Stamp
from data_prep.readers.folder import SPLIT_NAMES
from data_prep.readers.lists import read_lines

logger = logging.getLogger(__name__)

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
        names: a file with one class name a line, for labels that are bare numbers.
    """

    name: str | None = None
    config: str | None = None
    revision: str | None = None
    image_column: str = "image"
    label_column: str = "label"
    names: Path | None = None

    def __call__(self, given: Path, scratch: Path) -> Listing:
        """List the data set.

        Raises:
            DataPrepError: it cannot be loaded, or has no such columns, labels or splits.
        """
        source = str(given)
        parts = _open(source, self.config, self.revision)
        features = next(iter(parts.values())).features
        for column in (self.image_column, self.label_column):
            if column not in features:
                held = ", ".join(features)
                raise DataPrepError(f"{source}: no column {column!r} (it has {held}): name it with a flag")
        if type(features[self.image_column]).__name__ != "Image":
            raise DataPrepError(f"{source}: column {self.image_column!r} holds no images: name it with --image-column")
        labels = {name: part[self.label_column][:] for name, part in parts.items()}
        classes = self._classes(source, features[self.label_column], labels)
        examples = tuple(_examples(source, classes, labels))
        unlabelled = sum(map(len, labels.values())) - len(examples)
        if unlabelled:
            logger.warning("%s: %d pictures without a label are left out", source, unlabelled)
        return Listing(
            name=self.name or source.rstrip("/").split("/")[-1],
            classes=tuple(label.replace("_", " ") for label in classes),
            examples=examples,
            store=HubStore(source, self.config, self.revision, self.image_column),
        ).check(source)

    def _classes(self, source: str, feature: Any, labels: dict[str, Sequence[Any]]) -> tuple[str, ...]:
        if self.names is not None:
            return tuple(line.fields[0] for line in read_lines(self.names))
        if hasattr(feature, "names"):
            return tuple(feature.names)
        texts = {value for values in labels.values() for value in values if value is not None}
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise DataPrepError(f"{source}: column {self.label_column!r} has labels without a name: give --names FILE")
        return tuple(sorted(texts))


def _examples(source: str, classes: Sequence[str], labels: dict[str, Sequence[Any]]) -> Iterator[Example]:
    ids: dict[Any, int] = {label: position for position, label in enumerate(classes)}
    ids.update({position: position for position in range(len(classes))})
    for name, values in labels.items():
        if name.lower() not in SPLIT_NAMES:
            raise DataPrepError(f"{source}: split {name!r} is none of train, validation, test: rename it")
        split = None if list(labels) == ["train"] else SPLIT_NAMES[name.lower()]
        for row, label in enumerate(values):
            if label is None or label == _UNLABELLED:
                continue
            if label not in ids:
                raise DataPrepError(f"{source}, {name}/{row}: label {label!r} has no name: give --names FILE")
            yield Example(f"{name}/{row:08d}", ids[label], split)


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
