"""The prompts, as named text files: a parquet carries pictures and labels, the wording is chosen when it is read.

A prompt is the text of the one user message, after the picture; there is no system prompt.
Source: arXiv 2603.03197, the training prompt and the five that steer specificity against correctness, in our own words.
"""

from collections.abc import Mapping
from pathlib import Path

from speciarl_verl.errors import InputError

DEFAULT_PROMPT = "train"

_FOLDER = Path(__file__).parent
_PLACEHOLDERS = ("<image>", "<video>", "<audio>")


def prompt_names() -> tuple[str, ...]:
    """The named templates, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))


def load_prompt(name_or_path: str = DEFAULT_PROMPT) -> str:
    """The text of a named template, or of the user's own `.txt` file.

    Raises:
        InputError: no template of that name; or the file is missing, not UTF-8 text, empty, or holds a placeholder
            such as `<image>`, which verl would take for a second picture.
    """
    if name_or_path in prompt_names():
        path = _FOLDER / f"{name_or_path}.txt"
    elif name_or_path.endswith(".txt"):
        path = Path(name_or_path).expanduser()
    else:
        names = ", ".join(prompt_names())
        raise InputError(f"unknown prompt {name_or_path!r}: take one of {names}, or the path of a .txt file")
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"prompt {path}: not a readable UTF-8 text file ({error})") from error
    if not text:
        raise InputError(f"prompt {path}: is empty: write what the model is asked to do")
    for placeholder in _PLACEHOLDERS:
        if placeholder in text:
            raise InputError(f"prompt {path}: contains {placeholder}: take it out, the picture is put before the text")
    return text


def configured_prompt(node: Mapping[str, object] | None) -> str:
    """The text that `data.speciarl` names.

    Args:
        node: `data.speciarl` of a configuration, with the key `prompt` or none.

    Raises:
        InputError: an unknown key, or what `load_prompt` refuses.
    """
    unknown = sorted(set(node or ()) - {"prompt"})
    if unknown:
        raise InputError(f"data.speciarl.{unknown[0]}: unknown key: data.speciarl has only `prompt`")
    return load_prompt(str((node or {}).get("prompt") or DEFAULT_PROMPT))
