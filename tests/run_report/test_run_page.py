"""What a model said is text on the page, and nothing is loaded."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from speciarl_verl.run_report.writing import write_report
from tests.evaluation.error_browser.reader import Reader
from tests.evaluation.error_browser.test_page import HOSTILE
from tests.run_report.made_run import make_run

TEXTS = [str(one.values[0]) for one in HOSTILE]
PAGES = (TEXTS[:6], TEXTS[6:])
"""A page tells of eight pictures."""


def hostile_run(folder: Path, texts: list[str]) -> Path:
    """A run whose every answer, truth, picture and response is one of those texts, each text a picture's."""
    make_run(folder, steps=6, groups=len(texts), pictures=len(texts))
    for path in (folder / "rollouts").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            fields = ("answer", "ground_truth", "text", "image", "data_source", "rule")
            row |= dict.fromkeys(fields, texts[row["index"] % len(texts)])
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize("texts", PAGES, ids=["markup", "characters"])
def test_hostile_texts_show_as_text_and_run_nothing(reader: Reader, tmp_path: Path, texts: list[str]) -> None:
    page = write_report([hostile_run(tmp_path / "run", texts)], tmp_path / "report")
    reader.driver.get_log("browser")
    reader.open(page)
    assert reader.driver.title == "Training: run"
    assert reader.run("return document.querySelectorAll('script, svg, b:not(.warning b) > *, [onerror]').length") == 0
    # HTML has no NUL and no lone surrogate, and reads CR LF as a new line.
    shown = {text.replace("\ud83d", "\ufffd").replace("\x00", "\ufffd").replace("\r\n", "\n") for text in texts}
    assert {text.lstrip("\n") for text in reader.texts("pre:not(.code)")} == {text.lstrip("\n") for text in shown}
    assert set(reader.texts(".rollout bdi")) == shown
    assert set(reader.texts(".portrait header b")) == shown
    assert reader.driver.get_log("browser") == []


def test_page_asks_the_network_for_nothing_and_fits_a_phone(reader: Reader, tmp_path: Path) -> None:
    make_run(tmp_path / "run", text="w" * 300)
    reader.open(write_report([tmp_path / "run"], tmp_path / "report"))
    names = reader.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in names if not name.startswith("data:")] == []  # type: ignore[attr-defined]
    reader.wait(lambda: reader.run("return [...document.images].every(image => image.naturalWidth > 0)"))
    metrics = {"width": 420, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    reader.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert reader.run("return document.documentElement.scrollWidth <= 420")
    finally:
        reader.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_policy_allows_no_script_and_no_style_but_ours(tmp_path: Path) -> None:
    text = write_report([make_run(tmp_path / "run", steps=1)], tmp_path / "report").read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert dict(rule.strip().split(" ", 1) for rule in policy.split(";")) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert "<script" not in text
    assert "style=" not in text
