import pytest
import typer

from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError, JudgeError, StopRunError


@pytest.mark.parametrize("kind", [InputError, JudgeError, StopRunError])
def test_an_error_of_ours_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str], kind: type[Exception]) -> None:
    with pytest.raises(typer.Exit) as left, refusing("train.sh", told_before=lambda: ["pairs: 3 asked"]):
        raise kind("a thing:\n  is missing;\tname it")
    assert left.value.exit_code == 2
    assert capsys.readouterr().err.splitlines() == ["pairs: 3 asked", "train.sh: a thing: is missing; name it"]


def test_a_bug_of_ours_passes() -> None:
    with pytest.raises(KeyError), refusing():
        raise KeyError("x")


def test_an_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, refusing():
        raise KeyboardInterrupt
    assert left.value.exit_code == 130
    assert "repeat the command to resume" in capsys.readouterr().err


def test_nothing_is_said_of_what_goes_well(capsys: pytest.CaptureFixture[str]) -> None:
    with refusing(told_before=lambda: ["spent"]):
        pass
    assert capsys.readouterr().err == ""
