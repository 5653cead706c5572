"""A spaCy pipeline whose parse is written down in rules: no trained English pipeline can be had from PyPI."""

from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Token

_PARTS = {
    **dict.fromkeys(("a", "an", "the", "its"), "DET"),
    **dict.fromkeys(("small", "red", "golden", "young"), "ADJ"),
    **dict.fromkeys(("on", "with", "of", "in"), "ADP"),
    **dict.fromkeys((",", ".", "and"), "PUNCT"),
}


@Language.component("rule_based_parse")
def parse_by_rules(document: Doc) -> Doc:
    """Determiners and adjectives depend on the next noun; every noun at the end of a run heads a chunk."""
    for token in document:
        token.pos_ = _PARTS.get(token.lower_, "NOUN")
    heads = [_head_of_run(token) for token in document]
    root = next((head for head in heads if head.pos_ == "NOUN"), document[0])
    for token, head in zip(document, heads, strict=True):
        if token is head or token.i == head.i:
            token.head, token.dep_ = root, "ROOT" if token.i == root.i else "appos"
        else:
            token.head, token.dep_ = head, "amod"
    return document


def _head_of_run(token: Token) -> Token:
    if token.pos_ in ("ADP", "PUNCT"):
        return token
    last = token
    for following in token.doc[token.i + 1 :]:
        if following.pos_ in ("ADP", "PUNCT", "DET"):
            break
        last = following
    return last


def write_rule_pipeline(folder: Path) -> str:
    """Write the pipeline as spaCy does, and return where."""
    pipeline = spacy.blank("en")
    pipeline.add_pipe("rule_based_parse")
    pipeline.to_disk(folder)
    return str(folder)
