"""Over HTTP: `gateway`, and the keys for it."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.cli.options import AsJson, Why
from ops.cli.output import err, out, print_json, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.ledger.api_keys import ApiKeys


def gateway(  # noqa: PLR0913  # each is an option of the command
    *,
    host: Annotated[
        str | None, typer.Option(show_default="127.0.0.1", help="CLASSIN_GATEWAY_HOST, too.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, show_default="8765", help="0: a free one."),
    ] = None,
    certificate: Annotated[
        str | None, typer.Option(metavar="FILE", help="To speak https: the certificate ...")
    ] = None,
    private_key: Annotated[
        str | None, typer.Option(metavar="FILE", help="... and its private key.")
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Somebody in front of it speaks https.")
    ] = False,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
    log_level: Annotated[
        Literal["error", "warning", "info", "debug"], typer.Option(help="How much it says.")
    ] = "info",
) -> None:
    """Take operations in over HTTP, from whoever has an API key, until SIGTERM or Ctrl-C."""
    import logging
    from dataclasses import replace

    from ops.cli.connection import open_ledger
    from ops.lifeline import tie_until_ready
    from producers.gateway.server import GRACE, address_of, listen, must_be_safe, serve
    from worker.settings import from_env

    settings = from_env()
    usual = settings.gateway
    chosen = replace(
        usual,
        host=host or usual.host,
        port=usual.port if port is None else port,
        certificate=certificate or usual.certificate,
        private_key=private_key or usual.private_key,
        behind_proxy=behind_proxy or usual.behind_proxy,
    )
    must_be_safe(chosen)
    if settings.broker_url:
        from worker.queues import build_queues

        build_queues(settings)  # else its faults show with the first operation
    open_ledger().counts()  # without its Redis it says so and ends
    settings.keyring.open()  # nor does it begin without the key ring
    tell_ready = tie_until_ready(GRACE + 5) if tied else lambda: None
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s: %(message)s")
    listening = listen(chosen)
    out().print(f"gateway: {address_of(chosen, listening)}, described at /docs")
    serve(replace(settings, gateway=chosen), listening, tell_ready)


def keys(  # noqa: PLR0913  # each is an option of the command
    what: Annotated[Literal["add", "ls", "revoke", "init"], typer.Argument()] = "ls",
    name: Annotated[
        str | None, typer.Argument(help="Of the key; to revoke, its first part will do, too.")
    ] = None,
    *,
    school: Annotated[
        list[str] | None, typer.Option(help="For this school only; may be given several times.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="For these operations only, like 'edit_*'.")
    ] = None,
    read: Annotated[bool, typer.Option("--read", help="To look only.")] = False,
    write: Annotated[bool, typer.Option("--write", help="To submit only.")] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="init: the old key ring is lost for good; begin anew.")
    ] = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Make, list and revoke API keys of the gateway; make the key ring.

    `init` makes this host's key ring, which `up` and the first submission do, too. `add` shows the
    key this once. Without limits it opens all; --read and --write together, both.
    """
    from worker.classin.errors import Fault, InvalidInput

    if what == "ls":
        _list(as_json=as_json)
        return
    if what == "init":
        _init(why, anew=anew)
        return
    if not name:
        raise InvalidInput("keys", [Fault("", f"{what} needs the NAME of the key")])
    if what == "revoke":
        opened = _open_keys()
        opened.named(name)  # or it says that there is none
        _note(f"{what} {name}", why)
        key = opened.revoke(name)
        if as_json:
            print_json({**key.to_json(), "revoked": True})
        else:
            out().print(f"{key.name} ({key.prefix}) opens nothing any more", markup=False)
    else:
        _must_be_known(school or [], kind or [])
        both = read == write
        _note(f"{what} {name}", why)
        token, made = _open_keys().add(
            name,
            round(time.time() * 1000),
            schools=school or [],
            kinds=kind or [],
            reads=read or both,
            writes=write or both,
        )
        if as_json:
            print_json({"key": token, **made.to_json()})
        else:
            sys.stdout.write(f"{token}\n")
            err().print("Keep it now: it is not shown again.")


def _init(why: str, *, anew: bool) -> None:
    """Make the key ring, or say where it is; `anew`: the ledger goes with this one from now on."""
    from worker.ledger.in_redis import connect
    from worker.ledger.shared_keys import SharedKeys
    from worker.settings import from_env

    settings = from_env()
    if anew and settings.keys is not None:
        _note("init --anew", why)
        SharedKeys(settings.keys, connect(settings.ledger_url)).replace()
    settings.keyring.open()
    out().print(f"key ring: {settings.keys}", markup=False, soft_wrap=True)
    err().print("Back it up, apart from Redis; copy it to each other host of this ledger.")


def _open_keys() -> "ApiKeys":
    from worker.ledger.api_keys import ApiKeys
    from worker.ledger.in_redis import connect
    from worker.settings import from_env

    return ApiKeys(connect(from_env().ledger_url))


def _note(about: str, why: str) -> None:
    """Write what is about to be done into the audit trail."""
    from ops.cli.connection import open_audit
    from ops.person import person

    open_audit().note(person(), "keys", about=about, why=why)


def _must_be_known(schools: "Sequence[str]", kinds: "Sequence[str]") -> None:
    """Refuse limits to what there is not. Raises InvalidInput."""
    from fnmatch import fnmatchcase

    from worker.classin.errors import Fault, InvalidInput
    from worker.classin.index import INDEX
    from worker.settings import from_env

    settings = from_env()
    for school in schools:
        settings.school(school)
    faults = [
        Fault("--kind", f"no operation is like {kind!r}")
        for kind in kinds
        if not any(fnmatchcase(name, kind) for name in INDEX)
    ]
    if faults:
        raise InvalidInput("keys", faults)


def _list(*, as_json: bool) -> None:
    from rich.markup import escape

    from worker.ledger.record import iso

    found = _open_keys().all()
    if as_json:
        for key in found:
            print_json(key.to_json())
        return
    if not found:
        out().print("no keys; make one with: classin keys add NAME")
        return
    rows = table("key", "*name", "*schools", "*operations", "may", "made at")
    for key in found:
        may = " and ".join(
            word for word, has in (("read", key.reads), ("write", key.writes)) if has
        )
        rows.add_row(
            key.prefix,
            escape(key.name),
            escape(" ".join(key.schools) or "all"),
            escape(" ".join(key.kinds) or "all"),
            may,
            iso(key.made_at),
        )
    out().print(rows)
