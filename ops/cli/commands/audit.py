"""`classin audit`: what was changed by hand."""

import time
from typing import Annotated

import typer

from ops.cli.audit_trail import open_audit
from ops.cli.options import AsJson
from ops.cli.output import local, out, print_json, table
from producers.time_args import moment_of
from worker.errors import FieldError, InvalidInputError

#: Show at most this many IDs of an entry, then their number; --json has them all.
_MAX_IDS = 3


def audit(
    *,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="2d, 90m, or 2026-09-01T08:00.")
    ] = None,
    who: Annotated[str, typer.Option(help="A user, or 'key NAME'.")] = "",
    what: Annotated[str, typer.Option(help="retry, cancel, settle, pause ...")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was changed by hand: who, when, what and why.

    The newest first. It has ids, filters and names of fields, and no values.
    """
    faults: list[FieldError] = []
    start = moment_of("--since", since, time.time(), faults)
    if faults:
        raise InvalidInputError("audit", faults)
    deeds = open_audit().deeds(limit, since=start, who=who, what=what)
    if as_json:
        for deed in deeds:
            print_json(deed.to_dict())
        return
    if not deeds:
        out().print("nothing was changed by hand")
        return
    rows = table("when", "who", "what", "*about", "*why")
    for deed in deeds:
        more = len(deed.ids) - _MAX_IDS
        ids = " ".join(deed.ids[:_MAX_IDS]) + (f" and {more:,} more" if more > 0 else "")
        about = " ".join(part for part in (deed.about, ids) if part)
        rows.add_row(local(deed.at), deed.who, deed.what, about, deed.why)
    out().print(rows)
