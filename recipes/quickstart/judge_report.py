"""Tells how well the learned judge judges, and what its errors cost, in a few lines and `judge.json`.

    python -m recipes.quickstart.judge_report --world DIR --run DIR --after DIR --reward dynamic

Side by side: the figures of the same answers by the taxonomy and by the judge; the verdicts and rewards of the training
and those that the taxonomy would have given; and, where that run is there, the policy that the taxonomy trained.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from recipes.quickstart.by_visibility import Figures, read_figures, read_visibilities
from recipes.quickstart.judge_errors import JudgeErrors, count_errors
from recipes.quickstart.stage import run_stage
from speciarl_verl.files import read_text, write_text

_FIGURES = ("specificity", "correctness", "hm")


def calibration_lines(calibration: Mapping[str, Any]) -> list[str]:
    """Accuracy and confusion matrix of what `speciarl judge calibrate` wrote."""
    accuracy, confusion = calibration["accuracy"], calibration["confusion"]
    lines = [
        f"the judge agrees with the taxonomy on {accuracy['value']:.1%} of {accuracy['of']} pairs that it never saw "
        f"(95% interval {accuracy['low']:.1%} to {accuracy['high']:.1%})",
        "taxonomy / judge" + "".join(f"{symbol:>6}" for symbol in confusion["categories"]),
    ]
    for symbol, row in zip(confusion["categories"], confusion["expected_by_given"], strict=True):
        lines.append(f"{symbol:<16}" + "".join(f"{count:>6}" for count in row))
    return lines


def side_by_side(rows: Mapping[str, Figures]) -> list[str]:
    """One line an evaluation."""
    width = max(map(len, rows))
    lines = [f"{'':<{width}}  specificity  correctness     HM"]
    for name, figures in rows.items():
        numbers = f"{figures['specificity']:>11.3f}  {figures['correctness']:>11.3f}  {figures['hm']:.3f}"
        lines.append(f"{name:<{width}}  {numbers}")
    return lines


def error_lines(errors: JudgeErrors) -> list[str]:
    """What went into the training that the taxonomy would not have said."""
    confused = ", ".join(f"{pair} {count}" for pair, count in errors.confused.items())
    return [
        f"in the training {errors.wrong_verdicts} of {errors.judged} verdicts "
        f"({errors.wrong_verdicts / errors.judged:.2%}) are not the taxonomy's"
        f"{f' (taxonomy>judge: {confused})' if confused else ''}; {errors.wrong_rewards} of {errors.rewarded} rewards "
        f"({errors.wrong_rewards / errors.rewarded:.2%}) would have been others"
    ]


def cost_lines(mine: Figures, rival: Figures | None, command: str) -> list[str]:
    """The policy that this judge trained beside the one that the taxonomy trained, both judged by the taxonomy."""
    if rival is None:
        return [f"what that cost is not known yet: the taxonomy's own run is missing ({command})"]
    return [
        f"the policy that the taxonomy trained has HM {rival['hm']:.3f}, this judge's {mine['hm']:.3f}: its errors "
        f"cost {rival['hm'] - mine['hm']:+.3f} (two runs of one seed are alike and not equal)"
    ]


def audit_lines(account: Mapping[str, float]) -> list[str]:
    """What the training's own audit saw of that while it ran."""
    if not account.get("audited"):
        return []
    shares = ", ".join(
        f"{name.removeprefix('audit_agreement_')} {share:.1%}"
        for name, share in account.items()
        if name.startswith("audit_agreement_")
    )
    suspected = f"; {account['audit_suspected']} categories suspected" if account["audit_suspected"] else ""
    return [
        f"its audit asked {account['audited']} verdicts again, of the taxonomy: they agree on "
        f"{account['audit_agreement']:.1%} ({shares}){suspected}"
    ]


def main(
    world: Annotated[Path, typer.Option(exists=True, file_okay=False, help="What all runs of a seed share.")],
    run: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The run with the learned judge.")],
    after: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Evaluation of its policy.")],
    reward: Annotated[str, typer.Option(help="Name of the reward that was trained with.")],
    rival: Annotated[Path | None, typer.Option(help="The same evaluation of the run that the taxonomy judged.")] = None,
    command: Annotated[str, typer.Option(help="Makes that run.")] = "bash recipes/quickstart.sh",
) -> None:
    """Report on the learned judge."""
    taxonomy = world / "birds" / "taxonomy.json"
    visibilities = read_visibilities(world / "birds" / "visibility.txt")
    calibration = json.loads(read_text(world / "calibration" / "calibration.json"))
    rows = {
        "before, by the taxonomy": read_figures(world / "before", visibilities),
        "before, by the judge": read_figures(world / "before-by-judge", visibilities),
        "after, by the taxonomy": read_figures(after, visibilities),
        "after, by the judge": read_figures(after.with_name(f"{after.name}-by-judge"), visibilities),
    }
    errors = count_errors(run / "train" / "rollouts", taxonomy, reward)
    there = rival is not None and (rival / "report.json").is_file()
    trained_by_taxonomy = read_figures(rival, visibilities) if rival is not None and there else None
    account = json.loads(read_text(sorted((run / "train" / "metrics").glob("*.judge.json"))[-1]))
    audit = {name: value for name, value in account.items() if name.startswith("audit")}
    write_text(run / "judge.json", _as_json(calibration, rows, errors, audit, trained_by_taxonomy))
    parts: Sequence[list[str]] = (
        calibration_lines(calibration),
        side_by_side(rows),
        audit_lines(audit)
        + error_lines(errors)
        + cost_lines(rows["after, by the taxonomy"], trained_by_taxonomy, command),
    )
    typer.echo("\n\n".join("\n".join(part) for part in parts))


def _as_json(
    calibration: Mapping[str, Any],
    rows: Mapping[str, Figures],
    errors: JudgeErrors,
    audit: Mapping[str, float],
    rival: Figures | None,
) -> str:
    report = {
        "accuracy": calibration["accuracy"],
        "confusion": calibration["confusion"],
        "figures": {name: {key: figures[key] for key in _FIGURES} for name, figures in rows.items()},
        "errors": asdict(errors),
        "audit": dict(audit),
        "trained_by_taxonomy": None if rival is None else {key: rival[key] for key in _FIGURES},
    }
    return json.dumps(report, indent=2) + "\n"


if __name__ == "__main__":
    run_stage(main)
