"""One readable screen, whatever the data set."""

from collections import Counter
from pathlib import Path

from data_prep.duplicates import Duplicates
from data_prep.inspection.findings import FileFindings, Findings
from data_prep.inspection.labels import look_at_labels
from data_prep.inspection.screen import screen
from tests.data_prep.conftest import Run
from tests.data_prep.layouts import cub


def _file(classes: dict[str, int]) -> FileFindings:
    count = sum(classes.values())
    shapes = Counter({(500, 375): count - 1, (120, 90): 1})
    return FileFindings(
        count, Counter(cub=count), Counter(classes), Counter({"JPEG RGB": count}), shapes, [48_000] * count
    )


def _findings(**files: FileFindings) -> Findings:
    duplicates = Duplicates()
    duplicates.add("00" * 32, "train", "a.jpg", "cat")
    duplicates.add("00" * 32, "test", "b.jpg", "dog")
    duplicates.add("00" * 32, "train", "c.jpg", "cat")
    labels = look_at_labels({name: file.classes for name, file in files.items()})
    return Findings(Path("data/x"), "1", files, labels, duplicates, ())


def test_everything_odd_is_shown_at_a_glance() -> None:
    classes = {"Ram": 3, "Dodge Ram": 2, "cat ": 1, "Cat": 1, "cats": 1, "n01440764": 9}
    lines = list(screen(_findings(train=_file(classes), test=_file({"Ram": 1, "wren": 4}))))
    text = "\n".join(" ".join(line.split()) for line in lines)
    for expected in (
        "data/x: cub (22); record contract 1",
        "train 17 6 1 - 2 - 9 120 - 500 - 500 90 - 375 - 375 48 JPEG RGB 17",
        "fewest: Cat (1), cat (1), cats (1), Dodge Ram (2)",
        "most: n01440764 (9), wren (4), Ram (4), Dodge Ram (2)",
        "labels like ids, folders or files 1 n01440764",
        "labels in train only 5 Cat, Dodge Ram, cat , cats, n01440764",
        "labels in test only 1 wren",
        "labels that are nearly the same 1 'Cat'/'cat '/'cats'",
        "labels within others 1 'Ram' in 'Dodge Ram'",
        "pictures in two splits 1 train: a.jpg = test: b.jpg",
        "pictures twice in a split 1 train: a.jpg = train: c.jpg",
        "... of them with two labels 1",
    ):
        assert expected in text


def test_screen_of_a_thousand_classes_is_a_screen() -> None:
    classes = {f"a bird with a rather long name, number {number} of a thousand": number + 1 for number in range(1000)}
    lines = list(screen(_findings(train=_file(classes), val=_file(classes), test=_file(classes))))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 110


def test_command_prints_the_screen_and_names_the_sheet(tmp_path: Path, run: Run) -> None:
    layout = cub(tmp_path / "source")
    run("cub", "--source", layout.root, "--out", tmp_path / "out")
    outcome = run("inspect", tmp_path / "out")
    assert outcome.status == 0
    assert "cub (30); record contract 1" in outcome.out
    assert f"contact sheet of 14 pictures: {tmp_path}/out/inspect.png" in outcome.out
