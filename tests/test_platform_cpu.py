import pytest

from speciarl_verl.platform_cpu import cpu_selected


@pytest.mark.parametrize(
    ("value", "selected"), [("cpu", True), (" CPU ", True), ("", False), ("cuda", False), ("cpu,cuda", False)]
)
def test_the_cpu_is_selected_by_its_name_alone(monkeypatch: pytest.MonkeyPatch, value: str, selected: bool) -> None:
    monkeypatch.setenv("VERL_PLATFORM", value)
    assert cpu_selected() is selected


def test_the_cpu_is_not_selected_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERL_PLATFORM", raising=False)
    assert not cpu_selected()
