from pathlib import Path

import pytest

from speciarl_verl.preflight.doctor import EXAMINATIONS, asked_examinations
from speciarl_verl.preflight.examination import examine
from tests.evaluation.small_set import write_set
from tests.fresh_python import run


def test_doctor_names_a_plugin_that_verl_was_told_not_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERL_USE_EXTERNAL_PLUGINS", "none")
    assert any(
        not finding.ok and "VERL_USE_EXTERNAL_PLUGINS=none" in finding.text for finding in map(examine, EXAMINATIONS)
    )


def test_doctor_finds_nothing_wrong_on_the_cpu_platform() -> None:
    output = run(
        "from speciarl_verl.preflight.doctor import EXAMINATIONS;"
        "from speciarl_verl.preflight.examination import examine;"
        "print([f.text for f in map(examine, EXAMINATIONS) if not f.ok])",
        VERL_PLATFORM="cpu",
    )
    assert output.splitlines()[-1] == "[]"


def test_data_are_told_by_pictures_and_labels(tmp_path: Path) -> None:
    (look,) = asked_examinations(None, None, [write_set(tmp_path / "set.parquet", ["jay", "robin", "jay"])])
    finding = examine(look)
    assert finding.ok
    assert finding.text.endswith("3 pictures of 2 labels, the first one opens")


def test_data_that_are_none_of_ours_come_with_the_cure(tmp_path: Path) -> None:
    (look,) = asked_examinations(None, None, [str(tmp_path / "none.parquet")])
    finding = examine(look)
    assert not finding.ok
    assert "no such file: make it with `python -m data_prep`" in finding.text


def test_nothing_is_looked_at_that_nobody_named() -> None:
    assert asked_examinations(None, None, []) == ()
    assert len(asked_examinations("http://judge:30000", "some/model", ["a", "b"])) == 5
