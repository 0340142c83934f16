"""One record: `show`."""

from dataclasses import replace
from typing import Annotated

import typer

from ops.cli.audit_trail import audit_reveal
from ops.cli.options import AsJson
from ops.cli.output import print_json
from ops.cli.record_view import print_record
from ops.cli.wiring import open_ledger
from worker.config.settings import from_env
from worker.encryption import FieldCipher
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
    ledger = open_ledger()
    record = ledger.find(record_id)
    obstacle = ledger.wait_reasons([record]).get(record_id)
    if reveal:
        audit_reveal("reveal", f"fields and result of {record.operation}", [record.id])
        record = _opened(record)
    if as_json:
        print_json(_json(record, obstacle, reveal=reveal))
    else:
        print_record(record, obstacle, reveal=reveal)


def _opened(record: Record) -> Record:
    """Give the record with its credentials open, as far as they can be."""
    seals = FieldCipher(from_env().keyring)
    fields = seals.revealed(record.operation, record.fields, record.school, record.id)
    return replace(record, fields=fields)


def _json(
    record: Record, obstacle: WaitReason | None, *, reveal: bool = False
) -> dict[str, object]:
    waits_for = obstacle.to_dict() if obstacle else None
    return {**record.to_dict(reveal=reveal), "waits_for": waits_for}
