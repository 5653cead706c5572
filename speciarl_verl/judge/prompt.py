"""What the judge is told: a rubric from a text file, and the pair as JSON behind it.

The rubric is the system message and never changes within a run, so that the server computes it once and serves it from
its prefix cache; the pair is the whole user message.
"""

import json
from importlib import resources
from pathlib import Path

from speciarl_verl.judge.protocol import JudgeError, Pair

# Valid JSON escapes. A prediction may spell out a chat template's control tokens (<|im_end|>, [INST]), which the
# server's tokenizer would take for real ones; no quoting of JSON's own prevents that.
_CONTROL = str.maketrans({"<": "\\u003c", ">": "\\u003e", "[": "\\u005b", "]": "\\u005d"})


def load_rubric(name: str) -> str:
    """The text of a shipped rubric, such as `strict`, or of a file.

    Raises:
        JudgeError: there is neither, or it cannot be read, or is empty.
    """
    shipped = shipped_rubrics()
    try:
        if name in shipped:
            text = (resources.files(__package__) / "prompts" / f"{name}.txt").read_text(encoding="utf-8")
        else:
            text = Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise JudgeError(
            f"speciarl.judge.prompt {name!r} is neither a file nor shipped ({', '.join(shipped)})"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise JudgeError(f"speciarl.judge.prompt {name}: cannot be read: {error}") from error
    if not text.strip():
        raise JudgeError(f"speciarl.judge.prompt {name}: the file is empty")
    return text.strip()


def shipped_rubrics() -> tuple[str, ...]:
    """The names that `load_rubric` knows."""
    folder = resources.files(__package__) / "prompts"
    return tuple(sorted(file.name.removesuffix(".txt") for file in folder.iterdir() if file.name.endswith(".txt")))


def render_messages(rubric: str, pair: Pair) -> list[dict[str, str]]:
    """The chat messages that ask for one verdict; whatever the prediction holds stays inside a JSON string."""
    data = {"ground_truth": pair.ground_truth, "prediction": pair.prediction}
    text = json.dumps(data, ensure_ascii=False).translate(_CONTROL)
    # Half a surrogate pair cannot be sent as UTF-8.
    sendable = text.encode("utf-8", "replace").decode("utf-8")
    return [{"role": "system", "content": rubric}, {"role": "user", "content": sendable}]
