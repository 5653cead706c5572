"""Merges the evaluations before and after with verl's metrics into a table, `report.json` and `report.png`.

    python -m recipes.quickstart.report --before RUN --after RUN --visibility DIR/visibility.txt --metrics DIR \
        --reward dynamic --seed 0 --steps 30 --out DIR

`before` and `after` are folders of `speciarl evaluate`.
"""

import json
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from recipes.quickstart.by_visibility import Figures, read_figures, read_visibilities
from recipes.quickstart.course import read_steps
from recipes.quickstart.figure import plot
from recipes.quickstart.stage import run_stage
from recipes.quickstart.world import Visibility
from speciarl_verl.files import whole_file, write_text


def table(before: Figures, after: Figures) -> str:
    """The figures of all pictures and of each visibility, before and after, aligned for a terminal."""
    lines = [f"{'':<9}{'n':>5}  {'specificity':^15}  {'correctness':^15}  {'HM':^15}  {'unparseable':^11}"]
    rows = [("all", before, after)]
    for visibility in Visibility:
        if visibility.value in after["by_visibility"]:
            name = visibility.value
            rows.append((name, before["by_visibility"][name], after["by_visibility"][name]))
    for name, old, new in rows:
        figures = [f"{old[key]:.3f} -> {new[key]:.3f}" for key in ("specificity", "correctness", "hm")]
        lost = f"{old['unparseable']} -> {new['unparseable']}"
        lines.append(f"{name:<9}{new['n']:>5}  " + "  ".join(f"{text:^15}" for text in figures) + f"  {lost:^11}")
    return "\n".join(line.rstrip() for line in lines)


def _commit() -> str | None:
    """Of this checkout; None without git, as in an unpacked archive."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def main(
    before: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Evaluation of the warmed-up policy.")],
    after: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Evaluation of the trained policy.")],
    visibility: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="visibility.txt of the data set.")],
    metrics: Annotated[Path, typer.Option(exists=True, help="verl's file log, or the folder that holds them.")],
    reward: Annotated[str, typer.Option(help="Name of the reward that was trained with.")],
    seed: Annotated[int, typer.Option(help="Of the run.")],
    steps: Annotated[int, typer.Option(help="Of training.")],
    out: Annotated[Path, typer.Option(help="Folder of report.json and report.png.")],
) -> None:
    """Report what training changed."""
    visibilities = read_visibilities(visibility)
    old, new = (read_figures(run, visibilities) for run in (before, after))
    course = read_steps(metrics)
    report = {
        "before": old,
        "after": new,
        "reward": reward,
        "seed": seed,
        "steps": steps,
        "commit": _commit(),
        "course": [{"step": step.number, "reward": step.reward, "shares": step.shares} for step in course],
    }
    with whole_file(out / "report.png") as partial:
        plot(old, new, course, title=f"GRPO with the {reward} reward, {steps} steps, seed {seed}", path=partial)
    write_text(out / "report.json", json.dumps(report, indent=2) + "\n")
    typer.echo(table(old, new))
    typer.echo(f"\nmean reward of a step: {course[0].reward:.3f} (first) -> {course[-1].reward:.3f} (last)")


if __name__ == "__main__":
    run_stage(main)
