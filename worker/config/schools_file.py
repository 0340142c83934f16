"""Read the schools file: SID, secret and rate limits of each school."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from worker.classin.school import School, faults_of
from worker.config.rate_limits import Paces, read_paces
from worker.config.toml_file import read_toml
from worker.errors import FieldError, InvalidInputError
from worker.private_files import read_secret

_KEYS = ("sid", "secret", "secret_file", "pace")


def read_schools(path: Path, faults: list[FieldError]) -> Iterator[tuple[School, Paces]]:
    """Read a TOML file with a table per school; add faults, and quote no secret."""
    try:
        tables = read_toml(path, read_secret)
    except InvalidInputError as error:
        faults += (
            FieldError("CLASSIN_SCHOOLS", f"{each.where} {each.text}") for each in error.faults
        )
        return
    if not tables:
        faults.append(FieldError("CLASSIN_SCHOOLS", f"{path} has no table of a school"))
    for name, table in tables.items():
        here = f"{path} [{name}]"
        if not isinstance(table, dict) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            faults.append(FieldError(here, "should be a table named by letters, digits, - and _"))
            continue
        faults += (
            FieldError(here, f"unknown key {key}; known are {', '.join(_KEYS)}")
            for key in sorted(table.keys() - set(_KEYS))
        )
        secret = _secret_of(here, table, path.parent, faults)
        sid = str(table["sid"]) if "sid" in table else None
        school = School(name, sid or "", secret or "")
        faults += faults_of(school, f"{here} sid", f"{here} secret")
        yield school, _paces_of(here, table, faults)


def _secret_of(
    here: str, table: Mapping[str, object], folder: Path, faults: list[FieldError]
) -> str | None:
    if "secret_file" not in table:
        return str(table["secret"]) if "secret" in table else None
    if "secret" in table:
        faults.append(FieldError(here, "should have secret or secret_file, not both"))
    try:
        return read_secret(folder / str(table["secret_file"])).decode().strip()
    except (OSError, ValueError) as error:
        faults.append(FieldError(f"{here} secret_file", f"cannot be read: {_reason(error)}"))
        return "unread"  # one fault is enough


def _paces_of(here: str, table: Mapping[str, object], faults: list[FieldError]) -> Paces:
    try:
        return read_paces(str(table.get("pace", "")), f"{here} pace")
    except InvalidInputError as error:
        faults += error.faults
        return {}


def _reason(error: Exception) -> str:
    """Return what went wrong without quoting the file: it may hold a secret."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return "it is not UTF-8"
