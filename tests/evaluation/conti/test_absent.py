import pytest

from speciarl_verl.evaluation.conti.absent import Absent, AbsentModelError, at_hand, first_line


def test_at_hand_gives_the_model():
    assert at_hand(lambda: "model") == "model"


def test_at_hand_gives_the_reason_and_logs_it(caplog):
    def load():
        raise AbsentModelError("encoder x: not installed")

    assert at_hand(load) == Absent("encoder x: not installed")
    assert "encoder x: not installed" in caplog.text


def test_at_hand_lets_other_errors_pass():
    with pytest.raises(ZeroDivisionError):
        at_hand(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("a\nb"), "a"), (ValueError(), "ValueError"), (OSError("\n a \n"), "a")]
)
def test_first_line_is_one_line(error, line):
    assert first_line(error) == line
