"""The commands of `classin` in one view: kept apart from them, so that it is there at once."""

import os
import sys
from collections.abc import Mapping

#: What all of it is for, in a line.
PURPOSE = "Carry a school's operations into ClassIn, and see what became of them."

#: By group and name, in the order of the help: the module of a command, and its line of help. The
#: house checks keep the lines like those of the commands themselves.
COMMANDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Run": {
        "up": (
            "run",
            "Run a worker and, unless CLASSIN_REDIS_URL is set, a private Redis, until Ctrl-C.",
        ),
        "worker": ("run", "Carry operations out, until SIGTERM or Ctrl-C."),
        "gateway": (
            "gateway",
            "Take operations in over HTTP, from whoever has an API key, until SIGTERM or Ctrl-C.",
        ),
        "beat": ("run", "Do what the schedule says, at its times, until SIGTERM or Ctrl-C."),
        "simulator": ("run", "Pretend to be ClassIn, on this machine, until Ctrl-C."),
        "demo": (
            "run",
            "Run the main job on a system of its own: a file of operations, and a school's roster.",
        ),
        "doctor": (
            "doctor",
            "Look at Redis, the clocks and each school's credentials; changes nothing.",
        ),
    },
    "Submit": {
        "enqueue": ("enqueue", "Submit one operation, or a file of them."),
        "sync": ("sync", "Keep people and courses in step with the school's system."),
    },
    "Plan": {
        "schedule": (
            "schedule",
            "Say what is done at which times, and see how it went; `classin beat` does it.",
        ),
    },
    "Look": {
        "report": (
            "report",
            "Tell the night in one page: runs, failures by cause, what to do; keep it, send it.",
        ),
        "show": ("show", "Tell what became of one operation."),
        "why": ("why", "Tell why an operation is where it is, and what comes next."),
        "ls": ("ls", "List operations, newest first; filters combine."),
        "stats": (
            "stats",
            "Count the operations by state; rates, times and failures of the last hours.",
        ),
        "lanes": ("lanes_schools", "List the lanes in which operations wait, the longest first."),
        "schools": ("lanes_schools", "Tell how each school stands."),
        "watch": ("watch", "Follow a batch to its end, or everything until Ctrl-C."),
        "ops": ("ops", "List what ClassIn can be asked, or explain one operation."),
    },
    "Mend": {
        "retry": (
            "retry_settle",
            "Submit settled operations anew; of a partial bulk operation, the items that failed.",
        ),
        "settle": ("retry_settle", "Decide an uncertain operation: it was done, or it was not."),
        "cancel": ("cancel_pause", "Call operations off."),
        "pause": (
            "cancel_pause",
            "Let a school's operations wait until `resume`; what is running ends first.",
        ),
        "resume": ("cancel_pause", "Let a school's operations go on, whatever closed it."),
        "prune": ("prune_audit", "Take out what settled long ago, and nobody needs any more."),
        "audit": ("prune_audit", "List what was changed by hand: who, when, what and why."),
        "keys": (
            "keys",
            "Make, list and revoke API keys of the gateway; make the key ring.",
        ),
    },
}

#: The modules of the commands, by name.
MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}

_OPTIONS = {"-h, --help": "Show this message and exit."}


def overview(width: int | None = None) -> str:
    """Write the help of `classin` itself, no wider than so many characters."""
    parts = ["Usage: classin [OPTIONS] COMMAND [ARGS]...\n", f"  {_folded(PURPOSE, width, 2)}\n"]
    parts += _section("Options", _OPTIONS, width)
    for group, commands in COMMANDS.items():
        parts += _section(group, {name: line for name, (_, line) in commands.items()}, width)
    parts.append("More of one: classin COMMAND --help\n")
    return "\n".join(parts)


def terminal_width() -> int | None:
    """Give the width of the terminal that standard output is; None if it is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return None


def _section(title: str, rows: Mapping[str, str], width: int | None) -> list[str]:
    first = max(map(len, [*MODULES, *_OPTIONS]))
    lines = [f"  {name:{first}}  {_folded(line, width, first + 4)}" for name, line in rows.items()]
    return [f"{title}:", *lines, ""]


def _folded(text: str, width: int | None, indent: int) -> str:
    """Break text that begins so many characters from the left, where it is too long."""
    if width is None or indent + len(text) <= width:
        return text
    from textwrap import wrap

    return ("\n" + " " * indent).join(wrap(text, max(width - indent, 20)))
