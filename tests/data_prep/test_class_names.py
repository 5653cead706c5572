"""Labels that name nothing, and the files that say what they mean."""

import json
from pathlib import Path

import pytest

from data_prep.class_names import clean, name_classes, names_nothing, read_names, without_numbers
from data_prep.error import DataPrepError
from tests.data_prep.conftest import Run, assert_refused, read_rows
from tests.data_prep.sample_pictures import jpeg

WHOLE = ("--val-size", "0", "--test-size", "0")


def _folders(root: Path, *labels: str) -> Path:
    for number, label in enumerate(labels):
        (root / label).mkdir(parents=True)
        (root / label / "1.jpg").write_bytes(jpeg(number))
    return root


def _labels(out: Path) -> dict[str, str]:
    return {
        row["extra_info"]["file_name"]: row["reward_model"]["ground_truth"] for row in read_rows(out / "train.parquet")
    }


@pytest.mark.parametrize(
    "label",
    [
        "1",
        "007",
        "3.0",
        "n01440764",
        "class_1",
        "Label-12",
        "IMG_1.jpg",
        "images",
        "nan",
        "None",
        "d41d8cd98f00b204e9800998ecf8427e",
        "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    ],
)
@pytest.mark.parametrize("kind", ["folder", "table"])
def test_d2_label_that_names_nothing_is_refused(label: str, kind: str, tmp_path: Path, run: Run) -> None:
    root = tmp_path / "source"
    if kind == "folder":
        _folders(root, "robin", label)
    else:
        root.mkdir()
        (root / "1.jpg").write_bytes(jpeg(1))
        (root / "metadata.csv").write_text(f"file_name,label\n1.jpg,{label}\n")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", label, "--names FILE")


@pytest.mark.parametrize(
    ("file_name", "content"),
    [
        pytest.param("synsets.txt", "n01440764 tench, Tinca tinca\nn01443537 goldfish\nn2 shark\n", id="synsets"),
        pytest.param("names.tsv", "n01440764\ttench, Tinca tinca\nn01443537\tgoldfish\n", id="tabs"),
        pytest.param(
            "index.json",
            json.dumps({"0": ["n01440764", "tench, Tinca tinca"], "1": ["n01443537", "goldfish"]}),
            id="keras",
        ),
        pytest.param("names.json", json.dumps({"n01440764": "tench, Tinca tinca", "n01443537": "goldfish"}), id="json"),
    ],
)
def test_d2_file_of_names_says_what_ids_mean(file_name: str, content: str, tmp_path: Path, run: Run) -> None:
    root = _folders(tmp_path / "source", "n01440764", "n01443537")
    (tmp_path / file_name).write_text(content, encoding="utf-8")
    flags = ("--names", tmp_path / file_name, *WHOLE)
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {"n01440764/1.jpg": "tench, Tinca tinca", "n01443537/1.jpg": "goldfish"}


@pytest.mark.parametrize("first", [0, 1])
def test_d2_numbered_folders_take_one_name_a_line(first: int, tmp_path: Path, run: Run) -> None:
    root = _folders(tmp_path / "source", *(str(first + number) for number in range(11)))
    names = [f"flower {letter}" for letter in "abcdefghijk"]
    (tmp_path / "names.txt").write_text("\n".join(names))
    flags = ("--names", tmp_path / "names.txt", *WHOLE)
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {f"{first + number}/1.jpg": name for number, name in enumerate(names)}


def test_d2_table_of_numbers_takes_names(tmp_path: Path, run: Run) -> None:
    root = tmp_path / "source"
    root.mkdir()
    lines = []
    for number in range(2):
        (root / f"{number}.jpg").write_bytes(jpeg(number))
        lines.append(json.dumps({"file_name": f"{number}.jpg", "label": number}))
    (root / "metadata.jsonl").write_text("\n".join(lines))
    (tmp_path / "names.json").write_text('["wren", "robin"]')
    flags = ("--names", tmp_path / "names.json", *WHOLE)
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {"0.jpg": "wren", "1.jpg": "robin"}


@pytest.mark.parametrize("label", ["Boeing 747", "747-100", "4 runner", "C4", "class", "Nanny", "image of a cat"])
def test_names_are_names(label: str) -> None:
    assert names_nothing(label) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["001.Laysan_Albatross", "002.Wren"], ["Laysan_Albatross", "Wren"], id="cub"),
        pytest.param(["n02085620-Chihuahua", "n02086646-Shih_Tzu"], ["Chihuahua", "Shih_Tzu"], id="dogs"),
        pytest.param(["0_apple", "1_pear", "2_fig"], ["apple", "pear", "fig"], id="counted"),
        pytest.param(["017 wren", "203 robin"], ["wren", "robin"], id="padded"),
        pytest.param(["2012 Ford", "2013 Audi"], ["2012 Ford", "2013 Audi"], id="years"),
        pytest.param(["1_apple", "pear"], ["1_apple", "pear"], id="not-all"),
        pytest.param(["1_apple", "1_pear"], ["1_apple", "1_pear"], id="one-number-twice"),
        pytest.param(["1_apple"], ["1_apple"], id="alone"),
    ],
)
def test_numbers_before_all_names_come_off(names: list[str], expected: list[str]) -> None:
    assert without_numbers(names) == expected


def test_numbers_that_come_off_are_reported(tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    root = _folders(tmp_path / "source", "001.Laysan_Albatross", "002.Wren")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE).status == 0
    assert set(_labels(tmp_path / "out").values()) == {"Laysan Albatross", "Wren"}
    assert "'001.Laysan_Albatross' is 'Laysan Albatross'" in caplog.text
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["notes"]


def test_classes_that_differ_in_white_space_are_one(tmp_path: Path) -> None:
    naming = name_classes("x", ["cat ", "cat", "cat\u200b", "black  cat", "black_cat"], None, underscores=True)
    assert naming.labels == ("black cat", "cat")
    assert len(naming.notes) == 2
    assert naming.ids["cat\u200b"] == naming.ids["cat "] == 1


def test_text_is_cleaned_of_what_nobody_sees() -> None:
    assert clean("\ufeffcre\u0300me\u00a0 bru\u0302le\u0301e\n") == "crème brûlée"
    assert clean("a_b") == "a_b"


@pytest.mark.parametrize(
    ("file_name", "content", "calls", "message"),
    [
        pytest.param("n.txt", "1 robin\n", ["1", "2"], "has 1 names, label 2 has no name", id="too-few"),
        pytest.param("n.txt", "n01440764 tench\n", ["n01440764", "n1"], None, id="names-need-no-name"),
        pytest.param("n.txt", "n01440764 tench\n", ["n01440764", "n01443537"], "no name for 'n01443537'", id="id"),
        pytest.param("n.txt", "wren\nrobin\n", ["cat", "dog"], "names none of cat, dog", id="none-of-them"),
        pytest.param("n.json", '{"1": ""}', ["1"], "the name of '1' is empty", id="empty"),
        pytest.param("n.json", "{", ["1"], "not a readable JSON file", id="no-json"),
        pytest.param("n.json", "3", ["1"], "neither an object nor a list", id="no-names"),
        pytest.param("n.json", None, ["1"], "not a readable JSON file", id="absent"),
    ],
)
def test_file_of_names_is_checked(
    file_name: str, content: str | None, calls: list[str], message: str | None, tmp_path: Path
) -> None:
    path = tmp_path / file_name
    if content is not None:
        path.write_text(content)
    if message is None:
        assert read_names(path, calls) == {"n01440764": "tench"}
    else:
        with pytest.raises(DataPrepError, match=message):
            read_names(path, calls)


def test_name_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.txt"
    path.write_text("1 robin\n2 wren\n1 rook\n")
    with pytest.raises(DataPrepError, match="1 is 'robin' and 'rook'"):
        read_names(path, ["1", "2"])


def test_classes_that_differ_in_case_only_are_two_and_noted() -> None:
    naming = name_classes("x", ["CAT", "cat", "dog"], None, underscores=True)
    assert naming.labels == ("CAT", "cat", "dog")
    assert naming.notes == ("'CAT' and 'cat' differ in case only: two classes",)
