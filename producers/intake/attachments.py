"""Files that go along with an operation: `@path` or `@address` in a field is looked at here."""

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from worker.classin.catalogue import find
from worker.classin.field_shape import field_shape
from worker.classin.field_types import (
    IN_REDIS,
    File,
    FileLimit,
    file_limit_among,
    is_file,
    shown_address,
)
from worker.classin.operation import Operation
from worker.config.file_access import FileAccess
from worker.config.settings import Settings, from_env
from worker.errors import FieldError, FileChangedError, InvalidInputError, NotSentError
from worker.execution.file_streams import (
    PIECE,
    VerifiedStream,
    is_vouched_for,
    must_be_readable,
    open_at,
    open_file,
    vouched_for,
    why,
)
from worker.ledger.record import Submission

#: Up to so many bytes a file's content travels with its record; a larger one stays where it is.
LARGEST_KEPT = 8 * 1024 * 1024

_ADDRESS = re.compile("[a-zA-Z][a-zA-Z0-9+.-]*://")


@dataclass(frozen=True)
class FileOpener:
    """What files may be named at one door, by the rules of its settings."""

    settings: Settings
    access: FileAccess

    def vouched(self, operation: Operation) -> Operation:
        """Return an operation that a program of ours built, with its files vouched for."""
        files = {
            name: vouched_for(file, self.settings)
            for name in type(operation).model_fields
            if isinstance(file := getattr(operation, name), File) and file.at != IN_REDIS
        }
        return operation.model_copy(update=files) if files else operation


def file_at(where: str | Path) -> File:
    """Describe a file, by its path or address, for a field of an operation; reads it through.

    Raises InvalidInputError.
    """
    is_path = not _ADDRESS.match(str(where))
    access = FileAccess(None) if is_path else from_env().typed_files
    described, faults = _described(str(where), FileLimit(), access)
    if not faults:
        with suppress(ValueError):  # pydantic's, over the name: told below
            return File.model_validate(described)
        faults = [f"{where} has a name that ClassIn does not take: 1 to 128 characters"]
    raise InvalidInputError("file", [FieldError("", fault) for fault in faults])


def attach(
    kind: type[Operation], fields: Mapping[str, Any], door: FileOpener | None
) -> tuple[dict[str, Any], list[FieldError]]:
    """Replace `@path` and `@address` by what they lead to in every field that takes a file.

    Gives the fields, and a fault for all that keeps a file from going along.
    """
    wire_names = kind.file_fields()
    filled, faults = dict(fields), list[FieldError]()
    if not wire_names:
        return filled, faults
    for spelling, value in fields.items():
        if spelling not in wire_names:
            continue
        if is_file(value):
            filled[spelling], found = _admitted(value, door) if door else (value, [])
        elif isinstance(value, str) and value.startswith("@"):
            field = kind.field_named(spelling)
            limit = file_limit_among(field_shape(field).metadata) if field else FileLimit()
            filled[spelling], found = (
                _named_here(value.removeprefix("@"), limit, door)
                if door
                else (value, ["no files are named here"])
            )
        else:
            continue
        if found:
            faults += [FieldError(wire_names[spelling], fault) for fault in found]
            del filled[spelling]
    return filled, faults


def unkept(operation: Operation) -> list[FieldError]:
    """Name the files whose content should be in Redis already: only a submission puts it there."""
    return [
        FieldError(name, "its content is not kept: name the file by its path or address")
        for name, file in operation.files().items()
        if file.at == IN_REDIS
    ]


def packed(entry: Submission, settings: Settings) -> Submission:
    """Take the content of small files along.

    One that cannot be read now, or is no longer what it was, stays where it is: the worker looks
    again, and says what is wrong with it.
    """
    fields, contents = dict(entry.fields), {}
    for name in set(find(entry.operation).file_fields().values()) & fields.keys():
        file = File.model_validate(fields[name])
        if file.at == IN_REDIS or file.size > LARGEST_KEPT:
            continue
        with suppress(FileChangedError, NotSentError):
            contents[name] = _content(name, file, settings)
            fields[name] = file.model_copy(update={"at": IN_REDIS, "mac": ""}).model_dump()
    return replace(entry, fields=fields, contents=contents) if contents else entry


def _content(name: str, file: File, settings: Settings) -> bytes:
    """Read a whole file. Raises FileChangedError or NotSentError."""
    try:
        source = open_file(file, settings)
    except Exception as error:
        raise FileChangedError(f"{name}: {why(error)}") from error
    with closing(source):
        return b"".join(iter(VerifiedStream(name, file, source).read, b""))


def _admitted(value: dict[str, Any], door: FileOpener) -> tuple[object, list[str]]:
    """Judge a file that is described already, which only a listed place makes one to vouch for.

    What else is wrong with it, the catalogue says.
    """
    at = str(value["at"])
    if at == IN_REDIS or door.access.folders is None:
        return value, []
    file = None
    with suppress(ValueError):  # pydantic's
        file = File.model_validate(value)
    if file and is_vouched_for(file, door.settings):
        return value, []
    try:
        must_be_readable(at, door.access)
    except (OSError, ValueError) as error:
        return value, [f"{shown_address(at)} cannot be read: {why(error)}"]
    return vouched_for(file, door.settings).model_dump() if file else value, []


def _named_here(where: str, limit: FileLimit, door: FileOpener) -> tuple[object, list[str]]:
    """Describe a file that is named at a door, and vouch for it."""
    if door.access.home and where.startswith("~/"):
        where = os.path.expanduser(where)  # noqa: PTH111  # where there is no home, it stays
    described, faults = _described(where, limit, door.access)
    with suppress(ValueError):  # pydantic's: the catalogue says what is wrong
        if not faults:
            described = vouched_for(File.model_validate(described), door.settings).model_dump()
    return described, faults


def _described(
    where: str, limit: FileLimit, access: FileAccess
) -> tuple[dict[str, Any], list[str]]:
    """Describe a file as File has it, and say all that keeps it from going along."""
    shown = shown_address(where)
    try:
        name, at = named(where, access)
        if not name:
            return {}, [f"{shown or '@'} names no file"]
        size, digest = _summed_up(at, limit.most, access)
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


def named(where: str, access: FileAccess) -> tuple[str, str]:
    """Return a file's name and its address; a path becomes absolute."""
    if _ADDRESS.match(where):
        return unquote(urlsplit(where).path.rpartition("/")[2]), where
    path = Path.cwd() / (access.base or "") / where
    return path.name if where else "", path.as_uri()


def _summed_up(at: str, most: int, access: FileAccess) -> tuple[int, str]:
    """Count and digest a file's bytes; what has more than so many is not read to its end."""
    size, digest = 0, hashlib.sha256()
    with closing(open_at(at, access)) as source:
        if isinstance(source, BufferedReader):
            told = os.fstat(source.fileno()).st_size
            if told > most:
                return told, ""
        while size <= most and (piece := source.read(PIECE)):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()
