"""The command `speciarl`."""

import logging
from typing import Annotated, NoReturn

import typer

from speciarl_verl.evaluation.cli import compare, evaluate
from speciarl_verl.judge.commands.cli import app as judge_app

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
app.add_typer(judge_app, name="judge")
app.command()(evaluate)
app.command()(compare)


@app.command()
def doctor() -> None:
    """Check the installation: exit 0 when verl knows this plugin and finds its device."""
    from speciarl_verl.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.text}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command(context_settings={"ignore_unknown_options": True})
def preflight(
    overrides: Annotated[list[str], typer.Argument(help="Hydra overrides, as `verl.trainer.main_ppo` gets them.")],
    show: Annotated[bool, typer.Option("--show", help="Print the composed configuration.")] = False,
) -> None:
    """Check a run before it starts: configuration, files, model, judge, machine. Exit 2 with one line if it cannot."""
    from omegaconf import OmegaConf

    from speciarl_verl.preflight import check_everything, compose_config

    logging.basicConfig(level=logging.ERROR)
    try:
        config = compose_config(overrides)
        if show:
            typer.echo(OmegaConf.to_yaml(config))
        check_everything(config)
    except (ValueError, RuntimeError, OSError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"speciarl: {' '.join(str(error).split())}", err=True)
    raise typer.Exit(2)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
