"""The typer program: all commands, or only the one that is asked for."""

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

import typer

from ops.cli.command_table import NAMES, PURPOSE
from ops.cli.output import write_error
from worker.errors import ClassinError, UnavailableError, ValidationError


def run(words: Sequence[str]) -> None:
    """Run the command that is asked for; its errors become lines on stderr and exit codes."""
    # Who mistypes a command hears of all.
    program = build(words[:1] if words[0] in NAMES else NAMES)
    try:
        program(prog_name="classin")
    except ValidationError as error:
        write_error(str(error))
        sys.exit(2)
    except UnavailableError as error:
        from ops.cli.wiring import in_one_line  # noqa: PLC0415  # redis

        write_error(in_one_line(error))
        sys.exit(1)
    except ClassinError as error:
        write_error(str(error))
        sys.exit(1)


def build(names: Iterable[str] = NAMES) -> typer.Typer:
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
    program.callback()(_no_options)  # a program of one command would not ask for its name
    for name in names:
        command = getattr(import_module(f"ops.cli.commands.{name}"), name)
        if isinstance(command, typer.Typer):
            program.add_typer(command, name=name)
        else:
            program.command(name)(command)
    return program


def _no_options() -> None:
    """Do nothing before a command."""
