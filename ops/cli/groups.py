"""Groups of commands."""

from typing import Any

from typer.core import TyperGroup


class ListByDefault(TyperGroup):
    """A group whose command is `ls` where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # typer's type of it is private
        """Read the words after the group's name."""
        names_none = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        return super().parse_args(ctx, ["ls", *args] if names_none else args)
