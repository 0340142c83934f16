"""Many records at once: `watch`."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ops.cli.audit_trail import audit_reveal
from ops.cli.options import AsJson
from ops.cli.output import err, local
from ops.cli.progress_bar import show
from ops.cli.wiring import open_ledger
from ops.insight.progress import LOOK_EVERY, Look, follow
from ops.reports.failures_csv import write_failures
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError, NotFoundError
from worker.ledger.states import State
from worker.ledger.store import RedisLedger


def watch(
    batch: Annotated[
        str | None, typer.Argument(help="A batch; without, all operations, until Ctrl-C.")
    ] = None,
    *,
    failures: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Write what did not succeed there, with its rows: to mend them."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Where its file lies now, if it has been moved.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a batch to its end, or everything until Ctrl-C.

    With a batch: exit 0 when all of it succeeded, 1 otherwise.
    """
    ledger = open_ledger()
    if batch is None:
        if failures or file:
            raise InvalidInputError(
                "watch", [FieldError("--failures", "are those of a batch: name one")]
            )
        show(_everything(ledger), as_json=as_json)
        return
    if not ledger.batch_counts(batch):
        raise NotFoundError(f"there is no batch {batch!r}")
    last = show(follow(ledger, [batch]), as_json=as_json)
    if not as_json:
        _tell_of_webhook(ledger, batch)
    if failures is not None:
        _write_failures(ledger, batch, failures, file)
    if set(last) - {State.SUCCEEDED}:
        raise typer.Exit(1)


def _everything(ledger: RedisLedger) -> Iterator[Look]:
    """Look at all operations, without end."""
    while True:
        yield Look(ledger.counts().by_state())
        time.sleep(LOOK_EVERY)


def _tell_of_webhook(ledger: RedisLedger, batch: str) -> None:
    """Say how the webhook stands, if there is one."""
    about = ledger.batches.info(batch)
    if about is None or (webhook := about.webhook) is None:
        return
    due = f", due {local(webhook.due_at)}" if webhook.due_at is not None else ""
    said = f" ({webhook.said})" if webhook.said else ""
    err().print(f"webhook {webhook.told.value}{due}{said}")


def _write_failures(ledger: RedisLedger, batch: str, path: Path, source: Path | None) -> None:

    def note(ids: Sequence[str]) -> None:
        audit_reveal("failures", f"rows of batch {batch} into {path}", ids)

    written = write_failures(ledger, batch, path, source, from_env().keyring, note=note)
    whence = "as they stood in the file" if written.as_they_stood else "made from the records"
    err().print(f"{written.rows:,} rows, {whence}, in {path}")
