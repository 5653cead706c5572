"""What every engine is: pictures in, answers out in any order; a picture that fails is an answer too.

The unit is one picture with all its samples: they are asked for, recorded and resumed together.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from speciarl_verl.draw import rank
from speciarl_verl.evaluation.pictures import PictureRow


@dataclass(frozen=True)
class Response:
    """One decoded response, without special tokens, and its length in tokens where the engine tells."""

    text: str
    tokens: int | None = None


@dataclass(frozen=True)
class PictureResponses:
    """What became of one picture.

    Attributes:
        responses: as many as were asked for, or none.
        failure: one line, exactly when there are no responses.
        fault_of_picture: whether it fails by itself, and says nothing of the engine.
    """

    picture: PictureRow
    responses: tuple[Response, ...] = ()
    failure: str | None = None
    fault_of_picture: bool = False


class Engine(Protocol):
    """Answers pictures. Retries are its own business; what it gives up on, it reports as a failed answer."""

    def answers(self, pictures: Sequence[PictureRow]) -> Generator[PictureResponses, None, None]:
        """One answer a picture, as they come.

        Raises:
            EvaluationError: the engine itself is gone or refuses to work.
        """
        ...


def picture_seed(seed: int, picture: PictureRow) -> int:
    """Seed of a picture's first sample, the others count on from it; at least 2^20 below the end of int32."""
    return int.from_bytes(rank(seed, picture.dataset, picture.image)[:4], "big") % (2**31 - 2**20)


def one_line(error: BaseException) -> str:
    """An error's text on one line; its type where it has none."""
    return " ".join(str(error).split())[:500] or type(error).__name__
