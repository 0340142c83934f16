"""`classin beat`: carry out the schedule."""

import logging
from typing import Annotated

import typer

from ops.cli.options import LogLevel
from ops.cli.wiring import open_ledger
from ops.cli.worker_processes import BEAT_GRACE
from ops.processes.parent_pipe import tie_until_ready
from ops.processes.supervisor import Stop, stop_on_signals
from worker.config.settings import from_env
from worker.trouble_log import log_plainly


def beat(
    *,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
    log_level: LogLevel = "info",
) -> None:
    """Do what the schedule says, at its times, until SIGTERM or Ctrl-C.

    Any number may run, on any machines: each tick is run once.
    """
    from ops.scheduling.beat import beat as keep_beating  # noqa: PLC0415  # Celery

    settings = from_env()
    open_ledger().counts()  # without its Redis it says so and ends
    settings.keyring.open()
    stop_on_signals()
    tell_ready = tie_until_ready(BEAT_GRACE) if tied else lambda: None
    log_plainly()
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s: %(message)s")
    try:
        keep_beating(settings, tell_ready)
    except Stop as stop:
        raise typer.Exit(stop.code) from None
