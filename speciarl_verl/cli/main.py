"""The command `speciarl`."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from speciarl_verl.cli.doctor_command import doctor
from speciarl_verl.cli.evaluate import compare, evaluate
from speciarl_verl.cli.judge_commands import app as judge_app
from speciarl_verl.cli.name import name
from speciarl_verl.cli.plain_group import PlainGroup
from speciarl_verl.cli.refusal import refusing
from speciarl_verl.cli.watch_commands import follow, report

app = typer.Typer(
    cls=PlainGroup, no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)
app.add_typer(judge_app, name="judge")
app.command()(doctor)
app.command()(evaluate)
app.command()(compare)
app.command()(name)
app.command()(report)
app.command(hidden=True)(follow)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="Folder that is written.")],
    model: Annotated[str, typer.Option(help="The base model: folder or hub id.")],
    adapter: Annotated[str, typer.Option(help="A training's checkpoints, one global_step_N, a PEFT folder, a hub id.")],
) -> None:
    """Merge the adapter of a LoRA training into its model: a folder that transformers and vLLM load."""
    from speciarl_verl.trained.export import export as write

    with refusing():
        parameters = write(model, adapter, out)
        typer.echo(f"{out}: {parameters / 1e6:.1f} M parameters; the adapter alone is in {out / 'adapter'}")


@app.command(context_settings={"ignore_unknown_options": True})
def preflight(
    overrides: Annotated[list[str], typer.Argument(help="Hydra overrides, as `verl.trainer.main_ppo` gets them.")],
    show: Annotated[bool, typer.Option("--show", help="Print the composed configuration.")] = False,
    sft: Annotated[bool, typer.Option("--sft", help="The overrides are of `verl.trainer.sft_trainer`.")] = False,
) -> None:
    """Check a run before it starts: configuration, files, model, judge, machine. Exit 2 with one line if it cannot."""
    from omegaconf import OmegaConf

    from speciarl_verl.preflight.compose import compose_config
    from speciarl_verl.preflight.everything import check_everything
    from speciarl_verl.preflight.sft import check_sft

    logging.basicConfig(level=logging.ERROR)
    with refusing():
        config = compose_config(overrides, "sft_trainer_engine" if sft else "ppo_trainer")
        if show:
            typer.echo(OmegaConf.to_yaml(config))
        check_sft(config) if sft else check_everything(config)


def main() -> None:
    """Entry point of the console script."""
    # A plugin of pydantic is looked for in every installed package, which takes longer than a verdict.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    app()


if __name__ == "__main__":
    main()
