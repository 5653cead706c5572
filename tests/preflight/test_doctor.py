import pytest
from typer.testing import CliRunner

from speciarl_verl.cli.main import app
from speciarl_verl.preflight import doctor
from speciarl_verl.preflight.doctor import EXAMINATIONS, Examination, Finding, examine
from tests.fresh_python import run


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


def test_doctor_names_a_plugin_that_verl_was_told_not_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERL_USE_EXTERNAL_PLUGINS", "none")
    assert any(
        not finding.ok and "VERL_USE_EXTERNAL_PLUGINS=none" in finding.text for finding in map(examine, EXAMINATIONS)
    )


def test_doctor_finds_nothing_wrong_on_the_cpu_platform() -> None:
    output = run(
        "from speciarl_verl.preflight.doctor import EXAMINATIONS, examine;"
        "print([f.text for f in map(examine, EXAMINATIONS) if not f.ok])",
        VERL_PLATFORM="cpu",
    )
    assert output.splitlines()[-1] == "[]"
