import pytest

from speciarl_verl.evaluation.conti.missing_model import MissingModelError, first_line, load_or_missing


def test_at_hand_gives_the_model():
    assert load_or_missing(lambda: "model") == "model"


def test_at_hand_gives_the_reason_and_logs_it(caplog):
    def load():
        raise MissingModelError("encoder x: not installed")

    assert str(load_or_missing(load)) == "encoder x: not installed"
    assert "encoder x: not installed" in caplog.text


def test_at_hand_lets_other_errors_pass():
    with pytest.raises(ZeroDivisionError):
        load_or_missing(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("a\nb"), "a"), (ValueError(), "ValueError"), (OSError("\n a \n"), "a")]
)
def test_first_line_is_one_line(error, line):
    assert first_line(error) == line
