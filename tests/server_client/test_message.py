import pytest

from speciarl_verl.server_client.message import Message, read_message


def choice(content: object, ending: object = "stop", **message: object) -> dict[str, object]:
    return {"message": {"role": "assistant", "content": content, **message}, "finish_reason": ending}


THINKING = [
    pytest.param({"type": "thinking", "thinking": "blue"}, id="Anthropic's"),
    pytest.param({"type": "thinking", "thinking": [{"type": "text", "text": "bl"}, "ue"]}, id="Mistral's"),
    pytest.param({"type": "reasoning", "reasoning": "blue"}, id="reasoning"),
    pytest.param({"type": "reasoning", "summary": [{"type": "summary_text", "text": "blue"}]}, id="a summary"),
    pytest.param({"type": "thought", "text": "blue"}, id="thought"),
]


def test_read_message_of_a_text():
    assert read_message(choice("a jay")) == Message("a jay", "", "stop")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([{"type": "text", "text": "a "}, {"type": "text", "text": "jay"}], id="texts"),
        pytest.param([{"type": "output_text", "text": "a jay"}], id="output text"),
        pytest.param(["a ", "jay"], id="bare texts"),
        pytest.param([{"text": "a jay"}], id="no kind"),
        pytest.param([{"type": "text", "text": ""}, {"type": "text", "text": "a jay"}], id="an empty one"),
    ],
)
def test_s2_text_parts_are_joined(parts):
    assert read_message(choice(parts)) == Message("a jay", "", "stop")


@pytest.mark.parametrize("part", THINKING)
def test_s2_thinking_parts_are_thinking(part):
    assert read_message(choice([part, {"type": "text", "text": "jay"}])) == Message("jay", "blue", "stop")
    assert read_message(choice([part], "length")) == Message(None, "blue", "length")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_read_message_thinking_beside_the_text(name):
    assert read_message(choice("jay", **{name: "blue"})) == Message("jay", "blue", "stop")
    assert read_message(choice(None, **{name: {"of": "another kind"}})) == Message(None, "", "stop")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([{"type": "image_url", "image_url": {"url": "x"}}], id="picture"),
        pytest.param([{"type": "text", "text": "jay"}, {"type": "tool_use", "name": "f"}], id="tool beside text"),
        pytest.param([{"type": "text", "text": {"value": "jay"}}], id="text of another shape"),
        pytest.param([{"type": "text"}], id="text without text"),
        pytest.param([{"type": 3}], id="kind is a number"),
        pytest.param([7], id="a number"),
        pytest.param({"text": "jay"}, id="an object"),
        pytest.param(7, id="no list"),
    ],
)
def test_s2_content_of_another_kind_is_an_error(content):
    with pytest.raises(ValueError, match="content "):
        read_message(choice(content))


@pytest.mark.parametrize("wrong", [None, "A", [], {}, {"message": None}, {"text": "A"}, {"message": "A"}])
def test_read_message_without_one_is_an_error(wrong):
    with pytest.raises(ValueError, match="without a message"):
        read_message(wrong)


@pytest.mark.parametrize("ending", ["content_filter", "SAFETY", "tool_calls", "recitation"])
@pytest.mark.parametrize("content", [None, "", []])
def test_s3_text_that_is_kept_back_is_known_by_its_ending(content, ending):
    message = read_message(choice(content, ending))
    assert message.is_withheld
    assert ending in message.lack()


def test_s3_refusal_in_place_of_the_text():
    message = read_message(choice(None, refusal="I am sorry, but I cannot"))
    assert (message.text, message.is_withheld, message.lack()) == (None, True, "no text (finish_reason refusal)")
    assert not read_message(choice("a jay", refusal="")).is_withheld


@pytest.mark.parametrize(
    ("content", "ending"), [(None, "stop"), (None, "length"), (None, None), ("jay", "content_filter"), ("", {})]
)
def test_is_withheld_not_where_nobody_says_so(content, ending):
    assert not read_message(choice(content, ending)).is_withheld


def test_lack_of_an_ending_is_told():
    assert read_message(choice(None, None)).lack() == "no text (finish_reason not told)"


@pytest.mark.parametrize(("ending", "interrupted"), [("abort", True), ("error", True), ("stop", False), (None, False)])
def test_is_interrupted_by_a_server_that_ends(ending, interrupted):
    assert read_message(choice("", ending)).is_interrupted is interrupted
