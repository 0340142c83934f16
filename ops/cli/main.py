"""`classin`: where it begins, and where errors become exit codes.

What there is to ask for is told before typer is there; a command's own module comes when it is run.
"""

import gc
import sys
from collections.abc import Sequence

from ops.cli.command_table import MODULES, overview, terminal_width

#: So many objects come into being before garbage is looked for: more than a command loads.
_LOADED = 100_000


def main() -> None:
    """Run the command. Exit 0: done; 1: an operation or a server failed; 2: wrong input."""
    # What a command imports stays until it ends: Python would go through that for garbage more than
    # a hundred times, and once more at the end. What works for days is left to Python's own ways.
    if not _works_for_days(sys.argv[1:]):
        gc.set_threshold(_LOADED)
    try:
        match sys.argv[1:]:
            case [] | ["-h"] | ["--help"] as words:
                sys.stdout.write(overview(terminal_width()))
                sys.stdout.flush()
                sys.exit(0 if words else 2)
            case ["ops"]:
                from ops.cli.commands.ops_table import print_listing

                print_listing()
            case words if any(map(_is_broken, words)):
                sys.stderr.write("The words of a command should be UTF-8.\n")
                sys.exit(2)
            case words:
                _run(words)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        gc.freeze()


def _is_broken(word: str) -> bool:
    """Whether a word holds bytes that are no text: nothing of it could be kept, or printed."""
    return any("\ud800" <= each <= "\udfff" for each in word)


def _works_for_days(words: Sequence[str]) -> bool:
    return bool(words) and MODULES.get(words[0]) in {"run", "gateway"}


def _run(words: list[str]) -> None:
    from ops.cli.build import build
    from worker.errors import ClassinError, UnavailableError, ValidationError

    # Who mistypes a command hears of all.
    program = build(words[:1] if words[0] in MODULES else MODULES)
    try:
        program(prog_name="classin")
    except ValidationError as error:
        _write_error(str(error))
        sys.exit(2)
    except UnavailableError as error:
        from ops.cli.wiring import in_one_line

        _write_error(in_one_line(error))
        sys.exit(1)
    except ClassinError as error:
        _write_error(str(error))
        sys.exit(1)


def _write_error(text: str) -> None:
    from ops.cli.output import write_error

    write_error(text)
