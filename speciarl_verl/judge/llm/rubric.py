"""What the judge is told to do: a rubric from a versioned text file, and what it may answer.

A file is text for the system message, with an optional header in YAML:

    ---
    version: 1
    menu: {wrong: W, correct: S}
    ---
    You grade answers ...

`menu` maps the words that the judge answers with to categories; without it, they are the six labels. How to answer is
said by us at the end, so that one text serves both outputs. Three more keys:

- `user`: the user's message, with `{pair}` for the pair as JSON, or `{prediction}` and `{ground_truth}` for the bare
  texts, which then nothing keeps from talking to the judge. The system message is the text as it stands, with nothing
  of ours (but for `output: letter`): a prompt from elsewhere is sent word for word.
- `normalise: true`: both texts are shown in lower case and without punctuation.
- `broader_is_right: true`: S is for a true parent too; `speciarl judge calibrate` measures by that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from speciarl_verl.errors import InputError, JudgeError
from speciarl_verl.files import read_text
from speciarl_verl.judge.judge_config import Output
from speciarl_verl.method.category import Category

_HEADER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
# They become part of a regex, and of a sentence.
_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*")
SLOT = re.compile(r"\{(?:pair|prediction|ground_truth)\}")
"""What a user's message shows of the pair."""
_DRESS = " \t\r\n.\"'`*"


@dataclass(frozen=True)
class Menu:
    """What the judge may answer, and what each answer means.

    Attributes:
        choices: what the server is held to.
        instruction: the last line of the system message.
        max_tokens: enough for the longest choice, even for a tokenizer of single bytes.
    """

    output: Output
    choices: tuple[str, ...]
    categories: tuple[Category, ...]
    instruction: str
    max_tokens: int

    @cached_property
    def _meaning(self) -> Mapping[str, Category]:
        return dict(zip((choice.lower() for choice in self.choices), self.categories, strict=True))

    def category(self, answer: str) -> Category | None:
        """What an answer means, whatever quotes, stars and capitals it comes in; None when it is off the menu."""
        return self._meaning.get(answer.strip(_DRESS).lower())


@dataclass(frozen=True)
class Rubric:
    """A text of instructions.

    Attributes:
        name: as configured.
        version: of the text; recorded with results. The cache goes by the text itself.
        grades: what the judge answers with, and the category that each word stands for.
        user: template of the user's message; None for the pair as JSON and nothing else.
        normalise: show both texts without case and punctuation.
        broader_is_right: a true parent gets S.
    """

    name: str
    version: int
    text: str
    grades: Mapping[str, Category]
    user: str | None = None
    normalise: bool = False
    broader_is_right: bool = False

    @property
    def wording(self) -> str:
        """All of its words, for a fingerprint."""
        return "\0".join([self.text, *([self.user] if self.user else []), *(["normalised"] if self.normalise else [])])

    def system(self, output: Output) -> str:
        """The system message."""
        if self.user is not None and output is Output.LABEL:
            return self.text
        return f"{self.text}\n\n{self.menu(output).instruction}"

    def menu(self, output: Output) -> Menu:
        """The answers that the judge is offered."""
        words, categories = tuple(self.grades), tuple(self.grades.values())
        if output is Output.LABEL:
            instruction = f"Answer with one of these, in lower case, and nothing else: {', '.join(words)}."
            return Menu(output, words, categories, instruction, max_tokens=max(map(len, words)) + 3)
        letters = tuple(chr(ord("A") + number) for number in range(len(words)))
        meanings = ", ".join(f"{letter} for {word}" for letter, word in zip(letters, words, strict=True))
        return Menu(output, letters, categories, f"Answer with one letter and nothing else: {meanings}.", max_tokens=1)


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=1, ge=1)
    menu: dict[str, Category] = Field(default_factory=lambda: {category.label: category for category in Category})
    user: str | None = None
    normalise: bool = False
    broader_is_right: bool = False

    @field_validator("user")
    @classmethod
    def _shows_the_pair(cls, user: str | None) -> str | None:
        if (
            user is not None
            and "{pair}" not in user
            and not {"{prediction}", "{ground_truth}"} <= set(SLOT.findall(user))
        ):
            raise ValueError("the message must show {pair}, or {prediction} and {ground_truth}")
        return user

    @field_validator("menu", mode="before")
    @classmethod
    def _of_symbols(cls, menu: object) -> object:
        if not isinstance(menu, dict) or not 2 <= len(menu) <= 26:
            raise ValueError("menu must map two words or more to categories, such as {wrong: W, correct: S}")
        for word in menu:
            if not isinstance(word, str) or not _WORDS.fullmatch(word):
                raise ValueError(f"{word!r} cannot be an answer: use words of the letters a to z (quote yes and no)")
        return {word: Category.from_label(str(symbol)) for word, symbol in menu.items()}


def load_rubric(name: str) -> Rubric:
    """A shipped rubric by its name, such as `strict`, or a file by its path.

    Raises:
        JudgeError: there is neither, or it cannot be read, is empty, or has a header that says nonsense.
    """
    text = _read(name)
    header = _HEADER.match(text)
    try:
        fields = _Header.model_validate(yaml.safe_load(header.group(1)) or {}) if header else _Header()
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise JudgeError(f"speciarl.judge.prompt {name}: header: {place}: {fault['msg']}") from error
    except yaml.YAMLError as error:
        raise JudgeError(
            f"speciarl.judge.prompt {name}: the header is no YAML: {' '.join(str(error).split())}"
        ) from error
    body = (text[header.end() :] if header else text).strip()
    if not body:
        raise JudgeError(f"speciarl.judge.prompt {name}: the file is empty")
    return Rubric(name, fields.version, body, fields.menu, fields.user, fields.normalise, fields.broader_is_right)


def _read(name: str) -> str:
    shipped = shipped_rubrics()
    if name in shipped:
        return (resources.files(__package__) / "prompts" / f"{name}.txt").read_text(encoding="utf-8")
    if not Path(name).exists():
        raise JudgeError(f"speciarl.judge.prompt {name!r} is neither a file nor shipped ({', '.join(shipped)})")
    try:
        return read_text(Path(name)).replace("\r\n", "\n")
    except InputError as error:
        raise JudgeError(f"speciarl.judge.prompt {error}") from error


def shipped_rubrics() -> tuple[str, ...]:
    """The names that `load_rubric` knows."""
    folder = resources.files(__package__) / "prompts"
    return tuple(sorted(file.name.removesuffix(".txt") for file in folder.iterdir() if file.name.endswith(".txt")))
