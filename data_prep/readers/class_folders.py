"""Class-named folders: `<class>/*.jpg`, `<split>/<class>/*.jpg` or `<class>/<split>/*.jpg`.

What is a split and what a class is told by names and by what lies inside: a split holds class folders, a class holds
pictures. What is neither is refused by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.class_names import names_nothing
from data_prep.error import DataPrepError
from data_prep.file_names import composed
from data_prep.left_out import LeftOut
from data_prep.output import WORK
from data_prep.readers.picture_files import files_in, is_picture, no_pictures, pictures_in, subfolders
from data_prep.splits import NONE, SplitNames, cure, similar_split


@dataclass(frozen=True)
class Found:
    """One picture of a tree.

    Attributes:
        folder: the name of its class folder.
        file_name: relative to the root of the tree.
    """

    split: str | None
    folder: str
    file_name: str


@dataclass
class Tree:
    """All pictures of a tree, and what lies beside them."""

    pictures: list[Found] = field(default_factory=list)
    left_out: tuple[LeftOut, ...] = ()


def read_class_folders(root: Path, splits: SplitNames, unseen_classes: bool) -> Tree:
    """List a tree of class folders.

    Args:
        unseen_classes: val and test may have classes that train has not.

    Raises:
        DataPrepError: a folder is neither a split nor a class, or a picture lies in no class.
    """
    folders = subfolders(root)
    parts = _parts(root, folders, splits)
    tree, others = Tree(), _files(root)
    if parts is None:
        _add_part(tree, others, root, None, root)
        inner = {found.file_name.split("/")[1] for found in tree.pictures if found.file_name.count("/") > 1}
        splits.check_used([*(folder.name for folder in folders), *sorted(inner)], root)
        _split_inside(tree, root, splits)
    else:
        splits.check_used([folder.name for folder in folders], root)
        for folder, split in parts.items():
            if split == NONE:
                tree.left_out += LeftOut.of(f"pictures in {folder} (--split {folder.name}=none)", pictures_in(folder))
            else:
                _add_part(tree, others, root, split, _inside(folder, split))
    tree.left_out += no_pictures(others)
    if {found.split for found in tree.pictures} == {"train"}:
        tree.pictures = [Found(None, found.folder, found.file_name) for found in tree.pictures]
    if not unseen_classes:
        _check_seen(tree, root)
    return tree


def _inside(folder: Path, split: str) -> Path:
    """Go into `seg_train/seg_train` and `train/images`, where these hold the class folders."""
    while len(folders := subfolders(folder)) == 1 and subfolders(folders[0]):
        name = folders[0].name
        if name != folder.name and similar_split(name) != split and names_nothing(name) is None:
            break
        folder = folders[0]
    return folder


def _parts(root: Path, folders: Sequence[Path], splits: SplitNames) -> dict[Path, str] | None:
    """The split folders and what they are; None where the folders are classes."""
    given = {folder: splits.given[folder.name] for folder in folders if folder.name in splits.given}
    rest = [folder for folder in folders if folder not in given]
    known = {folder: split for folder in rest if (split := splits.get(folder.name)) is not None}
    similar = {folder: split for folder in rest if (split := similar_split(folder.name)) is not None}
    if any(map(_holds_classes, known)) or (known and len(known) == len(rest)):
        named = given | known
    elif _are_splits(similar, len(rest)):
        _check_apart(similar)
        named = given | similar
    else:
        named = given
    for folder in folders if named else ():
        if folder not in named:
            beside = ", ".join(other.name for other in named)
            what = f"lies beside the splits {beside} and is none"
            raise DataPrepError(f"{folder}: {what}: {cure(folder.name)}; or label the pictures with --labels")
    return named or None


def _holds_classes(folder: Path) -> bool:
    return bool(subfolders(folder)) and not any(map(is_picture, _files(folder)))


def _are_splits(similar: dict[Path, str], folders: int) -> bool:
    """True for seg_train and seg_test: train and another, which hold class folders or are all there is."""
    holding = {similar[folder] for folder in similar if subfolders(folder)}
    return ("train" in holding and len(holding) > 1) or (len(similar) == folders and len(set(similar.values())) > 1)


def _check_apart(similar: dict[Path, str]) -> None:
    seen: dict[str, Path] = {}
    for folder, split in similar.items():
        other = seen.setdefault(split, folder)
        if other is not folder:
            raise DataPrepError(f"{other} and {folder.name}: both seem to be {split}: {cure(other.name)}")


def _add_part(tree: Tree, others: list[str], root: Path, split: str | None, part: Path) -> None:
    stray = next((name for name in _files(part) if is_picture(name)), None)
    if stray is not None:
        way_out = f", or {cure(part.name)}" if split else ""
        raise DataPrepError(
            f"{part / stray}: lies in no class folder: move it into one, or label it with --labels{way_out}"
        )
    if part != root:
        others += [f"{part.relative_to(root).as_posix()}/{name}" for name in _files(part)]
    for folder in subfolders(part):
        if (folder / WORK).is_dir():
            raise DataPrepError(f"{folder}: is --out, in the midst of the classes: choose another --out")
        prefix = composed(folder.relative_to(root).as_posix())
        names = [f"{prefix}/{name}" for name in files_in(folder, above=(root.resolve(),))]
        held = [name for name in names if is_picture(name)]
        if not held and split is None:
            raise DataPrepError(f"{folder}: class {folder.name!r} has no pictures: restore them, or remove the folder")
        tree.pictures += [Found(split, composed(folder.name), name) for name in held]
        others += [name for name in names if not is_picture(name)]


def _split_inside(tree: Tree, root: Path, splits: SplitNames) -> None:
    """Take the splits from `<class>/<split>/*.jpg`, where a class has any."""
    inner = [found.file_name.split("/")[1:] for found in tree.pictures]
    known = [splits.get(names[0]) if len(names) > 1 else None for names in inner]
    if not any(known):
        return
    for found, split in zip(tree.pictures, known, strict=True):
        if split is None:
            raise DataPrepError(
                f"{root / found.file_name}: lies in no split, while others lie in <class>/train and the like: move it"
            )
    left = [found.file_name for found, split in zip(tree.pictures, known, strict=True) if split == NONE]
    tree.left_out += LeftOut.of("pictures of splits that --split leaves out", left)
    tree.pictures = [
        Found(split, found.folder, found.file_name)
        for found, split in zip(tree.pictures, known, strict=True)
        if split != NONE
    ]


def _check_seen(tree: Tree, root: Path) -> None:
    seen = {found.folder for found in tree.pictures if found.split == "train"}
    for found in tree.pictures:
        if seen and found.folder not in seen:
            raise DataPrepError(
                f"{root / found.file_name}: class {found.folder!r} is in {found.split} and not in train: move it, or "
                "allow such classes with --unseen-classes"
            )


def _files(folder: Path) -> list[str]:
    return list(files_in(folder, deep=False))
