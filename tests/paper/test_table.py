"""What was run stands beside what was published; what was not run is blank."""

from pathlib import Path

from recipes.paper.runs import paper
from recipes.paper.table import paper_table
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.benchmarks import ALL
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.folders import REPORT
from speciarl_verl.files import write_text
from tests.evaluation.judged_lists import about, draw


def rows(out: Path) -> dict[str, list[str]]:
    lines = list(paper_table(paper(), out))[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: rest for name, *rest in cells}


def write(report: Report, run: Path) -> None:
    """All that the table reads of an evaluation; drawing its plots takes seconds."""
    write_text(run / "evaluation" / REPORT, report.model_dump_json())


def test_measured_and_published_stand_side_by_side(tmp_path: Path) -> None:
    reports = {}
    for name, samples in (("main", 1), ("best-of-64", 4)):
        judged = [one for size, part in enumerate(ALL.datasets) for one in draw(part, 30 + size, samples=samples)]
        reports[name] = build_report(judged, **about(samples=samples))
        write(reports[name], tmp_path / name)
    table = rows(tmp_path)
    fine, very, _ = reports["main"].averages
    assert table["main"] == [
        *(f"{one.value:.3f}" for one in (fine.scores.specificity, fine.scores.correctness, fine.scores.hm)),
        *("0.920 / 0.848 / 0.883", f"{very.scores.hm.value:.3f}", "0.830", ""),
    ]
    best = reports["best-of-64"].averages[0].best_of[-1]
    assert table["best-of-64"][:3] == [f"{one:.3f}" for one in (best.specificity, best.correctness, best.hm)]
    assert table["graded-1"] == [""] * 7


def test_a_data_set_that_is_missing_leaves_its_mean_blank(tmp_path: Path) -> None:
    write(build_report(draw("flowers102", 30), **about()), tmp_path / "main")
    assert rows(tmp_path)["main"][:3] == ["", "", ""]
