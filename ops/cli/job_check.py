"""What a job may do: words of a command, checked when the job is made."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import typer
from typer.main import get_command

from ops.cli.command_table import NAMES
from ops.cli.enqueue_arguments import FileArguments, named_fields
from ops.cli.enqueue_file import check_file
from ops.cli.wiring import open_checker
from ops.scheduling.jobs_file import DUTIES
from producers.intake.attachments import named
from producers.intake.request import Options, SubmitRequest
from producers.intake.submitter import Submitter
from worker.classin.catalogue import find
from worker.classin.field_types import shown_address
from worker.classin.masking import masked
from worker.classin.operation import MASK
from worker.config.settings import from_env
from worker.errors import FieldError, ValidationError
from worker.execution.file_streams import must_be_readable
from worker.execution.file_streams import why as reason_of

#: Parameters that are of no use in a job, or do harm there: their options, and why.
_REFUSED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "enqueue": {
        "once": ("--once", "is the schedule's own"),
        "dedup_key": (
            "--dedup-key",
            "would let it be done once only, ever: each run gets keys of its own",
        ),
    },
    "sync oneroster": {
        "errors": ("--errors", "makes a new file, which would be there the next time"),
        "allow_removals": ("--allow-removals", "somebody should look at what would go"),
    },
    "report": {"to": ("--to", "addresses hold secrets: set CLASSIN_REPORT_TO where the beat runs")},
    "retry": {
        "once": ("--once", "is the schedule's own"),
        "settings": ("--set", "fields are changed by hand"),
    },
    "prune": {"once": ("--once", "is the schedule's own")},
}

#: Commands that may ask, where nobody is there to answer, and what lets them do without.
_ASKING = {"retry": ("yes", "nightly"), "prune": ("yes",)}

#: Of the commands that are several, those that may be jobs.
_OF_GROUPS = {"sync": ("oneroster",)}

_LOGIN = re.compile(r"://[^\s/@]*@")
_SECRET = re.compile(r"--?[a-z-]*(?:secret|password|passwd|token|api-key)", re.IGNORECASE)

#: So many faults of a file are named.
_MOST_FAULTS = 20

#: The kind of error that is raised for wrong words; typer names those below it only.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])


def faults_of(words: Sequence[str], *, opens: bool = True) -> list[FieldError]:
    """Say what keeps these words from being a job; nothing of them is carried out.

    `opens`: whether to look into the files and fields, which the command does when it is run.
    """
    if not words:
        return [FieldError("run", f"needs a command: {', '.join(DUTIES)}")]
    name, *rest = words
    if name not in DUTIES:
        return [FieldError("run", f"{name[:40]!r} cannot be a job; these can: {', '.join(DUTIES)}")]
    faults = [FieldError("run", what) for what in _secrets_in(rest)]
    try:
        name, given = _read(name, rest)
    except ValidationError as error:
        return [*faults, *error.faults]
    for parameter, (option, why) in _REFUSED.get(name, {}).items():
        if given.get(parameter):
            faults.append(FieldError(f"run: {option}", why))
    if not any(given[way] for way in _ASKING.get(name, ())) and name in _ASKING:
        faults.append(FieldError("run: --yes", "is needed: nobody is there to be asked"))
    if name == "enqueue" and not opens:
        faults += _unlisted_files(given["fields"] or [])
    elif name == "enqueue":
        faults += (
            replace(each, where=f"run: {each.where}" if each.where else "run")
            for each in _enqueue_faults(given)
        )
    return faults + [FieldError("run", what) for what in _relative_in(rest, given)]


def remark_on(words: Sequence[str]) -> str | None:
    """Say what could not be checked yet, if anything."""
    with suppress(ValidationError, IndexError):
        _, given = _read(words[0], words[1:])
        file = given.get("file") or given.get("path")
        if file and not Path(file).exists():
            return f"{file} is not there yet: it is checked when the job runs"
    return None


def _read(name: str, words: Sequence[str]) -> tuple[str, Mapping[str, Any]]:
    """Read words as the command itself would; gives its whole name, too. Raises ValidationError."""
    from ops.cli.build import build  # noqa: PLC0415  # it imports `schedule`, which imports this

    if name not in NAMES:
        raise ValidationError("run", [FieldError("run", f"there is no `classin {name}` here")])
    program: Any = get_command(build([name]))
    command, known = program.commands[name], _OF_GROUPS.get(name)
    if known is not None:
        first, *words = words or [""]
        if first not in known:
            told = ", ".join(f"{name} {each}" for each in known)
            raise ValidationError(
                "run", [FieldError("run", f"of {name}, these can be jobs: {told}")]
            )
        command, name = command.commands[first], f"{name} {first}"
    try:
        with command.make_context(name, list(words)) as context:
            return name, dict(context.params)
    except typer.Exit:
        raise ValidationError("run", [FieldError("run", "asks for help only")]) from None
    except _UsageError as error:
        raise ValidationError("run", [FieldError(f"run: {name}", error.format_message())]) from None


def _secrets_in(words: Sequence[str]) -> Iterator[str]:
    """Find what opens doors: a schedule is read by many."""
    for word in words:
        if _LOGIN.search(word):
            yield "holds an address with a login: no secret stands in a schedule"
        elif _SECRET.match(word):
            yield f"{word.partition('=')[0]}: no secret stands in a schedule"


def _relative_in(words: Sequence[str], given: Mapping[str, Any]) -> Iterator[str]:
    """Find files that are here, but not where a beat may have been started."""
    path = given.get("path")
    for word in words:
        is_relative = not word.startswith(("/", "-")) and "=" not in word
        if is_relative and (word == str(path) or Path(word).is_file()):
            yield f"{word}: should be an absolute path"


def _unlisted_files(words: Sequence[str]) -> Iterator[FieldError]:
    """Find files whose content a job would hand in, and that may not be read where it runs."""
    access = from_env().listed_files
    for word in words:
        field, _, where = word.partition("=@")
        if not where:
            continue
        try:
            must_be_readable(named(where, access)[1], access)
        except (OSError, ValueError) as error:
            what = f"{shown_address(where)[:80]} cannot be read: {reason_of(error)}"
            yield FieldError(f"run: {field}", what)


def _enqueue_faults(given: Mapping[str, Any]) -> Sequence[FieldError]:
    """Check the operation, or the file of them, as far as it can be done now."""
    kept = ("school", "if_exists", "lane", "after", "priority")
    options = cast("Options", {name: given[name] for name in kept if given[name]})
    parts = ("file", "of_sheet", "columns", "sheet", "dedup", "webhook", "files_from")
    said = FileArguments(*(given[name] for name in parts))
    faults = [*said.faults(given["operation"], given["fields"] or [], options)]
    if faults:
        return faults
    try:
        if said.file is None:
            submitter = open_checker(for_job=True)
            return _operation_faults(submitter, given["operation"], given["fields"], options)
        return _file_faults(open_checker(for_job=False), said, options)
    except ValidationError as error:
        return error.faults


def _operation_faults(
    submitter: Submitter, operation: str, words: Sequence[str], options: Options
) -> Sequence[FieldError]:
    """Check fields against the catalogue. Raises ValidationError."""
    line = {"operation": operation, "fields": named_fields(words or []), **options}
    found = submitter.check(SubmitRequest.read(line))
    if len(found) > 1:
        return [FieldError("enqueue", f"needs {len(found)} calls: put it into a file, for --file")]
    shown = masked(find(found[0].operation), found[0].fields)
    return [
        FieldError(name, "is personal or a credential: that does not belong into a schedule")
        for name, value in shown.items()
        if MASK in repr(value) and value != found[0].fields[name]
    ]


def _file_faults(
    submitter: Submitter, said: FileArguments, options: Options
) -> Sequence[FieldError]:
    """Check the lines or rows of a file, if it is there. Raises ValidationError."""
    file = said.file or "-"
    if file == "-":
        return [FieldError("--file", "nobody is there to type: name a file")]
    path = Path(file)
    if not path.is_absolute():
        return [FieldError("--file", f"should be an absolute path; got {file[:80]!r}")]
    if not path.exists():
        return []
    try:
        faults = check_file(said, options, path.read_bytes(), submitter)[0].faults
    except OSError as error:
        return [FieldError("--file", f"{file} cannot be read: {error.strerror}")]
    more = len(faults) - _MOST_FAULTS
    told = [FieldError("", f"... and {more:,} more faults")] if more > 0 else []
    return [*faults[:_MOST_FAULTS], *told]
