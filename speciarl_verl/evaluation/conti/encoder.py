"""Sentence embeddings, and the cosines between them. Needs the extra `conti`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from speciarl_verl.evaluation.conti.missing_model import MissingModelError, first_line

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"

_BATCH = 256


class Encoder(Protocol):
    """A sentence encoder."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: `(texts, D)`, each row of length 1."""
        ...


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of a run's texts, each computed once.

    Attributes:
        rows: text -> its row.
        vectors: `(texts, D) float64`, each row of length 1.
    """

    rows: Mapping[str, int]
    vectors: NDArray[np.float64]

    def cosine(self, first: str, second: str) -> float:
        """Of two embedded texts, in [-1, 1]."""
        return max(-1.0, min(1.0, float(self.vectors[self.rows[first]] @ self.vectors[self.rows[second]])))


def embed(encoder: Encoder, texts: Collection[str]) -> Embeddings:
    """Embed distinct texts, in an order that depends on nothing but the texts."""
    ordered = sorted(set(texts))
    rows = {text: row for row, text in enumerate(ordered)}
    return Embeddings(rows, np.asarray(encoder.encode(ordered), dtype=np.float64) if ordered else np.empty((0, 0)))


class SentenceEncoder:
    """A model of sentence-transformers, in fp32."""

    def __init__(self, model: "SentenceTransformer") -> None:
        self._model = model

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        return self._model.encode(
            list(texts), batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )


def load_encoder(name: str = DEFAULT_ENCODER, device: str | None = None) -> Encoder:
    """Load a sentence encoder.

    Args:
        name: a folder, or an id on the Hugging Face hub.
        device: such as `cpu` or `cuda:1`; the library's choice when None.

    Raises:
        MissingModelError: sentence-transformers is not installed, or there is no such model.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except (ImportError, RuntimeError) as error:
        raise MissingModelError(
            f"encoder {name}: sentence-transformers cannot be imported ({first_line(error)}); "
            "pip install 'speciarl_verl[conti]'"
        ) from error
    if Path(name).is_dir() and not (Path(name) / "modules.json").is_file():
        raise MissingModelError(f"encoder {name}: the folder holds no sentence-transformers model (no modules.json)")
    try:
        return SentenceEncoder(SentenceTransformer(name, device=device))
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise MissingModelError(
            f"encoder {name}: neither a folder with a sentence-transformers model nor to be had from the hub "
            f"({first_line(error)}); name a folder that holds one"
        ) from error
