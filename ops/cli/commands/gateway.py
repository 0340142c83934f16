"""`classin gateway`: take operations in over HTTP."""

import logging
from dataclasses import replace
from typing import Annotated

import typer

from ops.cli.options import LogLevel
from ops.cli.output import out
from ops.cli.wiring import open_ledger
from ops.processes.parent_pipe import tie_until_ready
from worker.config.settings import from_env
from worker.trouble_log import log_plainly


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
    log_level: LogLevel = "info",
) -> None:
    """Take operations in over HTTP, from whoever has an API key, until SIGTERM or Ctrl-C."""
    from producers.gateway.server import (  # noqa: PLC0415  # FastAPI
        GRACE,
        address_of,
        listen,
        must_be_safe,
        serve,
    )

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
        from worker.broker.queue import build_queues  # noqa: PLC0415  # Celery

        build_queues(settings)  # else its faults show with the first operation
    open_ledger().counts()  # without its Redis it says so and ends
    settings.keyring.open()  # nor does it begin without the key ring
    tell_ready = tie_until_ready(GRACE + 5) if tied else lambda: None
    log_plainly()
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s: %(message)s")
    listening = listen(chosen)
    out().print(f"gateway: {address_of(chosen, listening)}, described at /docs")
    serve(replace(settings, gateway=chosen), listening, tell_ready)
