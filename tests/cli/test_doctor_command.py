from pathlib import Path

import pytest
from rich.status import Status
from typer.testing import CliRunner

from speciarl_verl.cli.doctor_command import waiting
from speciarl_verl.cli.main import app
from speciarl_verl.preflight import doctor
from speciarl_verl.preflight.examination import Examination, Finding
from tests.evaluation.small_set import write_set


def test_doctor_says_what_it_looks_at_before_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Finding:
        raise ImportError("no such library")

    looks = (Examination("a thing", lambda: Finding(True, "is there")), Examination("another", broken))
    monkeypatch.setattr(doctor, "EXAMINATIONS", looks)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        *("...  a thing", "ok   is there"),
        *("...  another", "BAD  another: ImportError: no such library"),
    ]


def test_the_command_ends_with_1_where_something_named_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "EXAMINATIONS", ())
    good, no = write_set(tmp_path / "set.parquet", ["jay"]), str(tmp_path / "none.parquet")
    done = CliRunner().invoke(app, ["doctor", "--data", good])
    assert (done.exit_code, done.stdout[:9]) == (0, "ok   data")
    nowhere = ["--data", no, "--model", str(tmp_path / "model"), "--judge-url", "http://127.0.0.1:9"]
    done = CliRunner().invoke(app, ["doctor", "--data", good, *nowhere])
    assert done.exit_code == 1
    assert [line[:3] for line in done.stdout.splitlines()] == ["ok ", "BAD", "BAD", "BAD", "BAD"]
    assert f"no model at {tmp_path}/model" in done.stdout


def test_who_waits_at_a_terminal_sees_a_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with waiting()(Examination("verl [slow]", lambda: Finding(True, ""))) as spinner:
        assert isinstance(spinner, Status)
        assert str(spinner.status) == r"verl \[slow]"
