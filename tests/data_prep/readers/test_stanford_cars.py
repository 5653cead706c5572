"""Stanford Cars: labels in MATLAB files."""

from pathlib import Path

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import PUBLISHED, car_table, write_mat


def test_car_label_out_of_range_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["stanford_cars"](tmp_path / "source")
    write_mat(layout, "devkit/cars_train_annos.mat", {"annotations": car_table([("00002.jpg", 4)], "fname")})
    outcome = run("stanford_cars", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "cars_train_annos.mat", "the class of picture 1 is 4")


def test_table_without_its_field_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["stanford_cars"](tmp_path / "source")
    write_mat(layout, "devkit/cars_train_annos.mat", {"annotations": car_table([("00002.jpg", 1)], "name")})
    outcome = run("stanford_cars", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "its annotations have no field 'fname'")
