"""Read TOML files without quoting their content in errors: it may hold secrets."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.errors import FieldError, InvalidInputError

#: TOML's largest integer; Python would read larger ones, and then refuse to write them.
_MOST = 2**63


def read_toml(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> dict[str, Any]:
    """Read a TOML file.

    Raises InvalidInputError, which names the position of a fault, and quotes nothing.
    """
    try:
        tables = tomllib.loads(read(path).decode())
        if _has_huge_number(tables):
            reason = "it has a number of more than 64 bits"
        else:
            return tables
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except RecursionError:
        reason = "it is nested too deep"
    except ValueError as error:  # besides tomllib's own, that of a number without an end
        place = re.search(r"\(at [^)]*\)", str(error))
        reason = f"it is not TOML {place[0] if place else ''}".rstrip()
    raise InvalidInputError("file", [FieldError(str(path), f"cannot be read: {reason}")])


def _has_huge_number(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_huge_number, value.values()))
    if isinstance(value, list):
        return any(map(_has_huge_number, value))
    return isinstance(value, int) and not -_MOST <= value < _MOST
