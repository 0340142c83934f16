"""`classin`: the entry point.

The overview and the list of operations are printed without typer; the module of a command is
imported when that command is run.
"""

import gc
import sys
from collections.abc import Sequence

from ops.cli.command_table import LONG_RUNNING, overview, terminal_width

#: Allocations before the first garbage collection: more than a command needs to load.
_GC_THRESHOLD = 100_000


def main() -> None:
    """Run the command. Exit 0: done; 1: an operation or a server failed; 2: wrong input."""
    # What a command imports stays until it ends: Python would go through that for garbage more than
    # a hundred times, and once more at the end. What works for days is left to Python's own ways.
    if not _runs_long(sys.argv[1:]):
        gc.set_threshold(_GC_THRESHOLD)
    try:
        match sys.argv[1:]:
            case [] | ["-h"] | ["--help"] as words:
                sys.stdout.write(overview(terminal_width()))
                sys.stdout.flush()
                sys.exit(0 if words else 2)
            case ["ops"]:
                from ops.cli.ops_table import print_listing  # noqa: PLC0415  # --help needs none

                print_listing()
            case words if any(map(_is_not_text, words)):
                sys.stderr.write("The words of a command should be UTF-8.\n")
                sys.exit(2)
            case words:
                from ops.cli.build import run  # noqa: PLC0415  # typer: --help does without it

                run(words)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        gc.freeze()


def _is_not_text(word: str) -> bool:
    """Whether a word holds bytes that are no UTF-8: they can neither be stored nor printed."""
    return any("\ud800" <= each <= "\udfff" for each in word)


def _runs_long(words: Sequence[str]) -> bool:
    return bool(words) and words[0] in LONG_RUNNING
