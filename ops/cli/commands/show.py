"""One record: `show`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import local, marked, out, print_json, state_of, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from worker.ledger.record import Record
    from worker.ledger.types import WaitReason


def show(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="As `enqueue` and `ls` give it.")],
    *,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show what is personal or a credential, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what became of one operation."""
    from ops.cli.wiring import note_seen, open_ledger

    ledger = open_ledger()
    record = ledger.find(record_id)
    obstacle = ledger.wait_reasons([record]).get(record_id)
    if reveal:
        note_seen("reveal", f"fields and result of {record.operation}", [record.id])
        record = _opened(record)
    if as_json:
        print_json(_json(record, obstacle, reveal=reveal))
    else:
        print_record(record, obstacle, reveal=reveal)


def _opened(record: "Record") -> "Record":
    """Give the record with its credentials open, as far as they can be."""
    from dataclasses import replace

    from worker.config.settings import from_env
    from worker.encryption import FieldCipher

    seals = FieldCipher(from_env().keyring)
    fields = seals.revealed(record.operation, record.fields, record.school, record.id)
    return replace(record, fields=fields)


def _json(
    record: "Record", obstacle: "WaitReason | None", *, reveal: bool = False
) -> dict[str, object]:
    waits_for = obstacle.to_dict() if obstacle else None
    return {**record.to_dict(reveal=reveal), "waits_for": waits_for}


def print_record(
    record: "Record", obstacle: "WaitReason | None" = None, *, reveal: bool = False
) -> None:
    """Print a record so that it reads like an answer."""
    from rich.table import Table

    from ops.insight.status_text import status_text
    from ops.insight.wait_text import in_words

    said, shown = status_text(record), record.to_dict(reveal=reveal)
    answer = Table.grid(padding=(0, 2))
    answer.add_column(style="bold", no_wrap=True)
    answer.add_column(overflow="fold")
    origin = f", from {record.source}" if record.source else ""
    asked = f"for school {record.school}{origin}, at {local(record.enqueued_at)}"
    answer.add_row("Asked", asked)
    answer.add_row("", _pairs(shown["fields"]))
    answer.add_row("Happened", _happened(record))
    if record.attempts:
        answer.add_row("", _attempts(record))
    if obstacle is not None:
        answer.add_row("Now", in_words(obstacle, local))
    if shown["items"]:
        answer.add_row("Items", _items(shown["items"]))
    elif shown["result"]:
        answer.add_row("Result", _pairs(shown["result"]))
    for name, other in (("Retry of", record.retry_of), ("Retried by", record.retried_by)):
        if other:
            answer.add_row(name, other)
    answer.add_row("Means", said.meaning)
    answer.add_row("To do", said.todo)
    out().print(marked("[bold]{}[/] {}: {}", record.operation, record.id, state_of(record)))
    out().print(answer)


def _happened(record: "Record") -> str:
    count = len(record.attempts)
    text = "nothing was sent" if count == 0 else f"{count} attempt{'s'[: count != 1]}"
    if record.due_at is not None:
        text += f"; the next is due at {local(record.due_at)}"
    if record.finished_at is not None:
        text += f"; settled at {local(record.finished_at)}"
    return text


def _attempts(record: "Record") -> "RenderableType":
    rows = table("#", "sent at", "#took", "#HTTP", "#code", "verdict", "*what came back")
    for attempt in record.attempts:
        rows.add_row(
            str(attempt.n),
            local(attempt.at),
            f"{attempt.ms:,} ms",
            str(attempt.http or ""),
            "" if attempt.code is None else str(attempt.code),
            attempt.verdict.value,
            attempt.message,
        )
    return rows


def _items(items: Sequence[Mapping[str, object]]) -> "RenderableType":
    rows = table("#item", "#code", "*what came back")
    for item in items:
        rows.add_row(str(item["position"]), str(item["code"]), str(item["message"]))
    return rows


def _pairs(values: Mapping[str, object]) -> "RenderableType":
    from rich.table import Table

    pairs = Table.grid(padding=(0, 2))
    pairs.add_column(no_wrap=True)
    pairs.add_column(overflow="fold")
    for name, value in values.items():
        pairs.add_row(name, _in_short(value))
    return pairs if values else "no fields"


def _in_short(value: object) -> str:
    """Write a value; of a file, name and size."""
    match value:
        case {"name": str(name), "size": int(size), "sha256": _, "at": _}:
            return f"{name}, {size:,} bytes"
    return str(value)
