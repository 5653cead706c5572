"""The flags with which every command chooses its judge; judge_settings.py says what they mean, when a command runs."""

from typing import Annotated

import typer

JudgeName = Annotated[
    str,
    typer.Option("--judge", help="taxonomy (offline), server (an LLM), custom (your own).", rich_help_panel="Judge"),
]
JudgeUrl = Annotated[
    str | None,
    typer.Option(
        "--judge-url",
        metavar="URL",
        help="The judge's server, such as http://127.0.0.1:30000.",
        rich_help_panel="Judge",
    ),
]
JudgeSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--judge-set",
        metavar="KEY=VALUE",
        help="Any other key of speciarl.judge, such as prompt=binary.",
        rich_help_panel="Judge",
    ),
]
