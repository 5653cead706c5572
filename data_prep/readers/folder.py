"""Your own pictures: class-named folders, or a table of labels beside the pictures.

    <class>/*.jpg                    one folder a class
    {train,val,test}/<class>/*.jpg   the same with a split (`valid`, `validation`, `dev`, `eval` are understood)
    metadata.csv or metadata.jsonl   a table found in the folder, or any named with --labels: columns `file_name`,
                                     `label` and, if there is one, `split`
In folder names `_` becomes a space; labels in a table are taken as they are.
"""

from dataclasses import dataclass, field
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.label_table import LabelTable, read_label_table
from data_prep.readers.picture_files import composed, is_picture, pictures_in, subfolders
from data_prep.source import open_source

_TABLES = ("metadata.csv", "metadata.jsonl")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
}


@dataclass(frozen=True)
class FolderReader:
    """How to read a folder of one's own.

    Attributes:
        name: becomes `data_source`.
        labels: the table of labels; None looks for one, then for class-named folders.
        table: the names of its columns.
    """

    name: str = "folder"
    labels: Path | None = None
    table: LabelTable = field(default_factory=LabelTable)

    def __call__(self, given: Path, scratch: Path) -> Listing:
        """List the folder.

        Raises:
            DataPrepError: no picture, no class, or a table that does not fit the pictures.
        """
        root = _unwrap(open_source(given, scratch, {}).roots[-1])
        table = self.labels or next((root / name for name in _TABLES if (root / name).is_file()), None)
        if table is None:
            return _class_folders(self.name, root).check(given)
        rows = read_label_table(table, self.table)
        classes = tuple(sorted({row.label for row in rows}))
        ids = {label: position for position, label in enumerate(classes)}
        examples = []
        for row in rows:
            split = None if row.split is None else SPLIT_NAMES.get(row.split.lower())
            if row.split is not None and split is None:
                raise DataPrepError(f"{table}: {row.place}: split {row.split!r} is not known: use train, val or test")
            examples.append(Example(file_name=row.file_name, label_id=ids[row.label], split=split))
        return Listing(self.name, classes, tuple(examples), FileStore(root)).check(table)


def _class_folders(name: str, root: Path) -> Listing:
    folders = subfolders(root)
    parts: list[tuple[str | None, Path]] = [(None, root)]
    if folders and all(folder.name.lower() in SPLIT_NAMES for folder in folders):
        parts = [(SPLIT_NAMES[folder.name.lower()], folder) for folder in folders]
    found: list[tuple[str | None, str, str]] = []
    labels: set[str] = set()
    for split, part in parts:
        stray = next((path for path in sorted(part.iterdir()) if is_picture(path)), None)
        if stray is not None:
            raise DataPrepError(f"{stray}: lies in no class folder: move it into one, or label it with --labels")
        for folder in subfolders(part):
            label = composed(folder.name).replace("_", " ")
            labels.add(label)
            prefix = composed(folder.relative_to(root).as_posix())
            found += [(split, label, f"{prefix}/{picture}") for picture in pictures_in(folder)]
    classes = tuple(sorted(labels))
    ids = {label: position for position, label in enumerate(classes)}
    examples = tuple(Example(file_name=file, label_id=ids[label], split=split) for split, label, file in found)
    return Listing(name, classes, examples, FileStore(root))


def _unwrap(root: Path) -> Path:
    """Go into a folder that holds nothing but another one with folders in it: archives often have such a root."""
    while len(entries := [path for path in root.iterdir() if not path.name.startswith(".")]) == 1:
        inner = entries[0]
        if not inner.is_dir() or not (subfolders(inner) or any((inner / name).is_file() for name in _TABLES)):
            break
        root = inner
    return root
