import pytest

from speciarl_verl.judge.wording import is_abstention, normalise


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
