"""`classin keys`: the API keys of the gateway, and the key ring."""

import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from ops.admin.actor import actor
from ops.cli.audit_trail import open_audit
from ops.cli.groups import ListByDefault
from ops.cli.options import AsJson, Why
from ops.cli.output import err, local, out, print_json, table
from producers.time_args import read_end
from worker.classin.index import INDEX
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError
from worker.ledger.api_keys import ApiKey, ApiKeys, limit_of
from worker.ledger.key_fingerprint import KeyFingerprint
from worker.ledger.redis_client import connect

#: How long a key opens what it opens, unless somebody says otherwise.
USUAL_LIFE = "365d"


keys = typer.Typer(
    cls=ListByDefault,
    help="Make, list and revoke API keys of the gateway; make the key ring.\n\n"
    "Without a command it lists the keys.",
)


@keys.command()
def ls(*, as_json: AsJson = False) -> None:
    """List the API keys: what each opens, its end and last use."""
    found = _open_keys().all()
    if as_json:
        for key in found:
            print_json(key.to_dict())
    elif found:
        _print_keys(found)
    else:
        out().print("no keys; make one with: classin keys add NAME")


@keys.command()
def add(  # noqa: PLR0913  # each is an option of the command
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the key.")],
    *,
    school: Annotated[
        list[str] | None,
        typer.Option(metavar="SCHOOL", help="For this school only; may be given several times."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="For these operations only, like 'edit_*'."),
    ] = None,
    read: Annotated[bool, typer.Option("--read", help="To look only.")] = False,
    write: Annotated[bool, typer.Option("--write", help="To submit only.")] = False,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", show_default="365d", help="When it ends: 90d, or a date."),
    ] = None,
    no_end: Annotated[bool, typer.Option("--no-end", help="It ends only when revoked.")] = False,
    rate: Annotated[
        str, typer.Option(metavar="N/UNIT", help="So many requests, like 60/m: s, m or h.")
    ] = "",
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Make an API key, and show it this once.

    Without limits it opens all, for a year; --read and --write together, both.
    """
    _check_limits(school or [], kind or [])
    both, now = read == write, time.time()
    ends_at = _end(until, now, no_end=no_end)
    if rate:
        limit_of(rate)
    _note(f"add {name}", why)
    token, made = _open_keys().add(
        name,
        round(now * 1000),
        reads=read or both,
        writes=write or both,
        schools=school or [],
        kinds=kind or [],
        ends_at=ends_at,
        rate=rate,
    )
    if as_json:
        print_json({"key": token, **made.to_dict()})
        return
    sys.stdout.write(f"{token}\n")
    ends = "It does not end" if made.ends_at is None else f"It ends at {local(made.ends_at)}"
    err().print(f"Keep it now: it is not shown again. {ends}.")


@keys.command()
def revoke(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the key; or the first part of the key.")
    ],
    *,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Let an API key open nothing any more."""
    stored = _open_keys()
    stored.named(name)  # raises NotFoundError before the audit trail has it
    _note(f"revoke {name}", why)
    key = stored.revoke(name)
    if as_json:
        print_json({**key.to_dict(), "revoked": True})
    else:
        out().print(f"{key.name} ({key.prefix}) opens nothing any more")


@keys.command()
def init(
    *,
    anew: Annotated[
        bool, typer.Option("--anew", help="The old key ring is lost for good; begin anew.")
    ] = False,
    why: Why = "",
) -> None:
    """Make this host's key ring.

    `up` and the first submission do that, too.
    """
    settings = from_env()
    if anew and settings.keys is not None:
        _note("init --anew", why)
        KeyFingerprint(settings.keys, connect(settings.ledger_url, settings.redis_prefix)).replace()
    settings.keyring.open()
    out().print(f"key ring: {settings.keys}", soft_wrap=True)
    err().print("Back it up, apart from Redis; copy it to each other host of this ledger.")


def _end(until: str | None, now: float, *, no_end: bool) -> int | None:
    """Read when a key ends (ms since 1970); None: it does not. Raises InvalidInputError."""
    if no_end and until is None:
        return None
    ends_at = read_end(until or USUAL_LIFE, now)
    if no_end:
        what = "and --no-end exclude each other"
    elif ends_at is None:
        what = f"should be like 90d or 2027-09-01; got {(until or '')[:40]!r}"
    elif ends_at <= now * 1000:
        what = "should be in the future"
    else:
        return ends_at
    raise InvalidInputError("keys", [FieldError("--until", what)])


def _open_keys() -> ApiKeys:

    settings = from_env()
    return ApiKeys(connect(settings.ledger_url, settings.redis_prefix), settings.keyring)


def _note(about: str, why: str) -> None:
    """Write what is about to be done into the audit trail."""
    open_audit().note(actor(), "keys", about=about, why=why)


def _check_limits(schools: Sequence[str], kinds: Sequence[str]) -> None:
    """Refuse limits to what there is not. Raises InvalidInputError."""
    settings = from_env()
    for school in schools:
        settings.school(school)
    faults = [
        FieldError("--kind", f"no operation is like {kind!r}")
        for kind in kinds
        if not any(fnmatchcase(name, kind) for name in INDEX)
    ]
    if faults:
        raise InvalidInputError("keys", faults)


def _print_keys(found: Sequence[ApiKey]) -> None:
    rows = table("key", "*name", "*schools", "*operations", "may", "rate", "*ends", "used")
    now = round(time.time() * 1000)
    for key in found:
        rows.add_row(
            key.prefix,
            key.name,
            " ".join(key.schools) or "all",
            " ".join(key.kinds) or "all",
            _rights(key),
            key.rate or "any",
            _ending(key, now),
            local(key.used_at) or "never",
        )
    out().print(rows)
    if not all(key.valid for key in found):
        err().print("Some records were not written by this installation: `classin doctor`.")


def _rights(key: ApiKey) -> str:
    may = [word for word, has in (("read", key.reads), ("write", key.writes)) if has]
    return " and ".join(may) or "nothing"


def _ending(key: ApiKey, now: int) -> str:
    if not key.valid:
        return "opens nothing: not a record of ours"
    if key.ends_at is None:
        return "never"
    return f"{'ended ' if key.ended(now) else ''}{local(key.ends_at)}"
