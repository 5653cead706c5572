"""The command itself, with a scripted server as the model and the offline judge."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tenacity.wait import wait_none
from typer.testing import CliRunner

from speciarl_verl.cli.main import app
from speciarl_verl.server_client import retry as http_retry
from tests.evaluation.small_set import write_set
from tests.evaluation.vision_server import VisionServer, choices, running, shade

LABELS = ["Blue Jay", "Cardinal"] * 6
TAXONOMY = {
    "name": "two birds",
    "root": ["bird"],
    "labels": {"Blue Jay": {"parents": ["jay"]}, "Cardinal": {"synonyms": ["redbird"]}},
}
ANSWERS = [
    *("<answer>Blue Jay</answer>", "<answer>redbird</answer>", "<answer>jay</answer>", "<answer>bird</answer>"),
    *("<answer>none</answer>", "<answer>crow</answer>", "no tags", "<answer>jay or crow</answer>"),
    *("<answer>bird</answer>", "<answer>Cardinal</answer>", "<answer>bird</answer>", "<answer>bird</answer>"),
]
"""S S S- G A W, one unparseable and one malformed, then G S G G."""


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_retry, "BACKOFF", wait_none())


@pytest.fixture
def server() -> Iterator[VisionServer]:
    with running() as server:
        server.respond = lambda body: choices(ANSWERS[shade(body)])
        yield server


class Bench:
    """A folder with data and a taxonomy, and the command over it."""

    def __init__(self, folder: Path, server: VisionServer) -> None:
        self.folder = folder
        self.data = write_set(folder / "test.parquet", LABELS)
        self.taxonomy = folder / "taxonomy.json"
        self.taxonomy.write_text(json.dumps(TAXONOMY))
        self.server = server

    @property
    def flags(self) -> list[str]:
        model = ["--server", self.server.url, "--data", self.data]
        return [*model, "--judge", "taxonomy", "--judge-set", f"taxonomy={self.taxonomy}", "--browser-pictures=0"]

    def run(self, out: str, *flags: str) -> Any:
        return CliRunner().invoke(app, ["evaluate", "--out", str(self.folder / out), *flags])

    def report(self, out: str) -> dict[str, Any]:
        report = json.loads((self.folder / out / "report.json").read_text())
        report["run"].pop("created")
        return report


@pytest.fixture
def bench(tmp_path: Path, server: VisionServer) -> Bench:
    return Bench(tmp_path, server)


def refusal(result: Any) -> str:
    """The one line of a command that was refused."""
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("speciarl: ")]
    assert not result.stdout
    return line


def test_one_command_predicts_judges_and_reports(bench: Bench) -> None:
    result = bench.run("run", *bench.flags)
    assert result.exit_code == 0, result.output
    # n 12, wrong 3 (one judged, one malformed, one unparseable): 9 not wrong with 4+4+3+2+1+2+4+2+2 points of 36.
    assert "specificity 0.667 correctness 0.750" in result.stdout
    assert "n 12 unparseable 1 failed 0" in result.stdout
    shares = bench.report("run")["datasets"][0]["shares"]
    counts = {name: share["count"] for name, share in shares.items()}
    assert counts == {"W": 2, "A": 1, "G": 4, "S-": 1, "S": 3, "S+": 0, "unparseable": 1, "failed": 0}
    for name in ("report.md", "report.tex", "run.json", "judge.json"):
        assert (bench.folder / "run" / name).is_file()


def test_the_model_that_is_served_is_named(bench: Bench) -> None:
    bench.run("run", *bench.flags)
    assert bench.report("run")["run"]["settings"]["model"] == "seer"
    (bench.folder / "run" / "predictions.jsonl").unlink()
    with running() as other:
        other.model = "oracle"
        line = refusal(bench.run("run", "--server", other.url, "--stages", "predict"))
    assert "does not serve 'seer'" in line


def test_stages_by_themselves_make_the_same_report(bench: Bench) -> None:
    bench.run("whole", *bench.flags)
    assert bench.run("run", *bench.flags[:4], "--stages", "predict").exit_code == 0
    assert not (bench.folder / "run" / "verdicts.jsonl").exists()
    assert bench.run("run", *bench.flags[4:], "--stages", "judge").exit_code == 0
    assert bench.run("run", "--stages", "report", "--browser-pictures=0").exit_code == 0
    report, whole = bench.report("run"), bench.report("whole")
    assert report.pop("name") == "run"
    assert whole.pop("name") == "whole"
    assert report == whole


@pytest.mark.parametrize("file", ["predictions.jsonl", "verdicts.jsonl"])
def test_a_run_torn_anywhere_ends_with_the_same_report(bench: Bench, file: str) -> None:
    bench.run("run", *bench.flags)
    expected, folder = bench.report("run"), bench.folder / "run"
    whole = (folder / file).read_bytes()
    verdicts = sorted((folder / "verdicts.jsonl").read_text().splitlines())
    for cut in (0, 1, len(whole) // 2, len(whole) - 1):
        for name in ["verdicts.jsonl", "judge.json"] if file == "predictions.jsonl" else []:
            (folder / name).unlink()
        (folder / file).write_bytes(whole[:cut])
        assert bench.run("run", *bench.flags, "--stages", "predict,judge").exit_code == 0
        assert sorted((folder / "verdicts.jsonl").read_text().splitlines()) == verdicts
    (folder / "report.json").unlink()
    assert bench.run("run", *bench.flags).exit_code == 0
    assert bench.report("run") == expected


def test_a_finished_run_asks_nobody_again(bench: Bench) -> None:
    bench.run("run", *bench.flags)
    asked = len(bench.server.requests)
    assert asked == 12
    assert bench.run("run", *bench.flags).exit_code == 0
    assert len(bench.server.requests) == asked


def test_failed_samples_are_counted_and_can_be_retried(bench: Bench) -> None:
    bench.server.respond = lambda body: (400, {}) if shade(body) in (0, 5) else choices(ANSWERS[shade(body)])
    result = bench.run("run", *bench.flags)
    assert "n 12 unparseable 1 failed 2" in result.stdout
    # Two of the nine right ones less one, which failed; the wrong one failed too.
    assert "correctness 0.667" in result.stdout
    bench.server.respond = lambda body: choices(ANSWERS[shade(body)])
    assert "failed 2" in bench.run("run", *bench.flags).stdout
    result = bench.run("run", *bench.flags, "--retry-failed")
    assert "correctness 0.750" in result.stdout
    assert "failed 0" in result.stdout


def test_a_dead_server_is_one_line_and_no_failures(bench: Bench) -> None:
    bench.server.respond = lambda body: (500, {"error": "out of memory"})
    line = refusal(bench.run("run", *bench.flags, "--retry-for", "0.1"))
    assert "12 pictures failed in a row" in line
    assert "out of memory" in line
    assert not (bench.folder / "run" / "predictions.jsonl").exists()
    bench.server.respond = lambda body: choices(ANSWERS[shade(body)])
    assert bench.run("run", *bench.flags).exit_code == 0


def test_a_judge_without_the_label_is_one_line_and_keeps_the_verdicts(bench: Bench) -> None:
    smaller = TAXONOMY | {"labels": {"Blue Jay": {"parents": ["jay"]}}}
    bench.taxonomy.write_text(json.dumps(smaller))
    line = refusal(bench.run("run", *bench.flags))
    assert "does not know the ground truth 'Cardinal'" in line
    assert len((bench.folder / "run" / "verdicts.jsonl").read_text().splitlines()) >= 1
    # A repaired taxonomy is another judge: the verdicts so far were not its own.
    bench.taxonomy.write_text(json.dumps(TAXONOMY))
    assert "the verdicts were given with judge rubric" in refusal(bench.run("run", *bench.flags))
    flags = ["--predictions", str(bench.folder / "run" / "predictions.jsonl"), *bench.flags[2:]]
    assert "correctness 0.750" in bench.run("other", *flags).stdout


def test_answer_mode_of_the_paper_takes_an_answer_out_of_the_thinking(bench: Bench) -> None:
    bench.server.respond = lambda body: choices(f"<think>{ANSWERS[shade(body)]}")
    assert "correctness 0.000" in bench.run("strict", *bench.flags).stdout
    assert "correctness 0.750" in bench.run("paper", *bench.flags, "--answer", "paper").stdout
    # The run keeps its mode where none is named, and takes no other.
    assert bench.run("paper", *bench.flags).exit_code == 0
    assert "judge answer mode 'paper', now it is 'strict'" in refusal(
        bench.run("paper", *bench.flags, "--answer", "strict")
    )
    assert "--answer loose: choose strict or paper" in refusal(bench.run("x", *bench.flags, "--answer", "loose"))


def test_predictions_made_elsewhere_get_the_same_figures(bench: Bench) -> None:
    bench.run("run", *bench.flags)
    external = bench.folder / "external.jsonl"
    lines = [{"dataset": "cub", "image": f"{i:03d}.png", "response": text} for i, text in enumerate(ANSWERS)]
    external.write_text("".join(json.dumps(line) + "\n" for line in reversed(lines)))
    result = bench.run("external", "--predictions", str(external), *bench.flags[2:])
    assert result.exit_code == 0, result.output
    assert bench.report("external")["datasets"] == bench.report("run")["datasets"]
    external.write_text("".join(json.dumps(line) + "\n" for line in lines[:9]))
    assert "now it is" in refusal(bench.run("external", "--predictions", str(external), *bench.flags[2:]))
    assert "3 of 12 samples are missing" in refusal(
        bench.run("fewer", "--predictions", str(external), *bench.flags[2:])
    )
    result = bench.run("allowed", "--predictions", str(external), *bench.flags[2:], "--allow-missing")
    assert "failed 3" in result.stdout


def test_predictions_of_another_data_set_are_refused(bench: Bench) -> None:
    bench.run("run", *bench.flags)
    other = write_set(bench.folder / "other.parquet", LABELS, dataset="oxford_pets")
    flags = ["--data", other, *bench.flags[4:]]
    assert "was made with data" in refusal(bench.run("run", *flags))
    external = str(bench.folder / "run" / "predictions.jsonl")
    line = refusal(bench.run("other", "--predictions", external, *flags))
    assert "is not in --data: predictions of another data set?" in line
    # The same manifest, but another run's predictions put into the folder.
    shutil.copytree(bench.folder / "run", bench.folder / "mixed")
    mixed = bench.folder / "mixed" / "predictions.jsonl"
    mixed.write_text(mixed.read_text().replace('"cub"', '"oxford_pets"'))
    assert "is not part of this run" in refusal(bench.run("mixed", *bench.flags))


@pytest.mark.parametrize(
    ("stage", "message"),
    [("judge", "finish the stage predict first"), ("report", "finish the stage predict first")],
)
def test_a_stage_too_early_is_refused(bench: Bench, stage: str, message: str) -> None:
    assert message in refusal(bench.run("run", *bench.flags, "--stages", stage))
    bench.run("run", *bench.flags, "--stages", "predict")
    if stage == "report":
        assert "finish the stage judge first" in refusal(bench.run("run", *bench.flags, "--stages", stage))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        pytest.param(["--stages", "predict,score"], "'score' is none of predict, judge, report", id="stage"),
        pytest.param(["--max-pixels", "0"], "--max-pixels 0: takes a number of pixels, or none", id="pixels"),
        pytest.param(["--engine-arg", "x"], "--engine-arg x: takes KEY=VALUE", id="engine argument"),
        pytest.param(["--judge", "oracle"], "--judge oracle: no such judge", id="judge"),
        pytest.param(["--data", "nowhere.parquet"], "nowhere.parquet: no such file", id="data"),
        pytest.param([], "--data is missing", id="nothing"),
    ],
)
def test_wrong_flags_are_one_line(bench: Bench, flags: list[str], message: str) -> None:
    assert message in refusal(bench.run("run", *flags))


def test_the_pixel_budget_is_the_runs_and_may_be_none(bench: Bench) -> None:
    flags = [*bench.flags[:4], "--stages", "predict", "--min-pixels", "50000"]
    assert bench.run("run", *flags, "--max-pixels", "none").exit_code == 0
    settings = json.loads((bench.folder / "run" / "run.json").read_text())["settings"]
    assert (settings["min_pixels"], settings["max_pixels"]) == (50000, 0)
    assert "was made with max_pixels 0, now it is 60000" in refusal(bench.run("run", *flags, "--max-pixels", "60000"))


def test_two_commands_cannot_share_a_folder(bench: Bench) -> None:
    from speciarl_verl.evaluation.opened import alone_in

    with alone_in(bench.folder / "run"):
        assert "another evaluation is at work" in refusal(bench.run("run", *bench.flags))


def test_the_training_judge_is_flagged(bench: Bench) -> None:
    bench.run("run", *bench.flags, "--training-judge", "taxonomy")
    assert bench.report("run")["judge"]["is_training_judge"] is True
    bench.run("other", *bench.flags, "--training-judge", "Qwen3-30B")
    assert bench.report("other")["judge"]["is_training_judge"] is False


def test_runs_are_put_side_by_side(bench: Bench) -> None:
    bench.run("one", *bench.flags)
    bench.server.respond = lambda body: choices("<answer>bird</answer>")
    bench.run("two", *bench.flags, "--compare", str(bench.folder / "one"))
    assert (bench.folder / "two" / "compare" / "compare.md").is_file()
    folders = [str(bench.folder / name) for name in ("one", "two")]
    result = CliRunner().invoke(app, ["compare", *folders, "--out", str(bench.folder / "both")])
    assert result.exit_code == 0, result.output
    assert "on 12 pictures" in result.stdout
    assert (bench.folder / "both" / "compare.json").is_file()
    result = CliRunner().invoke(app, ["compare", folders[0], str(bench.folder), "--out", str(bench.folder / "x")])
    assert "holds no report.json" in refusal(result)


def test_the_browser_holds_every_picture_or_a_draw_that_says_so(bench: Bench) -> None:
    assert bench.run("run", *bench.flags[:-1]).exit_code == 0
    page = (bench.folder / "run" / "browser.html").read_text()
    assert all(f"{number:03d}.png" in page for number in range(12))
    assert bench.run("run", "--stages", "report", "--browser-pictures", "5").exit_code == 0
    page = (bench.folder / "run" / "browser.html").read_text()
    assert sum(f"{number:03d}.png" in page for number in range(12)) == 5
    assert "5 of 12 pictures" in page


def test_samples_make_a_best_of_curve(bench: Bench) -> None:
    bench.server.respond = lambda body: choices("<answer>bird</answer>", ANSWERS[shade(body)], "<answer>crow</answer>")
    result = bench.run("run", *bench.flags, "--samples", "3", "--temperature", "0.6", "--top-p", "0.95")
    assert result.exit_code == 0, result.output
    curve = bench.report("run")["datasets"][0]["best_of"]
    assert [point["k"] for point in curve] == [1, 2, 3]
    assert curve[0]["correctness"] < curve[2]["correctness"] == 1.0
