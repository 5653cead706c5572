"""The report as files: of one run or several, while they go, after they died, with the run's pictures."""

import hashlib
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from speciarl_verl.cli.main import app
from speciarl_verl.data_contract import SCHEMA
from speciarl_verl.run_report.writing import write_report
from tests.evaluation.error_browser.test_page import picture
from tests.run_report.made_run import CONFIG, make_run


def test_report_of_one_run_lies_in_its_folder(run_folder: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(run_folder)])
    assert (done.exit_code, done.output) == (0, f"{run_folder}/report/report.html\n")
    plots = run_folder / "report/plots"
    assert sorted(path.name for path in plots.glob("*.png")) == ["classes_1.png", "course.png", "outcomes_1.png"]
    for path in plots.glob("*.png"):
        with Image.open(path) as image:
            assert image.width == 1200
    text = (run_folder / "report/report.html").read_text()
    assert text.count("<img") == 3
    assert "20 of 20" in text
    assert "No warning." in text
    for shown in ("latency_p50_s", "verl 0.9.1", "http://***@judge:30000", "All 24 classes"):
        assert shown in text


def test_several_runs_lie_over_each_other_and_need_a_place(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, steps=6, pictures=8, seed=seed) for seed, name in enumerate(("one", "two"))]
    done = CliRunner().invoke(app, ["report", *map(str, runs)])
    assert done.exit_code == 2
    assert done.output.strip() == "speciarl: --out is needed for a report of several runs"
    page = write_report(runs, tmp_path / "both")
    assert "<title>Training: one, two</title>" in page.read_text()
    assert len(list((tmp_path / "both/plots").glob("*.png"))) == 5


def test_folder_of_no_training_is_refused_in_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code == 2
    assert done.output.startswith(f"speciarl: {tmp_path}: no step of training is logged")
    assert list(tmp_path.iterdir()) == []


def test_run_that_was_killed_is_reported_up_to_its_last_whole_line(run_folder: Path) -> None:
    (metrics,) = (run_folder / "metrics").glob("*.jsonl")
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(lines[:11]) + lines[11][:50])
    last = run_folder / "rollouts/12.jsonl"
    last.write_bytes(last.read_bytes()[:-50])
    assert "11 of 20" in write_report([run_folder], run_folder / "report").read_text()


def test_run_in_its_first_step_without_rollouts_is_reported(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/1.jsonl").write_text(json.dumps({"step": 1, "data": {"critic/score/mean": 0.5}}) + "\n")
    text = write_report([tmp_path], tmp_path / "report").read_text()
    for said in ("No picture came twice", "No class was seen", "None was written", "No configuration was found"):
        assert said in text


def test_warnings_stand_first_with_their_cure_and_say_whether_they_still_hold(run_folder: Path) -> None:
    (metrics,) = (run_folder / "metrics").glob("*.jsonl")
    steps = [json.loads(line) for line in metrics.read_text().splitlines()]
    for step in steps:
        step["data"]["training/speciarl/share/unparseable"] = 0.5 if step["step"] < 5 else 0.0
        step["data"]["training/speciarl/share/S+"] = 0.2 if step["step"] > 15 else 0.0
    metrics.write_text("".join(json.dumps(step) + "\n" for step in steps))
    text = write_report([run_folder], run_folder / "report").read_text()
    boxes = re.findall(r'<div class="warning( past)?"><b>(.*?)</b>.*?\((from.*?|steps.*?)\)</span>', text, re.DOTALL)
    assert boxes == [("", "S+ often", "from step 17 on"), (" past", "format", "steps 1 to 6, not any more")]
    assert text.index("Cure: ") < text.index("<img")


def test_pictures_of_the_run_are_shown_where_its_data_still_are(run_folder: Path) -> None:
    data = picture()
    rows = [
        {
            "data_source": "cub",
            "prompt": [{"role": "user", "content": "<image>What is this?"}],
            "images": [{"bytes": data, "path": None}],
            "ability": "classification",
            "reward_model": {"style": "judge", "ground_truth": "robin"},
            "extra_info": {
                **{"split": "train", "index": i, "file_name": f"{i}.jpg", "label_id": 0},
                "content_hash": hashlib.sha256(data).hexdigest(),
            },
        }
        for i in range(24)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), run_folder / "train.parquet")
    config = CONFIG.replace("/no/such.parquet", str(run_folder / "train.parquet"))
    (run_folder / "hydra/.hydra/config.yaml").write_text(config)
    text = write_report([run_folder], run_folder / "report").read_text()
    assert text.count("data:image/webp;base64,") == text.count('<article class="portrait">') > 3


@pytest.mark.filterwarnings("error")
def test_same_run_makes_the_same_page(run_folder: Path) -> None:
    one, other = (write_report([run_folder], run_folder / name) for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()
