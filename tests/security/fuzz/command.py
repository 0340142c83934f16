"""`classin` as typed, in this process: quick enough to be tried thousands of times."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from ops.cli import output
from ops.cli.main import main
from tests.security.fuzz.oracle import BrokenError

#: How a command may end: done, something failed, wrong usage, broken off.
_CODES = frozenset({0, 1, 2, 130})


def run(words: Sequence[str], variables: Mapping[str, str], given: bytes = b"") -> str:
    """Run a command to its end; gives all that it says. Raises whatever would be a traceback."""
    said, complaints = io.BytesIO(), io.BytesIO()
    # As they are in a process: what cannot be written is an error on the one, escaped on the other.
    out = io.TextIOWrapper(said, "utf-8", errors="strict", write_through=True)
    err = io.TextIOWrapper(complaints, "utf-8", errors="backslashreplace", write_through=True)
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["classin", *words]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8")),
        patch.dict(os.environ, variables, clear=True),
    ):
        code = _code_of_main()
        output.out.cache_clear()
        output.err.cache_clear()
    text = (said.getvalue() + complaints.getvalue()).decode("utf-8", "replace")
    if code not in _CODES:
        raise BrokenError(f"it ends with {code}: {text[-2000:]}")
    if "Traceback (most recent call last)" in text:
        raise BrokenError(f"a traceback: {text[-2000:]}")
    return text


def _code_of_main() -> object:
    try:
        main()
    except SystemExit as end:
        return 0 if end.code is None else end.code
    return 0
