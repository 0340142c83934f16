"""The table of commands: apart from their modules, so that the overview needs none of them."""

import os
import sys
from collections.abc import Mapping

#: What all of it is for, in a line.
PURPOSE = "Carry a school's operations into ClassIn, and see what became of them."

#: By group and name, in the order of the help: the first line of each command's own help.
COMMANDS: Mapping[str, Mapping[str, str]] = {
    "Run": {
        "up": "Run a worker and, unless CLASSIN_REDIS_URL is set, a private Redis, until Ctrl-C.",
        "worker": "Carry operations out, until SIGTERM or Ctrl-C.",
        "gateway": (
            "Take operations in over HTTP, from whoever has an API key, until SIGTERM or Ctrl-C."
        ),
        "beat": "Do what the schedule says, at its times, until SIGTERM or Ctrl-C.",
        "simulator": "Pretend to be ClassIn, on this machine, until Ctrl-C.",
        "demo": (
            "Run the main job on a system of its own: a file of operations, and a school's roster."
        ),
        "doctor": "Look at Redis, the clocks and each school's credentials; changes nothing.",
    },
    "Submit": {
        "enqueue": "Submit one operation, or a file of them.",
        "sync": "Keep people and courses in step with the school's system.",
    },
    "Plan": {
        "schedule": "Say what is done at which times, and see how it went; `classin beat` does it.",
    },
    "Look": {
        "report": (
            "Tell the night in one page: runs, failures by cause, what to do; keep it, send it."
        ),
        "show": "Tell what became of one operation.",
        "why": "Tell why an operation is where it is, and what comes next.",
        "ls": "List operations, newest first; filters combine.",
        "stats": "Count the operations by state; rates, times and failures of the last hours.",
        "lanes": "List the lanes in which operations wait, the longest first.",
        "schools": "Tell how each school stands.",
        "watch": "Follow a batch to its end, or everything until Ctrl-C.",
        "ops": "List what ClassIn can be asked, or explain one operation.",
    },
    "Mend": {
        "retry": (
            "Submit settled operations anew; of a partial bulk operation, the items that failed."
        ),
        "settle": "Decide an uncertain operation: it was done, or it was not.",
        "cancel": "Call operations off.",
        "pause": "Let a school's operations wait until `resume`; what is running ends first.",
        "resume": "Let a school's operations go on, whatever closed it.",
        "prune": "Take out what settled long ago, and nobody needs any more.",
        "audit": "List what was changed by hand: who, when, what and why.",
        "keys": "Make, list and revoke API keys of the gateway; make the key ring.",
    },
}

#: The names of all commands: each is a module of `ops.cli.commands`, and what that defines.
NAMES = [name for group in COMMANDS.values() for name in group]

#: Commands that run until somebody ends them.
LONG_RUNNING = frozenset({"up", "worker", "gateway", "beat", "simulator", "demo"})

_OPTIONS = {"-h, --help": "Show this message and exit."}


def overview(width: int | None = None) -> str:
    """Write the help of `classin` itself, no wider than so many characters."""
    parts = ["Usage: classin [OPTIONS] COMMAND [ARGS]...\n", f"  {_wrapped(PURPOSE, width, 2)}\n"]
    parts += _section("Options", _OPTIONS, width)
    for group, commands in COMMANDS.items():
        parts += _section(group, commands, width)
    parts.append("More of one: classin COMMAND --help\n")
    return "\n".join(parts)


def terminal_width() -> int | None:
    """Give the width of the terminal that standard output is; None if it is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return None


def _section(title: str, rows: Mapping[str, str], width: int | None) -> list[str]:
    first = max(map(len, [*NAMES, *_OPTIONS]))
    lines = [f"  {name:{first}}  {_wrapped(line, width, first + 4)}" for name, line in rows.items()]
    return [f"{title}:", *lines, ""]


def _wrapped(text: str, width: int | None, indent: int) -> str:
    """Break text that begins so many characters from the left, where it is too long."""
    if width is None or indent + len(text) <= width:
        return text
    from textwrap import wrap  # noqa: PLC0415  # it loads re, and most terminals are wide

    return ("\n" + " " * indent).join(wrap(text, max(width - indent, 20)))
