"""`classin retry`: submit settled operations anew."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ops.admin.actor import author
from ops.admin.retry import RetryService, Tried, Wanted
from ops.cli.markup import marked
from ops.cli.options import AsJson, DryRun, Once, Why
from ops.cli.output import coloured, err, out, print_json, table
from ops.cli.retry_nightly import NightlyOptions, retry_nightly
from ops.cli.secret_options import Ask, SecretFile, secret_settings, warn_of_arguments
from ops.cli.wiring import typed_files
from ops.insight.filters import choose
from producers.intake.receipt import Receipt
from producers.intake.submitter import Submitter
from producers.retry.assess import Outlook, Prospect
from producers.retry.edits import Setting
from worker.classin.operation import MASK
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError, ValidationError
from worker.ledger.audit import Audit
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

#: More records than these are retried only when somebody says so.
MOST_UNASKED = 100

#: Of changed fields the preview shows those of so many records.
_MOST_SHOWN = 10


def retry(  # noqa: PLR0913  # each is an option of the command
    record_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Or filters; these combine.")
    ] = None,
    *,
    state: Annotated[
        str | None, typer.Option(show_default="failed; partial with --mend", help="failed ...")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="exhausted, refused, dependency ...")] = None,
    code: Annotated[int | None, typer.Option(help="ClassIn's last answer: 104 ...")] = None,
    operation: Annotated[str | None, typer.Option(help="edit_course ...")] = None,
    school: Annotated[str | None, typer.Option()] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="2d, 90m, or 2026-09-01T08:00.")
    ] = None,
    batch: Annotated[str | None, typer.Option(help="As `enqueue --file` gives it.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Also userJson.2.nickname=Ada."),
    ] = None,
    ask: Ask = None,
    secret_file: SecretFile = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Submit what does the rest of partial ones, instead.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also what is refused again, done twice, or kills workers."),
    ] = False,
    nightly: Annotated[
        bool, typer.Option("--nightly", help="What is exhausted, and what waited for that.")
    ] = False,
    codes: Annotated[
        str | None,
        typer.Option(metavar="CODE,...", help="With --nightly: what ended with these, too."),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(min=1, show_default="3", help="With --nightly: so often in all, and no more."),
    ] = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    why: Why = "",
    once: Once = None,
    as_json: AsJson = False,
) -> None:
    """Submit settled operations anew; of a partial bulk operation, the items that failed.

    A new record is linked to the old one, which stays as it was. What is named is retried, all or
    none; of what filters match that which may help. Left out is what would be refused again
    (unless --set changes it), could be done twice, or was retried already. More than 100 need a
    yes.
    """
    plain = [each.partition("=")[0] for each in settings or ()]
    settings = [*(settings or []), *secret_settings(ask, secret_file)]
    filters = {
        "state": state,
        "operation": operation,
        "school": school,
        "code": code,
        "batch": batch,
        "reason": reason,
        "since": since,
    }
    if nightly or codes is not None or most is not None:
        given = [name for name, value in filters.items() if value is not None]
        others = {"": record_ids, "--set": settings, "--mend": mend, "--force": force}
        given += [name for name, value in others.items() if value]
        asked = NightlyOptions(school, since, codes, most)
        retry_nightly(asked, given, nightly=nightly, run=once, dry_run=dry_run, as_json=as_json)
        return
    named = Wanted(record_ids or [], mend=mend, force=force)
    wanted = _read(named, filters, settings)
    service = _open_service(once)
    found = service.preview(wanted)
    chosen = [each for each in found if each.submissions]
    for kind in sorted({each.operation for each in found} if plain else ()):
        warn_of_arguments(kind, plain)
    if not as_json:
        _print_preview(found)
    if dry_run:
        _print_as_json(found, dry_run=True) if as_json else out().print("nothing was submitted")
        return
    _ask(len(chosen), yes=yes)
    with err().status(f"submitting {len(chosen):,} ..."):
        tried = [*service.retry(found, wanted, why)]
    _print_tried(tried, found, as_json=as_json)


def _open_service(run: str | None) -> RetryService:
    """Open what tries records again; `run`: of a job, by its id."""
    settings = from_env()
    redis = connect(settings.ledger_url, settings.redis_prefix, submits=True)
    ledger = RedisLedger(redis, keyring=settings.keyring)
    submitter = Submitter(settings, ledger).limited_to(typed_files(settings))
    return RetryService(submitter, ledger, Audit(redis), author(run))


def _read(wanted: Wanted, filters: dict[str, Any], settings: Sequence[str]) -> Wanted:
    """Read the filters and what is to be set. Raises InvalidInputError, which names every fault."""
    faults: list[FieldError] = []
    state = filters["state"]
    is_filtered = any(each is not None for each in filters.values())
    if bool(wanted.ids) == is_filtered:
        faults.append(FieldError("", "needs either IDs, or filters like --state failed --since 2d"))
    if wanted.mend and settings:
        faults.append(FieldError("--set", "changes the fields of a retry, not of what mends"))
    if state is None and is_filtered:
        filters["state"] = (State.PARTIAL if wanted.mend else State.FAILED).value
    if state in list(State) and not State(state).settled:
        faults.append(
            FieldError("--state", f"what is {state} is not settled: it goes on by itself")
        )
    try:
        wanted = wanted._replace(chosen=choose(now=time.time(), **filters))
    except ValidationError as error:
        faults += error.faults
    try:
        wanted = wanted._replace(settings=Setting.read_all(settings))
    except ValidationError as error:
        faults += error.faults
    if faults:
        raise InvalidInputError("retry", faults)
    return wanted


def _ask(number: int, *, yes: bool) -> None:
    """Ask before many are submitted. Raises InvalidInputError where nobody can be asked."""
    if number <= MOST_UNASKED or yes:
        return
    if not sys.stdin.isatty():
        fault = FieldError("--yes", f"{number:,} would be retried: say so, or look with --dry-run")
        raise InvalidInputError("nothing was retried", [fault])
    typer.confirm(f"Retry {number:,} operations?", abort=True, err=True)


def _print_preview(found: Sequence[Prospect]) -> None:
    """Show what is to be done, grouped."""
    if not found:
        out().print("nothing matches")
        return
    groups: dict[tuple[str, ...], list[Prospect]] = defaultdict(list)
    for each in found:
        groups[_group(each)].append(each)
    rows = table("#how many", "operation", "state", "#code", "*then", "*why")
    for group, alike in sorted(groups.items(), key=lambda item: -len(item[1])):
        first = alike[0]
        why = first.why if len(alike) == 1 else f"{first.id}, for one: {first.why}"
        rows.add_row(f"{len(alike):,}", *group, why)
    out().print(rows)
    changed = [each for each in found if each.edits]
    for prospect in changed[:_MOST_SHOWN]:
        for edit in prospect.edits:
            change = f"{_shown(edit.before)} -> {_shown(edit.after)}"
            out().print(f"{prospect.id} {edit.field}: {change}")
    if len(changed) > _MOST_SHOWN:
        out().print(f"... and {len(changed) - _MOST_SHOWN:,} more with changed fields")


def _shown(value: object) -> str:

    if value is None:
        return "nothing"
    return MASK if value == MASK else json.dumps(value, ensure_ascii=False)


def _group(prospect: Prospect) -> tuple[str, ...]:
    """Say with which others a record is counted: operation, state, code, what comes of it."""
    reason = f"/{prospect.reason.value}" if prospect.reason else ""
    state = marked("{}{}", coloured(prospect.state), reason)
    code = "" if prospect.code is None else str(prospect.code)
    outlook = prospect.outlook
    if prospect.submissions:
        risk = "" if outlook is Outlook.HOPEFUL else f", though {outlook.value}"
        if outlook is Outlook.IN_VAIN and prospect.edits:
            risk = ", with other fields"
        then = f"retried{risk}"
    else:
        then = marked("[yellow]left out[/]: {}", outlook.value)
    return prospect.operation, state, code, then


def _print_as_json(found: Sequence[Prospect], *, dry_run: bool) -> None:
    """Print a line for each that is left out, or, when nothing is done, for each."""
    for prospect in found:
        print_json({"id": None, "state": None, "dry_run": dry_run, **_json(prospect)})


def _json(prospect: Prospect) -> dict[str, Any]:
    return {
        "retry_of": prospect.id,
        "operation": prospect.operation,
        "code": prospect.code,
        "reason": prospect.reason.value if prospect.reason else None,
        "retries": bool(prospect.submissions),
        "outlook": prospect.outlook.value,
        "why": prospect.why,
        "edits": [edit.to_dict() for edit in prospect.edits],
    }


def _print_tried(tried: Sequence[Tried], found: Sequence[Prospect], *, as_json: bool) -> None:
    """Tell of the new records: of each if they are few; as JSON of those left out, too."""
    if as_json:
        _print_as_json([each for each in found if not each.submissions], dry_run=False)
    number = sum(len(each.receipts) for each in tried)
    for prospect, receipts, instead in tried:
        if instead is not None:
            _print_late(prospect, instead, as_json=as_json)
        for receipt in receipts:
            if as_json:
                state = receipt.record().state.value
                print_json({"id": receipt.id, "state": state, **_json(prospect)})
            elif number <= MOST_UNASKED:
                out().print(marked("{} is tried again as [bold]{}[/]", prospect.id, receipt.id))
    batches = (entry.batch for each in tried for entry in each.prospect.submissions)
    batch = next((each for each in batches if each), None)
    if not as_json and batch is not None and number:
        told = "{} operations submitted as batch [bold]{}[/]. Follow them with: classin watch {}"
        out().print(marked(told, f"{number:,}", batch, batch))


def _print_late(prospect: Prospect, instead: Receipt, *, as_json: bool) -> None:
    """Tell of one that somebody else was quicker with."""
    if as_json:
        state = instead.record().state.value
        print_json({**_json(prospect), "id": instead.id, "state": state, "retries": False})
    elif instead.id == prospect.id:
        err().print(f"{prospect.id} has succeeded meanwhile: it is not retried")
    else:
        told = "{} is being tried again already, as [bold]{}[/]"
        err().print(marked(told, prospect.id, instead.id))
