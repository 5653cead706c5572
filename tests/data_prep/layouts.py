"""Every publisher's layout in miniature, with the awkward cases that real sources have.

Names hold spaces and diacritics, lists have Windows line ends and byte order marks, pictures are grey or PNGs named
.jpg, folders hold files of no interest. `pack` makes the publisher's archives, with what macOS leaves in them.
"""

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

from data_prep.readers.flowers102_names import FLOWERS102_NAMES
from tests.data_prep.sample_pictures import any_kind

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


@dataclass
class Layout:
    """A source in miniature.

    Attributes:
        root: what is given with --source.
        rows: file name -> (label, split, bytes) of every picture; split None where the publisher has none.
        lists: the files that are read besides pictures, relative to `root`.
        archives: name of the publisher's archive -> what goes into it, relative to `root`.
    """

    root: Path
    rows: dict[str, tuple[str, str | None, bytes]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    archives: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def picture(self, path: str, file_name: str, label: str, split: str | None) -> None:
        """Put a picture at `path` and expect it as `file_name`."""
        data = any_kind(len(self.rows))
        self.write(path, data)
        self.rows[file_name] = (label, split, data)

    def write(self, path: str, content: bytes | str) -> None:
        """Put a file below the root; a text is written as UTF-8."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def cub(root: Path) -> Layout:
    layout = Layout(root)
    base = "CUB_200_2011"
    classes = ["001.Black_footed_Albatross", "002.Ñandú_común", "003.Le Conte's_Sparrow"]
    labels = ["Black footed Albatross", "Ñandú común", "Le Conte's Sparrow"]
    images, ids, splits = [], [], []
    for number in range(1, 31):
        which = number % 3
        name = f"{classes[which]}/Bird {number:04d}.jpg"
        layout.picture(f"{base}/images/{name}", name, labels[which], "train" if number % 2 else "test")
        images.append(f"{number} {name}")
        ids.append(f"{number} {which + 1}")
        splits.append(f"{number} {number % 2}")
    layout.write(f"{base}/images.txt", "\r\n".join(images) + "\r\n")
    layout.write(f"{base}/image_class_labels.txt", "\n".join(ids))
    layout.write(f"{base}/train_test_split.txt", "\ufeff" + "\n".join(splits) + "\n\n")
    layout.write(f"{base}/classes.txt", "".join(f"{i + 1} {name}\n" for i, name in enumerate(classes)))
    layout.write(f"{base}/visibility.txt", "1 clear\n")
    layout.write(f"{base}/images/._{classes[0]}", APPLE_DOUBLE)
    layout.write(f"{base}/attributes/certainties.txt", "1 not visible\n")
    layout.lists = tuple(
        f"{base}/{name}.txt" for name in ("images", "image_class_labels", "train_test_split", "classes")
    )
    layout.archives = {"CUB_200_2011.tgz": (base,)}
    return layout


def flowers102(root: Path) -> Layout:
    layout = Layout(root)
    labels = [1 + number % 102 for number in range(306)]
    splits = {"train": range(1, 103), "val": range(103, 205), "test": range(205, 307)}
    for split, numbers in splits.items():
        for number in numbers:
            name = f"image_{number:05d}.jpg"
            layout.picture(f"jpg/{name}", name, FLOWERS102_NAMES[labels[number - 1] - 1], split)
    write_mat(layout, "imagelabels.mat", {"labels": np.array([labels], np.uint8)})
    names = {"train": "trnid", "val": "valid", "test": "tstid"}
    write_mat(layout, "setid.mat", {names[s]: np.array([list(n)], np.uint16) for s, n in splits.items()})
    layout.write("._setid.mat", APPLE_DOUBLE)
    layout.lists = ("imagelabels.mat", "setid.mat")
    layout.archives = {"102flowers.tgz": ("jpg",)}
    return layout


def food101(root: Path) -> Layout:
    layout = Layout(root)
    classes = ["apple_pie", "crème_brûlée", "pad_thai"]
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(30):
        name, split = f"{classes[number % 3]}/{1000 + number}", "train" if number % 5 else "test"
        layout.picture(f"food-101/images/{name}.jpg", f"{name}.jpg", classes[number % 3].replace("_", " "), split)
        lists[split].append(name)
    for split, names in lists.items():
        layout.write(f"food-101/meta/{split}.txt", "\r\n".join(names))
        layout.write(f"food-101/meta/{split}.json", json.dumps(names))
    layout.write("food-101/meta/classes.txt", "\n".join(classes) + "\n")
    layout.write("food-101/meta/labels.txt", "Apple pie\nCrème brûlée\nPad thai\n")
    layout.write("food-101/images/._apple_pie", APPLE_DOUBLE)
    layout.write("food-101/images/apple_pie/._1000.jpg", APPLE_DOUBLE)
    layout.lists = tuple(f"food-101/meta/{name}.txt" for name in ("classes", "train", "test"))
    layout.archives = {"food-101.tar.gz": ("food-101",)}
    return layout


def oxford_pets(root: Path) -> Layout:
    layout = Layout(root)
    breeds = ["Abyssinian", "american_pit_bull_terrier", "Épagneul_breton"]
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(30):
        breed, split = breeds[number % 3], "train" if number % 2 else "test"
        name = f"{breed}_{number + 1}"
        layout.picture(f"images/{name}.jpg", f"{name}.jpg", breed.replace("_", " "), split)
        lists[split].append(f"{name} {number % 3 + 1} {1 + (number % 3 > 0)} {number % 3 + 1}")
    layout.write("images/Abyssinian_101.mat", b"MATLAB 5.0")
    layout.write("annotations/trainval.txt", "\n".join(lists["train"]))
    layout.write("annotations/test.txt", "\r\n".join(lists["test"]) + "\r\n")
    layout.write(
        "annotations/list.txt", "#Image CLASS-ID SPECIES BREED ID\n" + "\n".join(lists["train"] + lists["test"])
    )
    layout.write("annotations/trimaps/._Abyssinian_1.png", APPLE_DOUBLE)
    layout.lists = tuple(f"annotations/{name}.txt" for name in ("trainval", "test", "list"))
    layout.archives = {"images.tar.gz": ("images",), "annotations.tar.gz": ("annotations",)}
    return layout


_CARS = ["AM General Hummer SUV 2000", "Ram C/V Cargo Van Minivan 2012", "Citroën DS 1955"]


def stanford_cars(root: Path) -> Layout:
    layout = Layout(root)
    tables: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
    for number in range(30):
        split = "train" if number % 2 else "test"
        name = f"{number + 1:05d}.jpg"
        layout.picture(f"cars_{split}/{name}", f"cars_{split}/{name}", _CARS[number % 3], split)
        tables[split].append((name, number % 3 + 1))
    write_mat(layout, "devkit/cars_meta.mat", {"class_names": np.array([_CARS], object)})
    write_mat(layout, "devkit/cars_train_annos.mat", {"annotations": car_table(tables["train"], "fname")})
    write_mat(layout, "devkit/cars_test_annos.mat", {"annotations": np.zeros((1, 1))})
    write_mat(layout, "cars_test_annos_withlabels.mat", {"annotations": car_table(tables["test"], "fname")})
    layout.lists = ("devkit/cars_meta.mat", "devkit/cars_train_annos.mat", "cars_test_annos_withlabels.mat")
    layout.archives = {
        "car_devkit.tgz": ("devkit",),
        "cars_train.tgz": ("cars_train",),
        "cars_test.tgz": ("cars_test",),
    }
    return layout


def stanford_cars_single(root: Path) -> Layout:
    layout = Layout(root)
    table = []
    for number in range(30):
        split = "train" if number % 2 else "test"
        name = f"car_ims/{number + 1:06d}.jpg"
        layout.picture(name, name, _CARS[number % 3], split)
        table.append((name, number % 3 + 1))
    marks = [0 if number % 2 else 1 for number in range(30)]
    content = {"annotations": car_table(table, "relative_im_path", marks), "class_names": np.array([_CARS], object)}
    write_mat(layout, "cars_annos.mat", content)
    layout.lists = ("cars_annos.mat",)
    layout.archives = {"car_ims.tgz": ("car_ims",)}
    return layout


def fgvc_aircraft(root: Path) -> Layout:
    layout = Layout(root)
    base = "fgvc-aircraft-2013b/data"
    variants = ["707-320", "Cessna 172", "F/A-18", "Pégase_100"]
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number in range(36):
        split = ("train", "val", "test")[number % 3]
        variant = variants[number % 4]
        name = f"{1000000 + number}"
        layout.picture(f"{base}/images/{name}.jpg", f"{name}.jpg", variant.replace("_", " "), split)
        lists[split].append(f"{name} {variant}")
    for split, lines in lists.items():
        layout.write(f"{base}/images_variant_{split}.txt", "\r\n".join(lines) + "\r\n")
        layout.write(f"{base}/images_family_{split}.txt", "1000000 Boeing 707\n")
    layout.write(f"{base}/variants.txt", "\n".join(variants) + "\n")
    layout.lists = (f"{base}/variants.txt", *(f"{base}/images_variant_{s}.txt" for s in ("train", "val", "test")))
    layout.archives = {"fgvc-aircraft-2013b.tar.gz": ("fgvc-aircraft-2013b",)}
    return layout


def caltech101(root: Path) -> Layout:
    layout = Layout(root)
    base = "101_ObjectCategories"
    for number in range(30):
        name = ("Faces_easy", "accordéon", "yin_yang")[number % 3]
        file_name = f"{name}/image_{number:04d}.jpg"
        layout.picture(f"{base}/{file_name}", file_name, name.replace("_", " "), None)
    layout.write(f"{base}/BACKGROUND_Google/image_0001.jpg", b"clutter")
    layout.write(f"{base}/BACKGROUND_Google/tmp", b"")
    layout.write(f"{base}/accordéon/.DS_Store", b"\0")
    layout.archives = {"101_ObjectCategories.tar.gz": (base,)}
    return layout


def folder(root: Path) -> Layout:
    layout = Layout(root)
    for number in range(30):
        name = ("My_cat", "Jürgen's dog", "bird")[number % 3]
        file_name = f"{name}/2024/IMG {number}.JPG"
        layout.picture(file_name, file_name, name.replace("_", " "), None)
    layout.write("bird/Thumbs.db", b"\0")
    layout.write("notes.txt", "mine")
    layout.archives = {"mine.zip": ("My_cat", "Jürgen's dog", "bird")}
    return layout


def folder_splits(root: Path) -> Layout:
    layout = Layout(root)
    for number in range(30):
        part, split = (("train", "train"), ("valid", "val"), ("test", "test"))[number % 3]
        name = ("cat", "dog")[number % 2]
        file_name = f"{part}/{name}/{number}.png"
        layout.picture(file_name, file_name, name, split)
    return layout


def folder_csv(root: Path) -> Layout:
    layout = Layout(root)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(["file_name", "label", "split"])
    for number in range(30):
        label, split = ("Jürgen's dog; old", "cat_a")[number % 2], ("train", "test")[number % 3 == 0]
        name = f"photos/IMG {number}.jpg"
        layout.picture(name, name, label, split)
        writer.writerow([name.replace("/", "\\"), label, split])
    layout.write("metadata.csv", "\ufeff" + out.getvalue())
    layout.lists = ("metadata.csv",)
    return layout


def folder_jsonl(root: Path) -> Layout:
    layout = Layout(root)
    lines = []
    for number in range(30):
        label = ("Großer Panda", "fox")[number % 2]
        name = f"{number}.jpg"
        layout.picture(name, name, label, None)
        lines.append(json.dumps({"file_name": name, "label": label}, ensure_ascii=False))
    layout.write("metadata.jsonl", "\r\n".join(lines) + "\r\n")
    layout.lists = ("metadata.jsonl",)
    return layout


PUBLISHED: dict[str, Callable[[Path], Layout]] = {
    "cub": cub,
    "flowers102": flowers102,
    "food101": food101,
    "oxford_pets": oxford_pets,
    "stanford_cars": stanford_cars,
    "fgvc_aircraft": fgvc_aircraft,
    "caltech101": caltech101,
}
OWN: dict[str, Callable[[Path], Layout]] = {
    "folder": folder,
    "folder-splits": folder_splits,
    "folder-csv": folder_csv,
    "folder-jsonl": folder_jsonl,
    "stanford_cars-single": stanford_cars_single,
}
ALL = {**PUBLISHED, **OWN}


def command(name: str) -> str:
    """The data set's command, with the flag by which pictures stay as they are."""
    return "fgvc_aircraft --keep-banner" if name == "fgvc_aircraft" else name.split("-")[0]


def pack(layout: Layout, target: Path) -> None:
    """The publisher's archives in `target`, and beside them what is not in an archive."""
    target.mkdir(parents=True)
    packed = {part for parts in layout.archives.values() for part in parts}
    for name, parts in layout.archives.items():
        files = [p for part in parts for p in sorted((layout.root / part).rglob("*")) if p.is_file()]
        members = [(p.relative_to(layout.root).as_posix(), p.read_bytes()) for p in files]
        members += [(f"__MACOSX/{member}", APPLE_DOUBLE) for member, _ in members[:2]]
        members += [(f"{Path(member).parent}/._{Path(member).name}", APPLE_DOUBLE) for member, _ in members[:2]]
        (write_zip if name.endswith(".zip") else write_tar)(target / name, members)
    for path in layout.root.iterdir():
        if path.name not in packed and path.is_file():
            (target / path.name).write_bytes(path.read_bytes())


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(f"./{name}")
            info.size, info.mtime = len(data), 1_300_000_000
            tar.addfile(info, io.BytesIO(data))


def write_zip(path: Path, members: list[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(name, data)


def write_mat(layout: Layout, path: str, content: dict[str, Any]) -> None:
    out = io.BytesIO()
    savemat(out, content, do_compression=True)
    layout.write(path, out.getvalue())


def car_table(rows: list[tuple[str, int]], name_field: str, tests: list[int] | None = None) -> Any:
    kinds: list[Any] = [("bbox_x1", object), (name_field, object), ("class", object)]
    kinds += [("test", object)] if tests is not None else []
    table = np.zeros((1, len(rows)), dtype=kinds)
    for i, (name, label) in enumerate(rows):
        table[0, i]["bbox_x1"], table[0, i][name_field], table[0, i]["class"] = 1, name, label
        if tests is not None:
            table[0, i]["test"] = tests[i]
    return table
