"""Noun chunks of predictions, by spaCy. Needs the extra `conti` and an English pipeline, which PyPI does not have."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from speciarl_verl.evaluation.conti.missing_model import MissingModelError, first_line

if TYPE_CHECKING:
    from spacy.language import Language

DEFAULT_PIPELINE = "en_core_web_lg"
"""The one of Conti et al."""

_UNUSED = ("ner", "lemmatizer")
_BATCH = 256
_PROBE = "a small bird"
# What stands before a name is not part of it; as in the protocol's release.
_LEADING = re.compile(r"^(?:a|an|the|his|her|its|their)\s+", re.IGNORECASE)


Chunker = Callable[[Sequence[str]], list[tuple[str, ...]]]
"""Gives the distinct noun chunks of each text, without leading articles and possessives."""


def load_chunker(name: str = DEFAULT_PIPELINE) -> Chunker:
    """Load a spaCy pipeline.

    Args:
        name: an installed pipeline, or a folder.

    Raises:
        MissingModelError: spaCy is not installed, there is no such pipeline, or it finds no noun chunks.
    """
    try:
        import spacy
    except ImportError as error:
        raise MissingModelError(
            f"chunker {name}: spaCy cannot be imported ({first_line(error)}); pip install 'speciarl_verl[conti]'"
        ) from error
    try:
        chunker = partial(_chunks, spacy.load(name, exclude=list(_UNUSED)))
    except (OSError, ValueError, ImportError) as error:
        raise MissingModelError(
            f"chunker {name}: no such spaCy pipeline ({first_line(error)}); name an installed one or a folder, or run "
            f"python -m spacy download {DEFAULT_PIPELINE}"
        ) from error
    try:
        chunker([_PROBE])
    except (ValueError, NotImplementedError) as error:
        raise MissingModelError(
            f"chunker {name}: the pipeline finds no noun chunks ({first_line(error)}); name one with a parser, "
            f"such as {DEFAULT_PIPELINE}"
        ) from error
    return chunker


def _chunks(pipeline: "Language", texts: Sequence[str]) -> list[tuple[str, ...]]:
    documents = pipeline.pipe(texts, batch_size=_BATCH)
    return [tuple(dict.fromkeys(_bare(chunk.text) for chunk in document.noun_chunks)) for document in documents]


def _bare(chunk: str) -> str:
    return _LEADING.sub("", " ".join(chunk.split()))
