"""The page as text; the modules beside this one look at what a browser makes of it."""

import base64
import hashlib
import io
import json
import logging
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.error_browser.page import write_browser
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.method.category import Category

HOSTILE = [
    pytest.param("<script>document.title='pwned'</script>", id="script"),
    pytest.param("</script><script>document.title='pwned'</script>", id="script-end"),
    pytest.param("<!--<script>", id="comment"),
    pytest.param("]]></noscript></template></title></style>", id="other-ends"),
    pytest.param("<img src=x onerror=\"document.title='pwned'\">", id="img"),
    pytest.param("\"><svg onload=document.title='pwned'>", id="svg"),
    pytest.param("{{ 7 * 7 }} {% raw %} &lt;b&gt; &amp;", id="template"),
    pytest.param('quotes " \' ` ${1} \\ \\u003c \\"}],', id="quotes"),
    pytest.param("separators \u2028 \u2029 \x00 \x1b \r\n \t", id="separators"),
    pytest.param("Bläuling 青い鳥 🐦 \u202ereversed e\u0301", id="unicode"),
    pytest.param("a lone surrogate \ud83d", id="surrogate"),
]


def picture(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(out, format="PNG")
    return out.getvalue()


def judge(
    text: str, image: str = "a.jpg", sample: int = 0, dataset: str = "birds", category: Category = Category.WRONG
) -> Judged:
    return Judged(
        Prediction(SampleKey(dataset, image, sample), "Blue Jay", f"<answer>{text}</answer>"),
        text,
        category,
        None,
        "test",
    )


class _Page(HTMLParser):
    """Tags, and the text of script and title elements, as an HTML parser sees them."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str):
        self.texts.append((self.tags[-1][0] if self.tags else "", data))

    def text_of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag and text.strip()]


def _write(path: Path, judged: list[Judged], title: str = "run") -> str:
    write_browser(judged, lambda key: picture(), path, title=title)
    return path.read_bytes().decode("utf-8")


def _data(text: str) -> dict[str, Any]:
    (block,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    return json.loads(block)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_arrives_whole_and_makes_no_tag(tmp_path: Path, hostile: str):
    plain = _Page(_write(tmp_path / "plain.html", [judge("robin")]))
    item = Judged(
        Prediction(SampleKey(hostile, hostile, 0), hostile, hostile, hostile), hostile, Category.WRONG, hostile, hostile
    )
    text = _write(tmp_path / "hostile.html", [item], title=hostile)
    page = _Page(text)
    assert page.tags == plain.tags
    assert [name for name, _ in page.texts] == [name for name, _ in plain.texts]
    row = _data(text)["rows"][0]
    fields = ("dataset", "image", "ground_truth", "response", "failure", "answer", "refusal", "source")
    assert {row[field] for field in fields} == {hostile}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_data_block_is_ascii_without_markup(tmp_path: Path, hostile: str):
    text = _write(tmp_path / "page.html", [judge(hostile)])
    (block,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert block.isascii()
    assert not set("<>&\n\r\x00") & set(block)


def test_page_loads_nothing_and_allows_only_its_own_script_and_style(tmp_path: Path):
    page = _Page(_write(tmp_path / "page.html", [judge("robin")]))
    for _, attributes in page.tags:
        assert not {"src", "href", "style", "srcset", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    (policy,) = [a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    script = page.text_of("script")[-1]
    (style,) = page.text_of("style")
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert banned not in script


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_rows_are_sorted_by_key_and_their_order_does_not_matter(tmp_path: Path):
    judged = [judge("x", f"{n % 7}.jpg", n % 3, f"set{n % 2}") for n in range(42)]
    text = _write(tmp_path / "one.html", judged)
    assert text == _write(tmp_path / "other.html", judged[::-1])
    keys = [(row["dataset"], row["image"], row["sample"]) for row in _data(text)["rows"]]
    assert keys == sorted(keys)
    assert len(set(keys)) == 42


def test_picture_of_several_samples_is_embedded_once(tmp_path: Path):
    asked = []

    def pictures(key: SampleKey) -> bytes:
        asked.append(key)
        return picture(ord(key.image[0]))

    judged = [judge("x", image, sample, dataset) for dataset in "pq" for image in "ab" for sample in range(1, 4)]
    write_browser(judged, pictures, tmp_path / "page.html", title="run")
    data = _data((tmp_path / "page.html").read_text())
    assert len(data["pictures"]) == 4
    assert [row["picture"] for row in data["rows"]] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert {(key.dataset, key.image, key.sample) for key in asked} == {(d, i, 1) for d in "pq" for i in "ab"}
    for embedded in data["pictures"]:
        assert Image.open(io.BytesIO(base64.b64decode(embedded))).size == (8, 8)


def test_missing_and_damaged_pictures_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    files = {"a": None, "b": b"damaged", "c": picture()}
    with caplog.at_level(logging.WARNING):
        write_browser([judge("x", i) for i in "cba"], lambda key: files[key.image], tmp_path / "page.html", title="run")
    assert [embedded is None for embedded in _data((tmp_path / "page.html").read_text())["pictures"]] == [
        True,
        True,
        False,
    ]
    assert caplog.messages == ["2 of 3 pictures are missing or damaged, the first is 'birds/a'"]


def test_every_outcome_has_its_category(tmp_path: Path):
    outcomes = [*Category, *Outcome]
    judged = [
        Judged(Prediction(SampleKey("birds", str(n), 0), "Blue Jay", "text"), None, outcome)
        for n, outcome in enumerate(outcomes)
    ]
    data = _data(_write(tmp_path / "page.html", judged))
    symbols = ["W", "A", "G", "S-", "S", "S+", "unparseable", "failed"]
    assert [data["categories"][row["category"]]["symbol"] for row in data["rows"]] == symbols


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        pytest.param([], "no predictions to show", id="none"),
        pytest.param([judge("x"), judge("y")], "two predictions for birds/a.jpg sample 0", id="twice"),
    ],
)
def test_page_is_refused_and_the_old_one_kept(tmp_path: Path, judged: list[Judged], message: str):
    (tmp_path / "page.html").write_text("old")
    with pytest.raises(ValueError, match=message):
        write_browser(judged, lambda key: None, tmp_path / "page.html", title="run")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]


def test_interrupted_writing_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(source: Path, target: Path):
        raise OSError("disk full")

    (tmp_path / "page.html").write_text("old")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match=r"page\.html: cannot be written: disk full"):
        write_browser([judge("x")], lambda key: None, tmp_path / "page.html", title="run")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("page.html", "old")]
