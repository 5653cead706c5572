"""Text that a model or a user wrote, made safe to stand in a table or a plot. Pure."""

import re
from unicodedata import category

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "{''}",
        "`": r"\textasciigrave{}",
    }
)
_HYPHENS = re.compile("-(?=-)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$<>&])")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """One line: white space as single blanks, everything without a shape (controls, lone surrogates) as U+FFFD."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join("\ufffd" if category(c) in _INVISIBLE else c for c in line)


def shortened(text: str, width: int) -> str:
    """At most `width` characters, the cut marked by an ellipsis."""
    line = printable(text)
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def for_markdown(text: str) -> str:
    """A cell of a Markdown table that shows the text and means nothing else."""
    return _MARKDOWN.sub(r"\\\1", printable(text))


def for_latex(text: str) -> str:
    """LaTeX that sets the text; hyphens stay apart, so that they form no dash."""
    return _HYPHENS.sub("-{}", printable(text).translate(_LATEX))


def for_plot(text: str, width: int) -> str:
    """A matplotlib label: shortened, and no dollar begins a formula."""
    return shortened(text, width).replace("$", r"\$")
