"""Errand: a `classin` command that a job asks for, in a process of its own, tied to its runner.

Its arguments are the id of the run and the job's words, which are checked again: what may be a job
is decided where it is run. Nobody is there to answer: its standard input is empty. Once its runner
is gone, it ends: another takes the run up.
"""

import os
import sys
from collections.abc import Sequence

from ops.cli.job_check import faults_of
from ops.cli.main import main
from ops.processes.parent_pipe import tie_until_ready

#: Seconds until one that does not end by itself is ended.
_GRACE = 10.0

#: Commands that are told for which run they are: what they submit, they submit once for it, and the
#: audit trail names the job.
_TOLD = frozenset({"enqueue", "retry", "prune"})


def line_of(run: str, words: Sequence[str]) -> list[str]:
    """Give the words of a command as it is run; those that take it are told the run."""
    once = ["--once", run] if words[0] in _TOLD else []
    return [words[0], *once, *words[1:]]


def _tie() -> None:
    line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    tie_until_ready(_GRACE, line)


def _carry_out(run: str, words: Sequence[str]) -> None:
    if faults := faults_of(words, opens=False):
        sys.stderr.write(f"this may not be a job: {'; '.join(map(str, faults))}\n")
        sys.exit(2)
    sys.argv[1:] = line_of(run, words)
    main()


if __name__ == "__main__":
    _tie()
    _carry_out(sys.argv[1], sys.argv[2:])
