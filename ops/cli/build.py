"""The commands put together for typer: all of them, or only the one that is wanted."""

from collections.abc import Iterable
from importlib import import_module

import typer

from ops.cli.command_table import MODULES, PURPOSE


def build(names: Iterable[str] = MODULES) -> typer.Typer:
    """Build the program with these commands; imports their modules, and no others."""
    program = typer.Typer(
        name="classin",
        help=PURPOSE,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    program.callback()(_alone)  # a program of one command would not ask for its name
    for name in names:
        command = getattr(import_module(f"ops.cli.commands.{MODULES[name]}"), name)
        if isinstance(command, typer.Typer):
            program.add_typer(command, name=name)
        else:
            program.command(name)(command)
    return program


def _alone() -> None:
    """Do nothing before a command."""
