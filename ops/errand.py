"""Errand: a `classin` command that a job asks for, in a process of its own, tied to its runner.

Nobody is there to answer: its standard input is empty. Once its runner is gone, it ends: another
takes the run up.
"""

import os

from ops.cli.main import main
from ops.lifeline import tie_until_ready

#: Seconds until one that does not end by itself is ended.
_GRACE = 10.0


def _tie() -> None:
    line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    tie_until_ready(_GRACE, line)


if __name__ == "__main__":
    _tie()
    main()
