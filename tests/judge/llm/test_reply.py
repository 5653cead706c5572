import math

import pytest

from speciarl_verl.judge.judge_config import Output
from speciarl_verl.judge.llm.reply import Reply, read_reply
from speciarl_verl.judge.llm.rubric import Menu, Rubric
from speciarl_verl.method.category import Category
from speciarl_verl.server_client.failure import UnusableAnswerError

RUBRIC = Rubric("test", 1, "Grade it.", {category.label: category for category in Category})
LETTERS = RUBRIC.menu(Output.LETTER)
LABELS = RUBRIC.menu(Output.LABEL)


def completion(text: object, logprobs: object = None, **fields: object) -> dict[str, object]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}
    return {"choices": [choice | ({} if logprobs is None else {"logprobs": logprobs})], **fields}


def probabilities(chosen: str, **shares: float) -> dict[str, object]:
    """The logprobs of a token that was chosen among some."""
    top = [{"token": token, "logprob": math.log(share), "bytes": None} for token, share in shares.items()]
    (first,) = (entry for entry in top if entry["token"] == chosen)
    return {"content": [{**first, "top_logprobs": top}]}


def confidence(text: str, logprobs: object, menu: Menu = LETTERS) -> float | None:
    return read_reply(completion(text, logprobs), menu).confidence


def test_read_reply_text_and_usage():
    usage = {"prompt_tokens": 700, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 650}}
    assert read_reply(completion("specific", usage=usage), LABELS) == Reply("specific", None, 700, 650, 1)


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], {"prompt_tokens": None, "prompt_tokens_details": None}, {"prompt_tokens": "many"}],
)
def test_read_reply_usage_unknown_counts_nothing(usage):
    assert read_reply(completion("specific", usage=usage), LABELS) == Reply("specific")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"choices": []}, "0 choices", id="none"),
        pytest.param({"choices": [{"message": {"content": "A"}}] * 2}, "2 choices", id="two"),
        pytest.param({}, "no choices", id="missing"),
        pytest.param({"choices": None}, "no choices", id="null"),
        pytest.param({"choices": {"0": {}}}, "no choices", id="object"),
        pytest.param([], "no choices", id="list"),
        pytest.param(None, "no choices", id="nothing"),
        pytest.param("A", "no choices", id="text alone"),
        pytest.param({"error": {"message": "overloaded"}}, "no choices", id="error object"),
        pytest.param({"object": "error", "message": "bad", "code": 400}, "no choices", id="vLLM's error"),
        pytest.param(completion(None), "no text", id="null text"),
        pytest.param({"choices": ["A"]}, "without a message", id="choice is text"),
        pytest.param({"choices": [{"text": "A"}]}, "without a message", id="completion, not chat"),
        pytest.param({"choices": [{"message": None}]}, "without a message", id="no message"),
    ],
)
def test_read_reply_of_another_shape_is_an_error(body, message):
    with pytest.raises(ValueError, match=message):
        read_reply(body, LETTERS)


def test_confidence_after_the_constraint_is_the_share():
    # The constraint left the menu alone: shares of 1.
    assert confidence("E", probabilities("E", E=0.8, D=0.15, A=0.05)) == pytest.approx(0.8)


def test_confidence_before_the_constraint_is_the_share_of_the_menu():
    # By hand: 0.3 of (0.3 + 0.1 + 0.1); "The" and "Specific" are off the menu.
    logprobs = probabilities("E", The=0.4, E=0.3, D=0.1, A=0.1, Specific=0.1)
    assert confidence("E", logprobs) == pytest.approx(0.6)


def test_confidence_is_the_same_before_and_after_the_constraint():
    before = {"Sure": 0.5, "E": 0.2, "D": 0.2, "B": 0.1}
    after = {"E": 0.4, "D": 0.4, "B": 0.2}
    assert confidence("E", probabilities("E", **before)) == pytest.approx(confidence("E", probabilities("E", **after)))


def test_confidence_chosen_token_counts_once():
    logprobs = probabilities("E", E=0.6, D=0.4)
    logprobs["content"][0]["top_logprobs"].append({"token": "E", "logprob": math.log(0.6)})
    assert confidence("E", logprobs) == pytest.approx(0.6)


def test_confidence_chosen_token_missing_from_the_alternatives_counts():
    # A sampled token need not be among the top ones.
    top = [{"token": "E", "logprob": math.log(0.6)}, {"token": "D", "logprob": math.log(0.3)}]
    logprobs = {"content": [{"token": "A", "logprob": math.log(0.1), "top_logprobs": top}]}
    assert confidence("A", logprobs) == pytest.approx(0.1)


def test_confidence_other_dress_of_a_letter_counts_for_it():
    logprobs = probabilities("E", **{"E": 0.3, " E": 0.2, "e": 0.1, '"E': 0.1, "D": 0.2, " d": 0.1})
    assert confidence("E", logprobs) == pytest.approx(0.7)
    assert confidence(" e", probabilities(" e", **{" e": 0.6, "D": 0.4})) == pytest.approx(0.6)


def test_confidence_alternatives_alone_with_themselves_is_one():
    assert confidence("E", {"content": [{"token": "E", "logprob": -0.3}]}) == 1.0
    assert confidence("E", {"content": [{"token": "E", "logprob": -0.3, "top_logprobs": []}]}) == 1.0


def test_confidence_of_words_that_mean_one_category_is_their_sum():
    rubric = Rubric("t", 1, "x", {"no": Category.WRONG, "false": Category.WRONG, "yes": Category.SPECIFIC})
    logprobs = probabilities("A", A=0.2, B=0.3, C=0.5)
    assert confidence("A", logprobs, rubric.menu(Output.LETTER)) == pytest.approx(0.5)


@pytest.mark.parametrize("forbidden", [-math.inf, -9999.0, -1e30, -(10**400)])
def test_confidence_forbidden_tokens_weigh_nothing(forbidden):
    top = [{"token": "E", "logprob": 0.0}, {"token": "D", "logprob": forbidden}]
    assert confidence("E", {"content": [{"token": "E", "logprob": 0.0, "top_logprobs": top}]}) == 1.0


@pytest.mark.parametrize("certain", [0, 1e-7, 1000.0, math.inf, 10**400])
def test_confidence_logprob_above_zero_is_taken_for_certain(certain):
    top = [{"token": "E", "logprob": certain}, {"token": "D", "logprob": math.log(0.25)}]
    assert confidence("E", {"content": [{**top[0], "top_logprobs": top}]}) == pytest.approx(0.8)


@pytest.mark.parametrize(
    "logprobs",
    [
        pytest.param(None, id="missing"),
        pytest.param({}, id="empty"),
        pytest.param({"content": None}, id="no content"),
        pytest.param({"content": []}, id="no token"),
        pytest.param({"content": ["E"]}, id="token is text"),
        pytest.param({"content": [{"token": "E"}]}, id="no logprob"),
        pytest.param({"content": [{"token": "E", "logprob": "-0.1"}]}, id="logprob is text"),
        pytest.param({"content": [{"token": "E", "logprob": True}]}, id="logprob is a truth"),
        pytest.param({"content": [{"token": "E", "logprob": math.nan}]}, id="logprob is no number"),
        pytest.param({"content": [{"token": "E", "logprob": -math.inf}]}, id="no mass"),
        pytest.param({"content": [{"token": "\n", "logprob": -0.1}]}, id="token off the menu"),
        pytest.param(probabilities("\n", **{"\n": 0.5, "D": 0.5}), id="answer not among the tokens"),
        pytest.param({"tokens": ["E"], "token_logprobs": [-0.1]}, id="completion's logprobs"),
        pytest.param([0.5], id="a list"),
    ],
)
def test_confidence_unknown_is_none(logprobs):
    assert confidence("E", logprobs) is None


def test_confidence_off_the_menu_is_none():
    assert confidence("Z", probabilities("E", E=0.9, D=0.1)) is None


def test_confidence_of_a_label_is_none():
    # "less" may go on to several labels; its share is not that of the answer.
    assert confidence("wrong", probabilities("wrong", wrong=0.9, less=0.1), LABELS) is None


@pytest.mark.parametrize(
    "thinking",
    [
        "<think>\n\n</think>\n\n",
        "<think>\nIt is wrong, or rather generic.\n</think>\n",
        "It is wrong.</think>",
        "<thinking>wrong</thinking>",
        "<seed:think>wrong</seed:think>",
        "<thought>wrong</thought>",
        "[THINK]wrong[/THINK]",
        "\u25c1think\u25b7wrong\u25c1/think\u25b7",
        "<|channel|>analysis<|message|>wrong<|end|><|start|>assistant<|channel|>final<|message|>",
        "<think>a</think>wrong<think>b</think>",
    ],
)
def test_s4_thinking_comes_off_before_the_label_is_read(thinking):
    reply = read_reply(completion(f"{thinking}specific"), LABELS)
    assert LABELS.category(reply.text) is Category.SPECIFIC
    assert LETTERS.category(read_reply(completion(f"{thinking}\n**E**"), LETTERS).text) is Category.SPECIFIC


@pytest.mark.parametrize("text", ["<think>specific", "specific <think>", "</think>"])
def test_s4_thinking_without_an_answer_behind_it_is_off_the_menu(text):
    assert LABELS.category(read_reply(completion(text), LABELS).text) is None


def test_s2_parts_of_a_judges_answer_are_joined():
    parts = [{"type": "thinking", "thinking": "wrong"}, *({"type": "text", "text": text} for text in ("spec", "ific"))]
    assert read_reply(completion(parts), LABELS).text == "specific"


def test_s3_text_kept_back_is_final_and_names_the_reason():
    body = {"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}
    with pytest.raises(UnusableAnswerError, match="content_filter"):
        read_reply(body, LABELS)


@pytest.mark.parametrize(
    ("message", "ending", "said"),
    [
        pytest.param({"content": None}, "stop", "no text .finish_reason stop.", id="stop"),
        pytest.param({"content": None}, None, "not told", id="no reason"),
        pytest.param({"content": None, "reasoning": "well"}, "length", "length.*reasoning parser", id="thought"),
        pytest.param({"content": "spec"}, "abort", "abort", id="the server ends"),
    ],
)
def test_s3_no_text_for_another_reason_may_come_yet(message, ending, said):
    with pytest.raises(ValueError, match=said):
        read_reply({"choices": [{"message": message, "finish_reason": ending}]}, LABELS)
