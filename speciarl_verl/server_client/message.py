"""What one choice of a chat completion says: its text, its thinking, and why it ended.

Servers write the same thing in several ways: content as one text or as a list of parts, thinking in parts of its own or
in a field beside the text, a refusal in place of it.
"""

from dataclasses import dataclass

_TEXTS = frozenset({"text", "output_text"})
_THOUGHTS = frozenset({"thinking", "reasoning", "thought"})
_WITHHELD = frozenset(
    {"content_filter", "refusal", "safety", "recitation", "blocklist", "prohibited_content", "tool_calls"}
)
_INTERRUPTED = frozenset({"abort", "aborted", "cancelled", "error"})


@dataclass(frozen=True)
class Message:
    """One message of a model.

    Attributes:
        text: None where the server gave none.
        thought: thinking that the server split off the text.
        ending: why there is no more, as the server says it, such as `length` or `content_filter`.
    """

    text: str | None
    thought: str = ""
    ending: str | None = None

    @property
    def is_withheld(self) -> bool:
        """True where somebody between the model and us kept the text back, and would again."""
        return not self.text and self.ending is not None and self.ending.lower() in _WITHHELD

    @property
    def is_interrupted(self) -> bool:
        """True where the server gave up in the midst of it, such as at its end."""
        return self.ending is not None and self.ending.lower() in _INTERRUPTED

    def lack(self) -> str:
        """Why there is no text, as far as the server tells."""
        return f"no text (finish_reason {self.ending or 'not told'})"


def read_message(choice: object) -> Message:
    """Read one of a completion's choices.

    Raises:
        ValueError: it holds no message, or one with more than text and thinking.
    """
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ValueError("a choice without a message")
    text, thought = _read_content(message.get("content"))
    if not text and message.get("refusal"):
        return Message(None, thought, ending="refusal")
    beside = message.get("reasoning_content") or message.get("reasoning")
    ending = choice.get("finish_reason")
    return Message(
        text, thought or (beside if isinstance(beside, str) else ""), ending if isinstance(ending, str) else None
    )


def _read_content(content: object) -> tuple[str | None, str]:
    if content is None or isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        raise ValueError(f"content that is a {type(content).__name__} and no text")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, dict) else "text"
        if kind in _THOUGHTS:
            thoughts.append(_text_of(part))
        elif kind in _TEXTS:
            texts.append(_text_of(part))
        else:
            raise ValueError(f"content with a part of the kind {str(kind)[:40]!r}, which is no text")
    return "".join(texts) if texts else None, "".join(thoughts)


def _text_of(part: object) -> str:
    """A text itself, or that of a part or of a list of them."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(_text_of(one) for one in part)
    if isinstance(part, dict):
        for name in ("text", "thinking", "reasoning", "summary"):
            if isinstance(part.get(name), str | list):
                return _text_of(part[name])
    raise ValueError("content with a part that holds no text")
