"""Files that go along with an operation: `@path` or `@address` in a field is looked at here."""

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from worker.classin.anatomy import anatomy
from worker.classin.catalogue import find
from worker.classin.errors import Fault, FileGone, InvalidInput, NotSent
from worker.classin.fields import (
    IN_REDIS,
    File,
    FileLimit,
    file_limit_among,
    shown_address,
)
from worker.classin.operation import Operation
from worker.files import PIECE, Reading, open_at, why
from worker.ledger.record import Submission

#: Up to so many bytes a file's content travels with its record; a larger one stays where it is.
LARGEST_KEPT = 8 * 1024 * 1024

_ADDRESS = re.compile("[a-zA-Z][a-zA-Z0-9+.-]*://")


def file_at(where: str | Path) -> File:
    """Describe a file, by its path or address, for a field of an operation; reads it through.

    Raises InvalidInput.
    """
    described, faults = _described(str(where), FileLimit())
    if not faults:
        with suppress(ValueError):  # pydantic's, over the name: told below
            return File.model_validate(described)
        faults = [f"{where} has a name that ClassIn does not take: 1 to 128 characters"]
    raise InvalidInput("file", [Fault("", fault) for fault in faults])


def attach(
    kind: type[Operation], fields: Mapping[str, Any], *, at_home: bool = False
) -> tuple[dict[str, Any], list[Fault]]:
    """Replace `@path` and `@address` by what they lead to in every field that takes a file.

    `at_home`: the paths are this user's, so that `@~/path` lies in the home directory. Gives the
    fields, and a fault for all that keeps a file from going along.
    """
    wire_names = kind.file_fields()
    filled, faults = dict(fields), list[Fault]()
    if not wire_names:
        return filled, faults
    for spelling, value in fields.items():
        if spelling not in wire_names or not (isinstance(value, str) and value.startswith("@")):
            continue
        field = kind.field_named(spelling)
        limit = file_limit_among(anatomy(field).metadata) if field else FileLimit()
        where = value.removeprefix("@")
        if at_home and where.startswith("~/"):
            where = os.path.expanduser(where)  # noqa: PTH111  # where there is no home, it stays
        filled[spelling], found = _described(where, limit)
        if found:
            faults += [Fault(wire_names[spelling], fault) for fault in found]
            del filled[spelling]
    return filled, faults


def unkept(operation: Operation) -> list[Fault]:
    """Name the files whose content should be in Redis already: only a submission puts it there."""
    return [
        Fault(name, "its content is not kept: name the file by its path or address")
        for name, file in operation.files().items()
        if file.at == IN_REDIS
    ]


def packed(entry: Submission) -> Submission:
    """Take the content of small files along.

    One that cannot be read now, or is no longer what it was, stays where it is: the worker looks
    again, and says what is wrong with it.
    """
    fields, contents = dict(entry.fields), {}
    for name in set(find(entry.operation).file_fields().values()) & fields.keys():
        file = File.model_validate(fields[name])
        if file.at == IN_REDIS or file.size > LARGEST_KEPT:
            continue
        with suppress(FileGone, NotSent):
            contents[name] = _content(name, file)
            fields[name] = file.model_copy(update={"at": IN_REDIS}).model_dump()
    return replace(entry, fields=fields, contents=contents) if contents else entry


def _content(name: str, file: File) -> bytes:
    """Read a whole file. Raises FileGone or NotSent."""
    try:
        source = open_at(file.at)
    except Exception as error:
        raise FileGone(f"{name}: {why(error)}") from error
    with closing(Reading(name, file, source)) as reading:
        return b"".join(iter(reading.read, b""))


def _described(where: str, limit: FileLimit) -> tuple[dict[str, Any], list[str]]:
    """Describe a file as File has it, and say all that keeps it from going along."""
    shown = shown_address(where)
    try:
        name, at = _named(where)
        if not name:
            return {}, [f"{shown or '@'} names no file"]
        size, digest = _summed_up(at, limit.most)
    except IsADirectoryError:
        return {}, [f"{shown} is no file"]
    except Exception as error:  # noqa: BLE001  # each protocol has exceptions of its own
        faults = [f"cannot be read: {why(error)}", *limit.faults(Path(where).name, 0)]
    else:
        faults = ([] if size else ["is empty"]) + list(limit.faults(name, size))
        return {"name": name, "size": size, "sha256": digest, "at": at}, [
            f"{shown} {fault}" for fault in faults
        ]
    return {}, [f"{shown} {fault}" for fault in faults]


def _named(where: str) -> tuple[str, str]:
    """Give a file's name and its address; a path becomes absolute."""
    if _ADDRESS.match(where):
        return unquote(urlsplit(where).path.rpartition("/")[2]), where
    path = Path(where).absolute()
    return path.name if where else "", path.as_uri()


def _summed_up(at: str, most: int) -> tuple[int, str]:
    """Count and digest a file's bytes; what has more than so many is not read to its end."""
    size, digest = 0, hashlib.sha256()
    with closing(open_at(at)) as source:
        if isinstance(source, BufferedReader):
            told = os.fstat(source.fileno()).st_size
            if told > most:
                return told, ""
        while size <= most and (piece := source.read(PIECE)):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()
