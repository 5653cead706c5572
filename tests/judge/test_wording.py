import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speciarl_verl.judge.wording import (
    fold,
    is_abstention,
    is_scientific,
    normalise,
    same_name,
    without_punctuation,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Black-footed_Albatross ", "black footed albatross"),
        ("The Brewer's Blackbird.", "brewers blackbird"),
        ("Brewer\u2019s \u2018x\u2019 Brewer\u00b4s Brewer`s", "brewers x brewers brewers"),
        ("\uff27\uff4f\uff4c\uff44", "gold"),
        ("STRASSE Stra\u00dfe", "strasse strasse"),
        ("F/A-18", "f a 18"),
        ("a An the", "the"),
        ("A-10", "10"),
        ("the", "the"),
        ("Theatre", "theatre"),
        ("caf\u00e9 cafe\u0301", "cafe cafe"),
        ("Sm\u00f8rrebr\u00f8d \u0141od\u017a \u0152uf \u00c6bler", "smorrebrod lodz oeuf aebler"),
        ("\u0391\u03b7\u03b4\u03cc\u03bd\u03b9", "\u03b1\u03b7\u03b4\u03bf\u03bd\u03b9"),
        ("\u0447\u0438\u0439 \u0447\u0438\u0438", "\u0447\u0438\u0439 \u0447\u0438\u0438"),
        ("\u304c\u304b", "\u304c\u304b"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_normalise_folds_what_does_not_matter(text, folded):
    assert normalise(text) == folded
    assert normalise(folded) == folded


@pytest.mark.parametrize(
    "text",
    ["None", "none.", "N/A", "unknown", "Cannot tell", "I can't tell", "I don\u2019t know", "I am unable to determine"],
)
def test_is_abstention_refusals(text):
    assert is_abstention(text)


@pytest.mark.parametrize("text", ["unknown bird", "none of these birds", "Cannot", "", "?", "nonesuch", "Do"])
def test_is_abstention_anything_else_is_none(text):
    assert not is_abstention(text)


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=1, max_size=4)
SIGNS = st.text(" -_.,;:!?/|()[]{}\t\n\u2028\u3000", min_size=1, max_size=3)


@given(st.text())
@example("\u0130stanbul")
@example("\u1e9e\ufb03\u00bd\u2460\u33a5")
@example("\u0345\u03b1\u0345")
@example("e\u0301\u0327 \u0327\u0301")
@example("\ud83d half")
def test_fold_of_what_is_folded_is_itself(text):
    assert fold(fold(text)) == fold(text)
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_fold_leaves_words_and_single_spaces_only(text):
    folded = fold(text)
    assert folded == " ".join(folded.split())
    assert all(character == " " or unicodedata.category(character)[0] in "LNM" for character in folded)


@given(st.text())
def test_fold_goes_by_what_is_seen_and_not_by_how_it_is_encoded(text):
    forms = {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert forms == {fold(text)}


@given(st.data(), WORDS)
def test_fold_case_and_signs_between_words_do_not_matter(data, words):
    signs = data.draw(st.lists(SIGNS, min_size=len(words) + 1, max_size=len(words) + 1))
    written = signs[0] + "".join(word + sign for word, sign in zip(words, signs[1:], strict=True))
    assert fold(written) == fold(written.upper()) == fold(written.title()) == " ".join(words)


@given(WORDS)
def test_fold_keeps_the_order_and_the_number_of_words(words):
    assert fold("-".join(words)).split() == words


@given(st.text())
def test_fold_of_a_folded_text_changes_nothing(text):
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())


@given(st.text("abc XYZ-_.!\u00e9\u00df\u01c4\u0130"))
def test_fold_knows_no_case(text):
    assert fold(text.upper()) == fold(text.lower()) == fold(text)


@given(st.text(), st.text())
def test_same_name_is_mutual_and_never_of_signs_alone(one, other):
    assert same_name(one, other) == same_name(other, one)
    assert same_name(one, one) == bool(fold(one))


@given(st.text())
def test_without_punctuation_keeps_letters_numbers_and_dashes_only(text):
    shown = without_punctuation(text)
    assert without_punctuation(shown) == shown
    assert not set(shown) & set("!\"#$%&'()*+,./:;<=>?@[]^_`{|}~")


@pytest.mark.parametrize("text", ["Erithacus rubecula", "Cyanocitta cristata cristata", "Corvus corax"])
def test_is_scientific_latin_names(text):
    assert is_scientific(text)


@pytest.mark.parametrize("text", ["European robin", "erithacus rubecula", "Robin", "Erithacus", "Blue Jay", "Corvus 3"])
def test_is_scientific_anything_else_is_not(text):
    assert not is_scientific(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_folds_as_it_does_beside_a_letter_that_is_not(text: str) -> None:
    """ASCII goes a way of its own."""
    assert f"{fold(text)} e".strip() == fold(f"{text} \u00e9")
