"""`classin`: where the commands come together, and where errors become exit codes."""

import sys
from importlib import import_module

import typer

#: Modules that add their commands to the program.
_MODULES = (
    "running", "submitting", "looking", "following", "mending", "controlling", "catalogue",
    "checking",
)  # fmt: skip

program = typer.Typer(
    name="classin",
    help="Carry a school's operations into ClassIn, and see what became of them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command. Exit 0: done; 1: an operation or a server failed; 2: wrong input."""
    from ops.cli.connection import in_one_line
    from worker.classin.errors import ClassinError, Invalid, Unavailable

    for module in _MODULES:
        import_module(f"ops.cli.{module}").add_to(program)
    try:
        program()
    except Invalid as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except Unavailable as error:
        sys.stderr.write(f"{in_one_line(error)}\n")
        sys.exit(1)
    except ClassinError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
