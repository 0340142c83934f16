"""What `enqueue` is told: fields, and how to read a file."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from worker.errors import FieldError, InvalidInputError

if TYPE_CHECKING:
    from producers.intake.request import Options  # pydantic's model and redis stand beside it

#: What a value looks like that refers to another's result.
_REFERENCE = re.compile(r'\s*\{.*"\$result"\s*:', re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileArguments:
    """How `--file` is read, as the options say."""

    file: str | None
    #: What each row of a sheet asks for, its columns, which sheet, and what tells rows apart.
    operation: str | None = None
    columns: Sequence[str] = ()
    sheet: str | None = None
    dedup: str | None = None
    webhook: str | None = None
    #: Folders of files that it may name, besides its own.
    files_from: Sequence[str] = ()
    _: KW_ONLY
    skip_bad: bool = False
    #: The run of a job for which it is submitted, once.
    run: str | None = None

    def faults(
        self, operation: str | None, fields: Sequence[str], given: "Options"
    ) -> Iterator[FieldError]:
        """Name what does not go together."""
        of_sheets = {"--map": self.columns, "--sheet": self.sheet, "--dedup": self.dedup}
        if (operation is None) == (self.file is None):
            yield FieldError("", "give either an operation with its fields, or --file")
        elif self.file is None:
            of_files = {"--operation": self.operation, "--webhook": self.webhook, **of_sheets}
            of_files["--files-from"] = self.files_from
            yield from (
                FieldError(name, "goes with --file") for name, said in of_files.items() if said
            )
        elif self.operation is None:
            yield from (
                FieldError(name, "is for sheets: say what each row asks for, with --operation")
                for name, said in of_sheets.items()
                if said
            )
            if self.file.lower().endswith((".csv", ".tsv", ".xlsx", ".xls")):
                yield FieldError(
                    "--operation", "is needed for a sheet: what each of its rows asks for"
                )
            elif fields or any(given.values()):
                yield FieldError("--file", "each line has its own fields")
        elif fields:
            yield FieldError("--file", "each row has its own fields: see --map")
        elif given.get("dedup_key"):
            yield FieldError("--dedup-key", "would be that of every row: use --dedup COLUMN")


def named_fields(words: Sequence[str]) -> dict[str, Any]:
    """Read fields, given as NAME=VALUE; what refers to another's result is written as JSON."""
    faults: list[FieldError] = []
    named: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            faults.append(
                FieldError(word.partition("=")[0] or word, "should be written as name=value")
            )
        elif name in named:
            faults.append(FieldError(name, "given twice"))
        try:
            named[name] = json.loads(value) if _REFERENCE.match(value) else value
        except (ValueError, RecursionError) as error:
            faults.append(FieldError(name, f"looks like a reference, but is not JSON ({error})"))
    if faults:
        raise InvalidInputError("enqueue", faults)
    return named
