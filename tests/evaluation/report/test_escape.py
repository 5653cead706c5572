import re

import pytest
from markdown_it import MarkdownIt

from speciarl_verl.evaluation.report.escape import for_latex, for_markdown, for_plot, printable, shortened

HOSTILE = [
    "R&D_50% | $x_1$",
    "<script>alert(1)</script>",
    "[link](http://a.b) ![image](x)",
    "**bold** _it_ `code` ~~gone~~",
    r"back\slash \| \$",
    "# heading &amp; entity",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_for_markdown_shows_the_text_and_means_nothing_else(text):
    table = f"| a | b |\n| --- | --- |\n| {for_markdown(text)} | end |\n"
    cells = [
        "".join(child.content for child in token.children)
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(table)
        if token.type == "inline"
    ]
    kinds = {
        child.type
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(table)
        if token.type == "inline"
        for child in token.children
    }
    assert cells == ["a", "b", text, "end"]
    assert kinds <= {"text", "text_special"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R&D", r"R\&D"),
        ("50%", r"50\%"),
        ("$x_1$", r"\$x\_1\$"),
        ("a|b", r"a\textbar{}b"),
        ("#{}~^\\", r"\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("--", "-{}-"),
        ("S-", "S-"),
        ("---", "-{}-{}-"),
    ],
)
def test_for_latex_escapes_what_latex_reads(text, expected):
    assert for_latex(text) == expected


def test_for_latex_leaves_no_special_character_bare():
    bare = re.sub(r"\\[a-z]+\{\}|\\[&%$#_{}]|\{\}|\{''\}", "", for_latex("".join(map(chr, range(32, 127)))))
    assert not set(bare) & set('&%$#_{}~^\\"<>|`')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\t here ", "two lines here"),
        ("bell\x07, lone \ud800", "bell\ufffd, lone \ufffd"),
        ("right\u202eto left", "right\ufffdto left"),
        ("café 犬", "café 犬"),
    ],
)
def test_printable_is_one_line_of_characters_with_a_shape(text, expected):
    assert printable(text) == expected
    assert printable(text).encode("utf-8")


def test_shortened_marks_its_cut_and_leaves_short_text_alone():
    assert shortened("golden retriever", 16) == "golden retriever"
    assert shortened("golden retriever", 8) == "golden…"
    assert len(shortened("x" * 100, 20)) == 20


def test_for_plot_leaves_no_formula():
    from matplotlib.cbook import is_math_text

    for text in ("$x_1$", r"\$x$", "$$", "a $ b"):
        plain, math = for_plot(text, 20), is_math_text(for_plot(text, 20))
        assert math is False
        assert plain.replace(r"\$", "$") == text
