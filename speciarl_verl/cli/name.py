"""The command `speciarl name`: what a model calls some pictures."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from speciarl_verl.cli.refusal import refusing
from speciarl_verl.errors import InputError

if TYPE_CHECKING:
    from speciarl_verl.trained.naming import Named


def name(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Files of any common format.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="DIR|ID", help="A model, an export, or a training: its folder or a step of it."),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(metavar="DIR|ID", help="Of a LoRA training, over its base model in --model.")
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="A server that takes pictures, instead.")] = None,
    served_model: Annotated[str | None, typer.Option(metavar="NAME", help="Its model (the first one listed).")] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="As in training (where its folder tells, that one; train).")
    ] = None,
    thinking: Annotated[bool, typer.Option("--thinking", help="Show the whole response below each answer.")] = False,
    max_tokens: Annotated[int, typer.Option(min=1, metavar="N", help="Of a response.")] = 2048,
) -> None:
    """Say what a model calls each picture, one line each, greedily."""
    from speciarl_verl.evaluation.predict.request import PredictRequest
    from speciarl_verl.evaluation.predict.stage import Resources
    from speciarl_verl.trained.naming import name_pictures
    from speciarl_verl.trained.trained_model import find_model, trained_prompt

    logging.basicConfig(level=logging.WARNING, format="speciarl: %(message)s")
    with refusing():
        if (model is None) == (server is None):
            raise InputError("name one: --model DIR, or --server URL")
        told = adapter or model
        request = PredictRequest(
            model=None if model is None else find_model(model),
            adapter=adapter,
            server=server,
            served_model=served_model,
            prompt=prompt or (trained_prompt(told) if told else None),
            overrides={"max_tokens": max_tokens},
        )
        named = name_pictures(pictures, request, Resources())
    for one in named:
        typer.echo("\n".join(_lines(one, thinking)))


def _lines(named: "Named", thinking: bool) -> list[str]:
    answer = f"(no answer: {named.refusal})" if named.answer is None else named.answer
    whole = [f"    {line}" for line in named.response.splitlines()] if thinking else []
    return [_shown(line) for line in (f"{named.picture}: {answer}", *whole)]


def _shown(text: str) -> str:
    """What a terminal would obey, and a model may have written, as an escape."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
