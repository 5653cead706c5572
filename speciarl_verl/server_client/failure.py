"""What a model server can do to a request, as the client's users see it."""

from speciarl_verl.errors import SpeciaRLError

_OF_THE_REQUEST = frozenset({400, 413, 422})


class ServerError(SpeciaRLError):
    """A model server gave nothing that can be used; one line with the server, the last fault and the cure."""


class ServerRefusalError(ServerError):
    """It answered with a status that a retry does not change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def of_the_request(self) -> bool:
        """True where another request may fare better."""
        return self.status in _OF_THE_REQUEST


class ServerFailureError(ServerError):
    """It failed until the patience was spent.

    Attributes:
        unreachable: at the end not even a connection was made.
    """

    def __init__(self, message: str, unreachable: bool) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class UnusableAnswerError(ServerError):
    """It answered this request with what is not asked for, and would again."""
