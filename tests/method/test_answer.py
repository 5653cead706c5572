import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_verl.method.answer import Extraction, Refusal, extract_answer


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
    ],
)
def test_extract_answer_refuses_by_a_named_rule(response, refusal):
    assert extract_answer(response) == Extraction(refusal=refusal)


@pytest.mark.parametrize(
    ("inside", "answer"),
    [
        pytest.param(r"\boxed{robin}", "robin", id="boxed"),
        pytest.param(r"$\boxed{\text{European robin}}$", "European robin", id="boxed text in a formula"),
        pytest.param(r"\boxed{}", None, id="an empty box"),
        pytest.param(r"\boxed{a} or \boxed{b}", r"\boxed{a} or \boxed{b}", id="two boxes are no wrapper"),
        pytest.param('{"answer": "robin"}', "robin", id="JSON"),
        pytest.param('{"species": "Brewer\'s Blackbird"}', "Brewer's Blackbird", id="JSON with one entry"),
        pytest.param('{"answer": "robin", "confidence": 0.9}', "robin", id="JSON with an answer among more"),
        pytest.param('{"answer": "cr\\u00e8me"}', "cr\u00e8me", id="JSON with escapes"),
        pytest.param("{'answer': \"Brewer's Blackbird\"}", "Brewer's Blackbird", id="a Python dictionary"),
        pytest.param("{answer: robin}", "robin", id="JSON without quotes"),
        pytest.param('```json\n{"answer": "robin"}\n```', "robin", id="JSON in a code fence"),
        pytest.param("<b>Robin</b>", "Robin", id="bold"),
        pytest.param("<species><i>Robin</i></species>", "<species><i>Robin</i></species>", id="nested markup stays"),
        pytest.param('{"answer": ""}', None, id="JSON with nothing"),
        pytest.param('{"genus": "Erithacus", "species": "rubecula"}', None, id="JSON with two entries stays"),
        pytest.param('{"answer": ["robin"]}', None, id="JSON with a list stays"),
        pytest.param('{"answer": "robin"', None, id="JSON cut short stays"),
    ],
)
def test_a7_wrappers_come_off(inside, answer):
    found = extract_answer(f"<answer>{inside}</answer>")
    if answer is None and inside.startswith("{") and '""' not in inside:
        assert found.answer == inside
    else:
        assert found == (Extraction(answer=answer) if answer else Extraction(refusal=Refusal.EMPTY))


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        pytest.param("<answer>robin or cardinal</answer>", "robin or cardinal", id="several options"),
        pytest.param("<answer>" + "a " * 99 + "</answer>", " ".join("a" * 99), id="endless"),
        pytest.param("<answer>Mont d'Or</answer>", "Mont d'Or", id="a name"),
        pytest.param(
            "<answer>\u77e5\u66f4\u9e1f\uff0f\u7ea2\u96c0</answer>", "\u77e5\u66f4\u9e1f\uff0f\u7ea2\u96c0", id="CJK"
        ),
    ],
)
def test_a2_extraction_knows_no_rule_of_form(response, answer):
    assert extract_answer(response) == Extraction(answer=answer)


@pytest.mark.parametrize(
    ("response", "strict", "paper"),
    [
        pytest.param("<think>x <answer>European robin</answer>", None, "European robin", id="never closed"),
        pytest.param("<think><answer>bird</answer></think><answer>Robin</answer>", "Robin", "bird", id="in thought"),
        pytest.param("<answer>bird</answer> no: <answer>Robin</answer>", "Robin", "bird", id="the first one"),
        pytest.param("<answer>bird <answer>Robin</answer>", "Robin", "bird <answer>Robin", id="opened twice"),
        pytest.param("<answer>Robin</answer>", "Robin", "Robin", id="plain"),
        pytest.param("<answer>\\boxed{Robin}</answer>", "Robin", "\\boxed{Robin}", id="in a wrapper"),
        pytest.param("<Answer>Robin</Answer>", "Robin", None, id="capitals"),
        pytest.param("<answer>Robin", None, None, id="the answer never closed"),
        pytest.param("<answer></answer><answer>Robin</answer>", "Robin", None, id="the first one is empty"),
        pytest.param("<answer>???</answer>", None, None, id="signs alone"),
    ],
)
def test_a4_each_mode_finds_its_own(response, strict, paper):
    assert extract_answer(response).answer == extract_answer(response, "strict").answer == strict
    assert extract_answer(response, "paper").answer == paper


@pytest.mark.parametrize(
    "response",
    ["<answer>" * 20_000, "<answer>a" * 10_000, "<think>" * 20_000, "</answer>" * 20_000, "<answer>" + "/" * 100_000],
    ids=["opened", "opened with text", "thinking", "closed", "slashes"],
)
@pytest.mark.parametrize("mode", ["strict", "paper"])
def test_extract_answer_degenerate_responses_end(response, mode):
    assert extract_answer(response, mode).refusal is Refusal.NO_ANSWER


@pytest.mark.parametrize(
    "word",
    ["a" * 200_000, "{" * 200_000 + "a", "\\boxed{" * 50_000 + "a", "$" * 200_000 + "a", "<b>" * 60_000],
    ids=["letters", "braces", "boxes", "dollars", "tags"],
)
def test_extract_answer_one_endless_word_is_an_answer(word):
    assert extract_answer(f"<answer>{word}</answer>").answer == word


FRAGMENTS = st.sampled_from(
    [
        "<answer>",
        "</answer>",
        "<think>",
        "</think>",
        "<ANSWER >",
        "robin",
        " or ",
        "\\boxed{",
        "}",
        '{"answer": "',
        '"}',
        "$",
    ]
)
RESPONSES = st.lists(FRAGMENTS | st.text(max_size=5), max_size=12).map("".join)


@given(RESPONSES, st.sampled_from(["strict", "paper"]))
def test_extract_answer_always_gives_a_clean_answer_or_a_rule(response, mode):
    found = extract_answer(response, mode)
    assert (found.answer is None) != (found.refusal is None)
    if found.answer is not None:
        assert found.answer == " ".join(found.answer.split())
        assert any(character.isalnum() for character in found.answer)


@given(RESPONSES)
def test_extract_answer_strict_knows_nothing_of_the_thinking(response):
    assert extract_answer(f"{response}</think>").answer is None
    assert extract_answer(f"{response}</think><answer>Robin</answer>").answer == "Robin"


@given(st.text(), RESPONSES)
def test_extract_answer_paper_reads_no_further_than_the_first_pair(name, rest):
    first = f"<answer>{name.replace('<', '')}</answer>"
    assert extract_answer(first + rest, "paper") == extract_answer(first, "paper")
