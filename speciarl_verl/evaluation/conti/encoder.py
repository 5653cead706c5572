"""Sentence embeddings, and the cosines between them. Needs the extra `conti`."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speciarl_verl.evaluation.conti.missing_model import MissingModelError, first_line

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"

_BATCH = 256


Encoder = Callable[[list[str]], NDArray[np.float32]]
"""Embeds texts: `(texts, D)`, each row of length 1."""


def cosines(encoder: Encoder, texts: Collection[str]) -> Callable[[str, str], float]:
    """The cosine of any two of some texts, in [-1, 1]; each is embedded once, in an order that only they decide."""
    ordered = sorted(set(texts))
    rows = {text: row for row, text in enumerate(ordered)}
    vectors = np.asarray(encoder(ordered), dtype=np.float64) if ordered else np.empty((0, 0))

    def cosine(first: str, second: str) -> float:
        return max(-1.0, min(1.0, float(vectors[rows[first]] @ vectors[rows[second]])))

    return cosine


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
        model = SentenceTransformer(name, device=device)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise MissingModelError(
            f"encoder {name}: neither a folder with a sentence-transformers model nor to be had from the hub "
            f"({first_line(error)}); name a folder that holds one"
        ) from error
    return partial(
        model.encode, batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
    )
