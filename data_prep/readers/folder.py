"""Your own pictures: class-named folders, or a table of labels beside the pictures.

    <class>/*.jpg, <split>/<class>/*.jpg, <class>/<split>/*.jpg    see `class_folders`
    metadata.csv or metadata.jsonl                                 a table found in the folder, or any named with
        --labels: columns `file_name`, `label` and, if there is one, `split`
In folder names `_` becomes a space and numbers before all names come off; labels in a table are taken as they are.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from data_prep.class_names import name_classes
from data_prep.error import DataPrepError
from data_prep.left_out import LeftOut
from data_prep.listing import Example, FileStore, Listing
from data_prep.readers.class_folders import read_class_folders
from data_prep.readers.label_table import LabelRow, LabelTable, read_label_table
from data_prep.readers.picture_files import files_in, is_picture, no_pictures, subfolders
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
        kept: list[tuple[LabelRow, str | None]] = []
        dropped: list[LabelRow] = []
        for row in rows:
            split = None if row.split is None else self.splits.get(row.split)
            if row.split is not None and split is None:
                raise DataPrepError(f"{row.place}: split {row.split!r} is not known: {cure(row.split)}")
            if split == NONE:
                dropped.append(row)
            else:
                kept.append((row, split))
        naming = name_classes(table, sorted({row.label for row, _ in kept}), self.names, underscores=False)
        examples = tuple(Example(_inside(row, root), naming.ids[row.label], split) for row, split in kept)
        left_out = LeftOut.of("rows of splits that --split leaves out", [row.file_name for row in dropped])
        left_out += _unlisted(root, [example.file_name for example in examples] + [row.file_name for row in dropped])
        store = FileStore(root, cure=f"mend its row in {table}, or put the picture there")
        return Listing(self.name, naming.labels, examples, store, left_out, naming.notes).check(table)


def _inside(row: LabelRow, root: Path) -> str:
    """The name of a row's picture in the folder, in one way of many."""
    path = PurePosixPath(row.file_name)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    if path.is_absolute() or ".." in parts or not parts:
        raise DataPrepError(f"{row.place}: {row.file_name} lies outside of {root}: give --source a folder of both")
    return "/".join(parts)


def _unlisted(root: Path, names: list[str]) -> tuple[LeftOut, ...]:
    """The pictures beside those of the table, of which it does not speak."""
    listed = set(names)
    folders = Counter(name.rpartition("/")[0] for name in names)
    found = []
    for folder in sorted(folders):
        if (root / folder).is_dir():
            beside = (f"{folder}/{name}" if folder else name for name in files_in(root / folder, deep=False))
            found += [name for name in beside if is_picture(name) and name not in listed]
    return LeftOut.of("pictures beside those of the table, which it does not name", found)


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
