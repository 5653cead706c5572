"""The command behind `recipes/paper.sh`: lists the runs, runs one by its name, sets what was run beside the paper."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from recipes.paper.commands import Request, Step, plan
from recipes.paper.runs import paper
from recipes.paper.table import paper_table, printed
from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.report.benchmarks import FINE_GRAINED
from speciarl_verl.files import read_text, write_text

ROOT = Path(__file__).parents[2]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command("list")
def list_runs() -> None:
    """Every run: the fine-grained HM that was published, what it is, what its training needs, what differs here."""
    table = paper()
    typer.echo(f"Each run is tested on {', '.join(map(_set_and_split, table.tested))}, and judged there.\n")
    for run in table.runs:
        hm = printed(run, FINE_GRAINED).hm
        needs = ", ".join(f"{size} of {_set_and_split(name)}" for name, size in run.draw.items())
        needs = f"the training of {run.of}" if run.of else needs or "no training"
        judge = "; a judge while training" if run.kind == "rl" and run.draw else ""
        differs = f"; {run.differs}" if run.differs else ""
        typer.echo(f"{run.name:<24} {'' if hm is None else f'{hm:.3f}':<5}  {run.what} ({needs}{judge}{differs})")


def _set_and_split(name: str) -> str:
    return " with ".join((name, *(flag for flag in paper().sets[name] if flag.endswith(".json"))))


@app.command("table")
def table(out: Annotated[Path, typer.Argument(help="Folder that the runs wrote into (their --out).")]) -> None:
    """What was run beside what was published, as Markdown."""
    with refusing("paper.sh"):
        for line in paper_table(paper(), out):
            typer.echo(line)


@app.command("run", context_settings={"ignore_unknown_options": False})
def run_one(
    name: Annotated[str, typer.Argument(help="A run that `list` lists.")],
    data: Annotated[Path, typer.Option(help="Folder with one folder a set (cub, ...) of its publisher's files.")],
    judge_url: Annotated[str | None, typer.Option(help="Judge server of the training.")] = None,
    evaluation_judge_url: Annotated[
        str | None, typer.Option(help="Judge server of the evaluation; the paper's is another one (the same).")
    ] = None,
    taxonomy: Annotated[str | None, typer.Option(help="The offline judge instead: a name or a file.")] = None,
    training_judge: Annotated[str | None, typer.Option(help="Its model's name, for the report.")] = None,
    inclusion_url: Annotated[str | None, typer.Option(help="Server of the LLM of LI, for `conti`.")] = None,
    out: Annotated[Path, typer.Option(help="Prepared sets, trainings and evaluations.")] = Path("outputs/paper"),
    model: Annotated[str | None, typer.Option(help="Folder or hub id (the paper's).")] = None,
    scale: Annotated[str | None, typer.Option(help="cpu: a tiny size of the run, for a machine without a GPU.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print every command and start none.")] = False,
    overrides: Annotated[list[str] | None, typer.Argument(help="After --: of verl's configuration.")] = None,
) -> None:
    """Prepare, train and evaluate; the same command goes on where it was."""
    request = Request(
        data=data.absolute(),
        out=out.absolute(),
        python=sys.executable,
        model=str(Path(model).absolute()) if model and Path(model).is_dir() else model,
        judge_url=judge_url,
        evaluation_judge_url=evaluation_judge_url,
        taxonomy=str(Path(taxonomy).absolute()) if taxonomy and Path(taxonomy).is_file() else taxonomy,
        training_judge=training_judge,
        inclusion_url=inclusion_url,
        scale=scale,
        overrides=tuple(overrides or ()),
    )
    with refusing("paper.sh"):
        steps = plan(paper(), paper().find(name), request)
        for step in steps:
            if dry_run:
                typer.echo(step.text)
            else:
                _do(step)


def _do(step: Step) -> None:
    if step.done.exists():
        _require_same(step)
        typer.echo(f"paper.sh: {step.title}: done before ({step.done})")
        return
    typer.echo(f"paper.sh: {step.title}: {step.text}")
    status = subprocess.run(step.command, cwd=ROOT, check=False).returncode
    if status:
        typer.echo(f"paper.sh: {step.title} ended with status {status}; the same command goes on from there", err=True)
        raise typer.Exit(status)
    if not step.done.exists():
        write_text(step.done, "")
    write_text(step.made_by, step.text + "\n")


def _require_same(step: Step) -> None:
    """What another command made is not taken for this one's; which Python ran it does not matter."""
    if not step.made_by.exists():
        return
    before = shlex.split(read_text(step.made_by))
    if tuple(before[1:]) != step.command[1:]:
        raise InputError(
            f"{step.done} was made by another command ({shlex.join(before)}): give another --out, or remove it"
        )


if __name__ == "__main__":
    app(prog_name="recipes/paper.sh")
