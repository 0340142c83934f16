"""Secrets of a command: asked for or read from files, for arguments can be seen by everybody."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from ops.cli.output import write_error
from worker.errors import FieldError, InvalidInputError
from worker.private_files import read_secret

#: More is no secret, in characters.
_LONGEST = 4096

Ask = Annotated[
    list[str] | None,
    typer.Option("--ask", metavar="FIELD", help="Ask for it, unseen; in scripts, read a line."),
]
SecretFile = Annotated[
    list[str] | None,
    typer.Option("--secret-file", metavar="FIELD=PATH", help="Read it from a file."),
]


def read_secrets(ask: Sequence[str] | None, files: Sequence[str] | None) -> dict[str, str]:
    """Return fields whose values no argument holds. Raises InvalidInputError."""
    faults: list[FieldError] = []
    found: dict[str, str] = {}
    for text in files or ():
        name, _, path = text.partition("=")
        if not name or not path:
            faults.append(FieldError("--secret-file", "should be written as field=path"))
            continue
        try:
            found[name] = read_secret(Path(path).expanduser()).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            faults.append(FieldError("--secret-file", f"{path} cannot be read: {why}"))
    if faults:
        raise InvalidInputError("nothing was submitted", faults)
    for name in ask or ():
        found[name] = _asked(name)
    bad = [name for name, value in found.items() if not value or len(value) > _LONGEST]
    if bad:
        what = f"should have 1 to {_LONGEST:,} characters, on one line"
        raise InvalidInputError("nothing was submitted", [FieldError(name, what) for name in bad])
    return found


def secret_settings(ask: Sequence[str] | None, files: Sequence[str] | None) -> list[str]:
    """Return the same as `FIELD=VALUE`. Raises InvalidInputError."""
    return [f"{name}={value}" for name, value in read_secrets(ask, files).items()]


def _asked(name: str) -> str:
    if sys.stdin.isatty():
        return getpass(f"{name}: ")
    return sys.stdin.readline(_LONGEST + 2).rstrip("\r\n")


def warn_of_arguments(operation: str, fields: Iterable[str]) -> None:
    """Say on standard error that a credential was given as an argument."""
    for name in _credentials(operation, fields):
        write_error(
            f"warning: the list of processes and your shell's history show {name}:"
            f" leave it out, with --ask {name}"
        )


def _credentials(operation: str, fields: Iterable[str]) -> Iterator[str]:
    from worker.classin import catalogue, field_types  # noqa: PLC0415  # pydantic's models

    kind = catalogue.CATALOGUE.get(operation)
    for name in fields if kind else ():
        info = kind.field_named(name) if kind else None
        if (
            info is not None
            and field_types.sensitivity_of(info) is field_types.Sensitivity.CREDENTIAL
        ):
            yield name
