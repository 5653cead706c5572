"""Your own pictures: class-named folders, or a table of labels beside the pictures.

    <class>/*.jpg, <split>/<class>/*.jpg, <class>/<split>/*.jpg    see `class_folders`
    metadata.csv or metadata.jsonl                                 a table found in the folder, or any named with
        --labels: columns `file_name`, `label` and, if there is one, `split`
In folder names `_` becomes a space and numbers before all names come off; labels in a table are taken as they are.
"""

from dataclasses import dataclass, field
from pathlib import Path

from data_prep.class_names import name_classes
from data_prep.error import DataPrepError
from data_prep.left_out import LeftOut
from data_prep.listing import Example, FileStore, Listing, unseen_classes
from data_prep.readers.class_folders import read_class_folders
from data_prep.readers.label_table import LabelRow, LabelTable, read_label_table
from data_prep.readers.picture_files import files_in, is_picture, no_pictures, subfolders
from data_prep.readers.table_files import locate
from data_prep.source import open_source
from data_prep.splits import NONE, SplitNames, cure

_TABLES = ("metadata.csv", "metadata.jsonl")


@dataclass(frozen=True)
class FolderReader:
    """How to read a folder of one's own.

    Attributes:
        name: becomes `data_source`.
        labels: the table of labels; None looks for one, then for class-named folders.
        table: the names of its columns.
        names: a file that says what labels mean that are numbers or ids.
        name_encoding: of the names in an archive that are not UTF-8.
        unseen_classes: folders of val and test may name classes that train has not.
    """

    name: str = "folder"
    labels: Path | None = None
    table: LabelTable = field(default_factory=LabelTable)
    splits: SplitNames = field(default_factory=SplitNames)
    names: Path | None = None
    name_encoding: str | None = None
    unseen_classes: bool = False

    def __call__(self, given: Path, scratch: Path) -> Listing:
        """List the folder.

        Raises:
            DataPrepError: no picture, no class, or a table that does not fit the pictures.
        """
        root, passed = _unwrap(open_source(given, scratch, {}, self.name_encoding).roots[-1])
        table = self.labels or next((root / name for name in _TABLES if (root / name).is_file()), None)
        return self._tree(given, root, passed) if table is None else self._table(table, root)

    def _tree(self, given: Path, root: Path, passed: list[str]) -> Listing:
        tree = read_class_folders(root, self.splits, self.unseen_classes)
        naming = name_classes(root, sorted({found.folder for found in tree.pictures}), self.names, underscores=True)
        examples = tuple(Example(found.file_name, naming.ids[found.folder], found.split) for found in tree.pictures)
        left_out = no_pictures(passed) + tree.left_out
        return Listing(self.name, naming.labels, examples, FileStore(root), left_out, naming.notes).check(given)

    def _table(self, table: Path, root: Path) -> Listing:
        rows = read_label_table(table, self.table)
        self.splits.check_used({row.split for row in rows if row.split}, table)
        splits = [self._split(row) for row in rows]
        dropped = [row.file_name for row, split in zip(rows, splits, strict=True) if split == NONE]
        kept = {row.place for row, split in zip(rows, splits, strict=True) if split != NONE}
        labels = sorted({row.label for row in rows if row.place in kept})
        naming = name_classes(table, labels, self.names, underscores=False)
        located = locate(rows, root)
        examples = tuple(
            Example(name, naming.ids[row.label], split)
            for row, name, split in zip(rows, located.names, splits, strict=True)
            if row.place in kept
        )
        left_out = LeftOut.of("rows of splits that --split leaves out", dropped) + located.beside
        notes = naming.notes + located.notes + unseen_classes(naming.labels, examples)
        store = FileStore(root, cure=f"mend its row in {table}, or put the picture there")
        return Listing(self.name, naming.labels, examples, store, left_out, notes).check(table)

    def _split(self, row: LabelRow) -> str | None:
        split = None if row.split is None else self.splits.get(row.split)
        if row.split is not None and split is None:
            raise DataPrepError(f"{row.place}: split {row.split!r} is not known: {cure(row.split)}")
        return split


def _unwrap(root: Path) -> tuple[Path, list[str]]:
    """Go into a folder that holds no picture and no table, but one folder with others or a table inside: archives often
    have such a root. Also returns the files that are passed by."""
    passed: list[str] = []
    while len(folders := subfolders(root)) == 1:
        files = list(files_in(root, deep=False))
        if any(name in _TABLES or is_picture(name) for name in files):
            break
        if not subfolders(folders[0]) and not any((folders[0] / name).is_file() for name in _TABLES):
            break
        passed += files
        root = folders[0]
    return root, passed
