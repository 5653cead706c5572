"""A list of commands that appears at once."""

from typing import Any

from typer.core import TyperGroup


class PlainGroup(TyperGroup):
    """Shows its help without rich, which takes longer to import than everything else that it needs."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """See `TyperGroup.format_help`; the help of the commands keeps its panels."""
        self.rich_markup_mode = None
        super().format_help(ctx, formatter)
