"""`classin enqueue --file`: a file of operations is checked, and handed in as a batch."""

import io
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ops.cli.enqueue_arguments import FileArguments
from ops.cli.markup import marked
from ops.cli.output import err, out, write_error
from producers.files.jsonl import check_lines
from producers.files.sheets import Layout, check_sheet, read_map
from producers.intake.checked import Checked
from producers.intake.receipt import Receipt
from producers.intake.request import Options
from producers.intake.run_keys import once
from producers.intake.submitter import Submitter
from producers.webhook import webhook_to
from worker.config.file_access import FileAccess
from worker.config.settings import Settings, from_env
from worker.errors import FieldError, InvalidInputError
from worker.ledger.batch import BatchInfo, mark_of_file

#: So many faults of a file are shown; the rest is counted.
_MOST_FAULTS = 50

#: What a batch says of where it came from.
SOURCE = "command line"


def hand_in(said: FileArguments, options: Options, *, quiet: bool) -> tuple[str, Sequence[Receipt]]:
    """Submit a file's lines or rows, and say how many were new; gives the batch, too."""
    settings = from_env()
    webhook = said.webhook and webhook_to(said.webhook, settings, "--webhook")
    if said.operation is not None:  # else each row would say so
        settings.school(options.get("school"))
    submitter = Submitter.from_settings(settings)
    content = _content(said.file or "-")
    checked, about = check_file(said, options, content, submitter)
    _report(checked, skip_bad=said.skip_bad)
    if said.run is not None:
        checked = checked._replace(
            submissions=once(checked.submissions, said.run, submitter.cipher)
        )
    about = replace(about, webhook=webhook or None)
    checked = submitter.resumed(checked, about)
    receipts = _entered(submitter, checked, about, quiet=quiet)
    if not quiet:
        _print_batch(checked.batch, receipts)
    return checked.batch, receipts


def files_of(said: FileArguments, settings: Settings) -> FileAccess:
    """Return what a data file may name: what lies beside it, or where the command line says.

    Raises InvalidInputError for a folder that is none.
    """
    bad = [each for each in said.files_from or () if not Path(each).is_dir()]
    if bad:
        raise InvalidInputError(
            "enqueue", [FieldError("--files-from", f"{each} is no folder") for each in bad]
        )
    folders = [Path(each).absolute() for each in said.files_from or ()]
    base = None
    if said.file not in {None, "-"} and Path(said.file or "").is_file():  # a pipe lies nowhere
        base = Path(said.file or "").absolute().parent
        folders.append(base)
    return FileAccess(
        tuple(folders), settings.file_hosts, base=base, home=True, folders_named_by="--files-from"
    )


def check_file(
    said: FileArguments, options: Options, content: bytes, submitter: Submitter
) -> tuple[Checked, BatchInfo]:
    """Check a file, and say what it is.

    Raises ValidationError for what is wrong with it as a whole.
    """
    submitter = submitter.limited_to(files_of(said, submitter.door.settings))
    name = "standard input" if said.file in {None, "-"} else Path(said.file or "").name
    about = BatchInfo(source=SOURCE, file=name, digest=mark_of_file(submitter.keyring, content))
    if said.file != "-":
        about = replace(about, path=str(Path(said.file or "").absolute()))
    if said.operation is None:
        return check_lines(io.BytesIO(content), submitter, name), about

    layout = Layout(
        operation=said.operation,
        columns=read_map(said.columns),
        sheet=said.sheet,
        dedup=said.dedup,
        options=options,
    )
    checked, columns = check_sheet(content, layout, submitter, name)
    return checked, replace(about, columns=columns, sheet=said.sheet)


def _entered(
    submitter: Submitter, checked: Checked, about: BatchInfo, *, quiet: bool
) -> Sequence[Receipt]:
    from rich.progress import Progress  # noqa: PLC0415  # rich

    with Progress(
        console=err(), transient=True, disable=quiet or not err().is_terminal
    ) as progress:
        bar = progress.add_task("submitting", total=len(checked.submissions))
        return submitter.enter_batch(checked, about, lambda number: progress.advance(bar, number))


def _print_batch(batch: str, receipts: Sequence[Receipt]) -> None:
    new = sum(receipt.new for receipt in receipts)
    known = len(receipts) - new
    told = f", {known:,} known from before" if known else ""
    if new or not known:
        text = "{} operations submitted as batch [bold]{}[/]{}. Follow them with: classin watch {}"
        out().print(marked(text, f"{new:,}", batch, told, batch))
    else:
        out().print(f"0 operations submitted{told}.")


def _content(file: str) -> bytes:
    """Read a file. Raises InvalidInputError."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        fault = FieldError("--file", f"{file} cannot be read: {error.strerror}")
        raise InvalidInputError("enqueue", [fault]) from None


def _report(checked: Checked, *, skip_bad: bool) -> None:
    """Name the faults of a file; unless they are to be skipped, that is the end of it."""
    if not checked.faults:
        return
    shown = [*checked.faults[:_MOST_FAULTS]]
    if len(checked.faults) > _MOST_FAULTS:
        shown.append(FieldError("", f"... and {len(checked.faults) - _MOST_FAULTS:,} more faults"))
    if not skip_bad:
        raise InvalidInputError("nothing was submitted", shown)
    write_error(str(InvalidInputError("skipped", shown)))
