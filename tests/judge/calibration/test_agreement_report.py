import json

import pytest
from PIL import Image

from speciarl_verl.judge.calibration.agreement import calibrate
from speciarl_verl.judge.calibration.agreement_report import as_json, as_lines, draw_confusion
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Source, Verdict
from speciarl_verl.method.category import Category
from tests.judge.calibration.test_agreement import CALIBRATION, EXPECTED, GOLD


def test_report_shows_and_stores_the_same_figures():
    ledger = Ledger()
    ledger.sent = 7
    ledger.answered(0.25)
    account = ledger.account()
    lines = as_lines(CALIBRATION, account)
    report = json.loads(json.dumps(as_json(CALIBRATION, account, {"judge": {"name": "x"}})))
    accuracy = CALIBRATION.accuracy
    assert lines[0].startswith(f"accuracy {accuracy.value:.1%}: {accuracy.count} of {accuracy.of} pairs")
    assert f"{accuracy.low:.1%} to {accuracy.high:.1%}" in lines[0]
    assert report["accuracy"]["value"] == accuracy.value
    assert report["judge"] == {"name": "x"}
    assert report["confusion"]["categories"] == ["W", "A", "G", "S-", "S", "S+"]
    for symbol, counts in zip(report["confusion"]["categories"], report["confusion"]["expected_by_given"], strict=True):
        row = next(line for line in lines if line.split()[:1] == [symbol])
        assert row.split()[1:-1] == [str(count) for count in counts]
        assert row.split()[-1] == f"{report['categories'][symbol]['recall']['value']:.1%}"
    assert len(report["mistakes"]) == len(CALIBRATION.mistakes)
    assert report["mistakes"][0]["ground_truth"] == GOLD[0].ground_truth
    assert report["account"]["sent"] == 7
    assert report["account"]["latency_p50_s"] == pytest.approx(0.25, rel=0.02)
    assert any("7 sent" in line for line in lines)


def test_report_of_a_perfect_judge_lists_no_mistakes():
    verdicts = [Verdict(category, Source.SERVER) for category in EXPECTED]
    lines = as_lines(calibrate(GOLD, verdicts, Category), Ledger().account())
    assert not any("truth / prediction" in line for line in lines)


def test_draw_confusion_darkens_the_cells_by_their_share(tmp_path):
    all_right = [Verdict(category, Source.SERVER) for category in EXPECTED]
    all_wrong = [Verdict(Category.WRONG, Source.SERVER) for _ in EXPECTED]
    dark = {}
    for name, verdicts in (("right", all_right), ("wrong", all_wrong)):
        draw_confusion(calibrate(GOLD, verdicts, Category), tmp_path / f"{name}.png")
        picture = Image.open(tmp_path / f"{name}.png").convert("RGB")
        # The darkest blue of the map, where a cell holds its whole row.
        dark[name] = {
            x * 24 // picture.width
            for x in range(picture.width)
            for y in range(0, picture.height, 8)
            if picture.getpixel((x, y)) == (8, 48, 107)
        }
    # The diagonal spreads over the columns; a judge that always says wrong fills only the first.
    assert len(dark["right"]) > 2 * len(dark["wrong"]) > 0
