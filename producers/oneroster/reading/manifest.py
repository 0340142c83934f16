"""Read manifest.csv: the OneRoster version, and whether each file is bulk or delta."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from producers.oneroster.reading.csv_rows import Sheet
from producers.oneroster.reading.row_errors import Report, RowFault, Severity, broken, broken_file
from producers.oneroster.reading.schema import MANIFEST, Version


class Mode(StrEnum):
    """Whether a file is absent, bulk or delta."""

    BULK = "bulk"  # it has all there is: what is missing is to go
    DELTA = "delta"  # it has what changed, and says what is to go
    ABSENT = "absent"  # it says nothing


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest."""

    version: Version
    #: By file name without extension; only files that are mentioned.
    modes: Mapping[str, Mode]


def read_manifest(sheet: Sheet | None, report: Report, guess: Version | None = None) -> Manifest:
    """Read a manifest; guess a missing one, with a warning.

    Raises InvalidInputError.
    """
    if sheet is None:
        version = guess or Version.V1_1
        what = f"is not there: read as OneRoster {version}, all files in bulk"
        report(RowFault(MANIFEST.file, 0, "", what, Severity.WARNING))
        return Manifest(version, {})
    if stops := [fault for fault in sheet.faults() if fault.severity is Severity.BROKEN]:
        raise broken(stops)
    said = {row["propertyName"]: row["value"] for row in sheet.read(report) if row.fit}
    return Manifest(_version(said), _modes(said))


def _version(said: Mapping[str, str]) -> Version:
    """Read the version; of 1.2.1, the first two numbers. Raises InvalidInputError."""
    told = ".".join(said.get("oneroster.version", "").split(".")[:2])
    try:
        return Version(told)
    except ValueError:
        what = f"oneroster.version should be {' or '.join(Version)}"
        raise broken_file(MANIFEST.file, what) from None


def _modes(said: Mapping[str, str]) -> dict[str, Mode]:
    """Read the mode of each file. Raises InvalidInputError."""
    named = {
        name.removeprefix("file."): mode.lower()
        for name, mode in said.items()
        if name.startswith("file.")
    }
    if wrong := sorted(name for name, mode in named.items() if mode not in set(Mode)):
        what = f"should be one of {', '.join(Mode)}"
        raise broken([RowFault(MANIFEST.file, 0, f"file.{name}", what) for name in wrong])
    return {name: Mode(mode) for name, mode in named.items()}
