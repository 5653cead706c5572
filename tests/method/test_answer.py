import pytest

from speciarl_verl.method.answer import DEFAULT_MAX_WORDS, Extraction, Refusal, extract_answer


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        pytest.param("<answer>Robin</answer>", "Robin", id="bare"),
        pytest.param("<think>A bird.</think><answer>Robin</answer>", "Robin", id="after thinking"),
        pytest.param("<answer> House \n\t Wren </answer> done", "House Wren", id="white space"),
        pytest.param("<answer>bird</answer> no: <answer>Robin</answer>", "Robin", id="the last one"),
        pytest.param("<answer>Robin</answer> or <answer>Wren", "Robin", id="the last complete one"),
        pytest.param("<answer>Robin</answer></answer>", "Robin", id="stray closing tag"),
        pytest.param("<answer><answer>Robin</answer></answer>", "Robin", id="nested"),
        pytest.param("<answer>bird <answer>Robin</answer>", "Robin", id="opened twice"),
        pytest.param("<think><answer>bird</answer></think><answer>Robin</answer>", "Robin", id="an answer in thought"),
        pytest.param("x</think><answer>Robin</answer>", "Robin", id="thinking opened by the prompt"),
        pytest.param("<think>a</think><think>b</think><answer>Robin</answer>", "Robin", id="two thoughts"),
        pytest.param("<answer>Robin</answer><think>was that right?", "Robin", id="unclosed think behind the answer"),
        pytest.param("<THINK>x</Think><Answer>Robin</ANSWER>", "Robin", id="case"),
        pytest.param("<answer >Robin</answer >", "Robin", id="space in tags"),
        pytest.param("<answer>\u30b3\u30de\u30c9\u30ea</answer>", "\u30b3\u30de\u30c9\u30ea", id="Japanese"),
        pytest.param("<answer>Cor\u00a0vus\u2003corax</answer>", "Cor vus corax", id="Unicode spaces"),
        pytest.param("<answer>None</answer>", "None", id="an abstention is an answer"),
        pytest.param("<answer>737</answer>", "737", id="digits"),
        pytest.param("<answer><b>Robin</b></answer>", "<b>Robin</b>", id="other markup is the judge's to grade"),
    ],
)
def test_extract_answer_takes_the_last_complete_answer_outside_thinking(response, answer):
    assert extract_answer(response) == Extraction(answer=answer)


@pytest.mark.parametrize(
    ("response", "refusal"),
    [
        pytest.param("", Refusal.NO_ANSWER, id="nothing"),
        pytest.param("It is a robin.", Refusal.NO_ANSWER, id="no tag"),
        pytest.param("<answer>Robin", Refusal.NO_ANSWER, id="never closed"),
        pytest.param("Robin</answer>", Refusal.NO_ANSWER, id="never opened"),
        pytest.param("<think><answer>Robin</answer></think>", Refusal.NO_ANSWER, id="in thought only"),
        pytest.param("<think>hm <answer>Robin</answer>", Refusal.NO_ANSWER, id="in a thought never closed"),
        pytest.param("<answer>Robin</answer></think>", Refusal.NO_ANSWER, id="thinking ends behind it"),
        pytest.param("<answer>Ro<think>bin</answer>", Refusal.NO_ANSWER, id="a thought opens inside it"),
        pytest.param("<answers>Robin</answers>", Refusal.NO_ANSWER, id="another tag"),
        pytest.param("<answer></answer>", Refusal.EMPTY, id="empty"),
        pytest.param("<answer> \n\u00a0</answer>", Refusal.EMPTY, id="white space"),
        pytest.param("<answer>Robin</answer><answer></answer>", Refusal.EMPTY, id="the last one is empty"),
        pytest.param("<answer>???</answer>", Refusal.PUNCTUATION, id="question marks"),
        pytest.param("<answer>- / |</answer>", Refusal.PUNCTUATION, id="signs that would hedge"),
        pytest.param("<answer>\U0001f426</answer>", Refusal.PUNCTUATION, id="a picture of a bird"),
        pytest.param("<answer>" + "a " * 13 + "</answer>", Refusal.TOO_LONG, id="a word too many"),
        pytest.param("<answer>" + "robin or " * 13 + "</answer>", Refusal.TOO_LONG, id="long before hedged"),
        pytest.param("<answer>robin or cardinal</answer>", Refusal.HEDGED, id="or"),
        pytest.param("<answer>Robin OR Cardinal</answer>", Refusal.HEDGED, id="OR"),
        pytest.param("<answer>robin, or cardinal</answer>", Refusal.HEDGED, id="comma or"),
        pytest.param("<answer>either robin\nor cardinal</answer>", Refusal.HEDGED, id="or on a new line"),
        pytest.param("<answer>robin / cardinal</answer>", Refusal.HEDGED, id="spaced slash"),
        pytest.param("<answer>robin/cardinal</answer>", Refusal.HEDGED, id="slash"),
        pytest.param("<answer>robin | cardinal</answer>", Refusal.HEDGED, id="bar"),
        pytest.param("<answer>robin|cardinal</answer>", Refusal.HEDGED, id="tight bar"),
        pytest.param("<answer>\u00e9pervier/\u00e9tourneau</answer>", Refusal.HEDGED, id="letters with accents"),
    ],
)
def test_extract_answer_refuses_by_a_named_rule(response, refusal):
    assert extract_answer(response) == Extraction(refusal=refusal)


# Among them the longest labels of Stanford Cars and of FGVC-Aircraft's and Food-101's.
NAMES = [
    "F/A-18",
    "F-16A/B",
    "Ram C/V Cargo Van Minivan 2012",
    "Chevrolet Silverado 1500 Classic Extended Cab 2007",
    "Ford F-450 Super Duty Crew Cab 2012",
    "GMC Savana Van 2012",
    "Rolls-Royce Phantom Drophead Coupe Convertible 2012",
    "Mercedes-Benz SL-Class Coupe 2009",
    "Bentley Continental Supersports Conv. Convertible 2012",
    "Aston Martin V8 Vantage Convertible 2012",
    "Black-and-white Warbler",
    "Orchard Oriole",
    "Northern Oriole",
    "Orange-crowned Warbler",
    "Florida Scrub-Jay",
    "Chuck-will's-widow",
    "Hawker Siddeley HS.125",
    "DHC-8-300",
    "spring crocus (Crocus vernus)",
    "bishop of llandaff",
    "macaroni and cheese",
]


@pytest.mark.parametrize("name", NAMES)
def test_extract_answer_names_with_slashes_and_many_words_are_no_hedges(name):
    assert extract_answer(f"<answer>{name}</answer>").answer == name


def test_extract_answer_word_limit_is_inclusive():
    twelve = " ".join(["a"] * DEFAULT_MAX_WORDS)
    assert extract_answer(f"<answer>{twelve}</answer>").answer == twelve
    assert extract_answer("<answer>House Wren</answer>", max_words=1).refusal is Refusal.TOO_LONG
    assert extract_answer("<answer>House Wren</answer>", max_words=2).answer == "House Wren"


@pytest.mark.parametrize(
    "response",
    ["<answer>" * 20_000, "<answer>a" * 10_000, "<think>" * 20_000, "</answer>" * 20_000, "<answer>" + "/" * 100_000],
    ids=["opened", "opened with text", "thinking", "closed", "slashes"],
)
@pytest.mark.timeout(5)
def test_extract_answer_degenerate_responses_take_no_time(response):
    assert extract_answer(response).refusal is Refusal.NO_ANSWER


@pytest.mark.timeout(5)
def test_extract_answer_one_endless_word_takes_no_time():
    word = "a" * 200_000
    assert extract_answer(f"<answer>{word}</answer>").answer == word
