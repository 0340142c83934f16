"""Files that travel with an operation: `@path` in a field is read here."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worker.classin.errors import Fault
from worker.classin.fields import LARGEST_FILE
from worker.classin.operation import Operation


def attach(kind: type[Operation], fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Replace `@path` by the file in every field that takes one.

    Gives the fields, and a fault for each file that cannot go along.
    """
    takes_file = kind.file_fields()
    filled, faults = dict(fields), []
    for spelling, value in fields.items():
        if spelling not in takes_file or not (isinstance(value, str) and value.startswith("@")):
            continue
        path = Path(value.removeprefix("@"))
        fault = _fault(path)
        if fault is None:
            content = base64.b64encode(path.read_bytes()).decode()
            filled[spelling] = {"name": path.name, "content": content}
        else:
            faults.append(Fault(takes_file[spelling], fault))
            del filled[spelling]
    return filled, faults


def _fault(path: Path) -> str | None:
    """Say why a file cannot go along, if so."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            return f"{path} is no file"
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        return f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not a path'}"
    if size == 0:
        return f"{path} is empty"
    if size > LARGEST_FILE:
        return f"{path} has {size:,} bytes; at most {LARGEST_FILE:,} can go along"
    return None
