import pytest

from speciarl_verl.errors import SpeciaRLError
from speciarl_verl.server_client.failure import ServerFailureError, ServerRefusalError, UnusableAnswerError


@pytest.mark.parametrize(
    ("status", "of_the_request"), [(400, True), (413, True), (422, True), (401, False), (404, False)]
)
def test_a_refusal_tells_whether_another_request_may_fare_better(status: int, of_the_request: bool) -> None:
    assert ServerRefusalError("no", status).of_the_request is of_the_request


@pytest.mark.parametrize(
    "error",
    [ServerRefusalError("a line", 401), ServerFailureError("a line", unreachable=True), UnusableAnswerError("a line")],
)
def test_each_is_one_line_that_the_commands_show(error: Exception) -> None:
    assert isinstance(error, SpeciaRLError)
    assert str(error) == "a line"
