import sys

import pytest
import spacy

from speciarl_verl.evaluation.conti.chunker import load_chunker
from speciarl_verl.evaluation.conti.missing_model import MissingModelError
from tests.evaluation.rule_pipeline import write_rule_pipeline


@pytest.fixture
def chunker(tmp_path):
    return load_chunker(write_rule_pipeline(tmp_path / "rules"))


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("a small red bird on the branch", ("small red bird", "branch")),
        ("Golden Retriever", ("Golden Retriever",)),
        ("The bird with its nest", ("bird", "nest")),
        ("dog, dog, a dog", ("dog",)),
        ("on", ()),
        ("Anna's hummingbird", ("Anna's hummingbird",)),
    ],
)
def test_chunks_are_the_distinct_noun_chunks_without_leading_articles(chunker, text, chunks):
    assert chunker([text]) == [chunks]


def test_chunks_come_in_the_order_of_the_texts(chunker):
    texts = [f"a bird of species{number}" for number in range(700)]
    assert chunker(texts) == [("bird", f"species{number}") for number in range(700)]


def test_load_chunker_of_no_pipeline_is_one_line_with_the_cure():
    with pytest.raises(
        MissingModelError, match=r"^chunker en_no_such: no such spaCy pipeline.*spacy download"
    ) as caught:
        load_chunker("en_no_such")
    assert "\n" not in str(caught.value)


def test_load_chunker_of_a_pipeline_without_a_parser_is_one_line(tmp_path):
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(MissingModelError, match=r"finds no noun chunks.*name one with a parser") as caught:
        load_chunker(str(tmp_path / "blank"))
    assert "\n" not in str(caught.value)


def test_load_chunker_without_the_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingModelError, match=r"spaCy cannot be imported.*pip install 'speciarl_verl\[conti\]'$"):
        load_chunker()
