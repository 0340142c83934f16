"""One record, printed for people."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ops.cli.markup import marked
from ops.cli.output import grid, local, out, state_of, table
from ops.insight.status_text import status_text
from ops.insight.wait_text import in_words
from worker.ledger.record import Record
from worker.ledger.types import WaitReason

if TYPE_CHECKING:
    from rich.console import RenderableType


def print_record(
    record: Record, obstacle: WaitReason | None = None, *, reveal: bool = False
) -> None:
    """Print a record so that it reads like an answer."""
    said, shown = status_text(record), record.to_dict(reveal=reveal)
    answer = grid()
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


def _happened(record: Record) -> str:
    count = len(record.attempts)
    text = "nothing was sent" if count == 0 else f"{count} attempt{'s'[: count != 1]}"
    if record.due_at is not None:
        text += f"; the next is due at {local(record.due_at)}"
    if record.finished_at is not None:
        text += f"; settled at {local(record.finished_at)}"
    return text


def _attempts(record: Record) -> "RenderableType":
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
    pairs = grid(style="")
    for name, value in values.items():
        pairs.add_row(name, _in_short(value))
    return pairs if values else "no fields"


def _in_short(value: object) -> str:
    """Write a value; of a file, name and size."""
    match value:
        case {"name": str(name), "size": int(size), "sha256": _, "at": _}:
            return f"{name}, {size:,} bytes"
    return str(value)
