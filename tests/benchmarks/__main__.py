"""Measure what is fast where it counts: `python -m tests.benchmarks [--only a,b] [--pairs 5] [--json FILE]`.

CPU times hold on a busy machine; benchmarks whose unit is wall-clock seconds want a quiet one.
"""

import importlib
import json
import os
import platform
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

BENCHMARKS = {
    "a": "preparation",
    "b": "scoring",
    "c": "whole_step",
    "d": "hidden_judge",
    "e": "judge_client",
    "f": "cache",
    "g": "data_prep",
    "h": "report",
    "i": "growth",
    "j": "simulated_step",
}


def main(
    only: Annotated[str, typer.Option(help="Letters, separated by commas.")] = ",".join(BENCHMARKS),
    pairs: Annotated[int, typer.Option(min=1, help="Runs of ours, each beside one of its rival.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where the figures are written as JSON.")] = None,
) -> None:
    """Take the figures, print the table."""
    letters = only.split(",")
    unknown = sorted(set(letters) - BENCHMARKS.keys())
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: choose of {', '.join(BENCHMARKS)}")
    table = Table("benchmark", "case", "ours", "rival", "ratio: median (min-max)")
    figures, about = [], {}
    for letter in letters:
        for comparison in importlib.import_module(f"tests.benchmarks.{BENCHMARKS[letter]}").run(pairs):
            row = comparison.row()
            typer.echo("  ".join(row), err=True)
            table.add_row(*row)
            figures.append(comparison.plain())
            about[comparison.benchmark] = f"against {comparison.rival}; no less than {comparison.limit}"
    console = Console(width=160)
    console.print(table)
    for benchmark, words in about.items():
        console.print(f"{benchmark}: {words}")
    if json_file:
        machine = {"platform": platform.platform(), "cpus": os.cpu_count(), "load": os.getloadavg()}
        json_file.write_text(json.dumps({"machine": machine, "figures": figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
