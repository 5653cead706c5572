"""What is no single name, and what looks like several and is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_verl.judge.malformed import Malformed, find_fault

# Among them the longest labels of Stanford Cars and of FGVC-Aircraft's and Food-101's.
NAMES = [
    "F/A-18",
    "F-16A/B",
    "Ram C/V Cargo Van Minivan 2012",
    "Chevrolet Silverado 1500 Classic Extended Cab 2007",
    "Bentley Continental Supersports Conv. Convertible 2012",
    "Boeing 757/767",
    "Black-and-white Warbler",
    "black and white warbler",
    "Orchard Oriole",
    "Florida Scrub-Jay",
    "Chuck-will's-widow",
    "spring crocus (Crocus vernus)",
    "bishop of llandaff",
    "macaroni and cheese",
    "bacon, lettuce and tomato sandwich",
    "Mont d'Or",
    "Mont d\u2019Or",
    "Mont d Or",
    "Poule d'or",
    "Oder barbel",
    "Golden or",
    "Cavalier King Charles, ruby",
    "Warbler, Golden-winged",
    "European robin, Erithacus rubecula",
    "great white shark, white shark, man-eater",
    "European robin, Erithacus rubecula, songbird",
    "Audi A4, sedan, 2012",
    "Portuguese man o' war",
    "Portuguese man o war",
    "will o the wisp",
    "O negative",
    "Jack-o'-lantern",
    "coffee w/ cream",
    "European robin?",
    "Who's that",
    "100% cotton shirt",
    "- robin",
    "1. FC crest",
    "Scrub-Jay - Aphelocoma",
    "Mai Tai",
    "Mount Nebo salamander",
    "none",
    "n / a",
    "\u77e5\u66f4\u9e1f",
    "\u30b3\u30de\u30c9\u30ea",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u092f\u0939",
]


@pytest.mark.parametrize("name", NAMES)
def test_a6_names_that_look_like_several_options_are_names(name: str) -> None:
    assert find_fault(name, 12, 200) is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("robin or cardinal", id="or"),
        pytest.param("Robin OR Cardinal", id="OR"),
        pytest.param("robin, or cardinal", id="comma or"),
        pytest.param("robin (or cardinal)", id="or in brackets"),
        pytest.param("either robin or cardinal", id="either"),
        pytest.param("robin and/or cardinal", id="and or"),
        pytest.param("robin / cardinal", id="spaced slash"),
        pytest.param("robin/cardinal", id="slash"),
        pytest.param("robin/ cardinal", id="half-spaced slash"),
        pytest.param("737 / 747", id="slash between numbers"),
        pytest.param("robin | cardinal", id="bar"),
        pytest.param("robin|cardinal", id="tight bar"),
        pytest.param("\u00e9pervier/\u00e9tourneau", id="letters with accents"),
        pytest.param("robin, cardinal, sparrow", id="a list with commas"),
        pytest.param("robin; blue jay; wren", id="a list with semicolons"),
        pytest.param("Boeing 737, Airbus A320, Embraer 190", id="a list of types with numbers"),
        pytest.param("Rotkehlchen oder Kardinal", id="German"),
        pytest.param("ROTKEHLCHEN ODER KARDINAL", id="German in capitals"),
        pytest.param("rouge-gorge ou cardinal", id="French"),
        pytest.param("petirrojo o cardenal", id="Spanish"),
        pytest.param("pettirosso oppure cardinale", id="Italian"),
        pytest.param(
            "\u0437\u0430\u0440\u044f \u0438\u043b\u0438 \u043a\u0430\u0440\u0434\u0438\u043d",
            id="Russian",
        ),
        pytest.param(
            "\u0441\u043e\u0432\u0430 \u0430\u0431\u043e \u0433\u0430\u0432\u0430",
            id="Ukrainian",
        ),
        pytest.param("rudzik lub kardyna\u0142", id="Polish"),
        pytest.param("r\u00f6dhake eller kardinal", id="Swedish"),
        pytest.param("k\u0131z\u0131lgerdan veya kardinal", id="Turkish"),
        pytest.param("robin atau kardinal", id="Indonesian"),
        pytest.param("chim s\u1ebb ho\u1eb7c chim h\u1ed3ng y", id="Vietnamese"),
        pytest.param(
            "\u03b3\u03ac\u03c4\u03b1 \u03ae \u03c3\u03ba\u03cd\u03bb\u03bf\u03c2",
            id="Greek",
        ),
        pytest.param(
            "\u0642\u0637 \u0623\u0648 \u0643\u0644\u0628",
            id="Arabic",
        ),
        pytest.param(
            "\u0930\u0949\u092c\u093f\u0928 \u092f\u093e \u0915\u093e\u0930\u094d\u0921\u093f\u0928\u0932", id="Hindi"
        ),
        pytest.param("\u77e5\u66f4\u9e1f\u6216\u7ea2\u96c0", id="Chinese"),
        pytest.param("\u77e5\u66f4\u9e1f\u8fd8\u662f\u7ea2\u96c0", id="Chinese question"),
        pytest.param("\u77e5\u66f4\u9e1f\uff0f\u7ea2\u96c0", id="full-width slash"),
        pytest.param("robin\uff0fcardinal", id="full-width slash between Latin words"),
        pytest.param("\u77e5\u66f4\u9e1f/\u7ea2\u96c0", id="slash between signs"),
        pytest.param("\u77e5\u66f4\u9e1f\u3001\u7ea2\u96c0", id="Chinese list"),
        pytest.param("\u77e5\u66f4\u9e1f\uff0c\u7ea2\u96c0\uff0c\u9ebb\u96c0", id="full-width commas"),
        pytest.param("\u30b3\u30de\u30c9\u30ea\u307e\u305f\u306f\u30b9\u30ba\u30e1", id="Japanese"),
        pytest.param("\uc6b8\uc0c8 \ub610\ub294 \ud64d\uad00\uc870", id="Korean"),
    ],
)
def test_a6_several_options_in_many_languages(answer: str) -> None:
    assert find_fault(answer, 12, 200) is Malformed.HEDGED


@pytest.mark.parametrize(
    "answer",
    [
        "robin? wren?",
        "robin (60%), wren (40%)",
        "- robin - wren",
        "* robin * wren",
        "1. robin 2. wren",
    ],
)
def test_further_ways_to_offer_several_options(answer: str) -> None:
    assert find_fault(answer, 12, 200) is Malformed.HEDGED


def test_a3_a_limit_on_characters_stands_beside_the_one_on_words() -> None:
    assert find_fault("a " * 12, 12, 200) is None
    assert find_fault("a " * 13, 12, 200) is Malformed.TOO_LONG
    assert find_fault("\u9e1f" * 200, 12, 200) is None
    assert find_fault("\u9e1f" * 201, 12, 200) is Malformed.TOO_LONG
    assert find_fault("House Wren", 1, 200) is Malformed.TOO_LONG
    assert find_fault("robin or wren " * 20, 12, 200) is Malformed.TOO_LONG


LETTERS = st.text("abcdefghijklm\u00e9\u4e2d", min_size=3, max_size=8)


@given(LETTERS, LETTERS, st.sampled_from([" or ", ", or ", " / ", " | ", " oder ", "\u3001", " \uff0f "]))
def test_find_fault_two_names_with_a_sign_of_choice_between_are_several(one: str, other: str, sign: str) -> None:
    assert find_fault(one + sign + other, 12, 200) is Malformed.HEDGED


@given(st.lists(LETTERS, min_size=1, max_size=12).map(" ".join))
def test_find_fault_words_alone_are_a_name(name: str) -> None:
    assert find_fault(name, 12, 200) is None


@given(st.text(max_size=300), st.integers(1, 20), st.integers(1, 250))
def test_find_fault_takes_any_text(text: str, words: int, characters: int) -> None:
    fault = find_fault(text, words, characters)
    assert (fault is Malformed.TOO_LONG) == (len(text.split()) > words or len(text) > characters)
