"""`classin worker`: carry operations out."""

from typing import Annotated

import typer

from ops.cli.options import LogLevel
from ops.cli.wiring import open_ledger
from ops.cli.worker_processes import (
    Processes,
    Threads,
    announce,
    check_startable,
    chosen_settings,
    open_key_ring,
    supervise_workers,
    work,
    work_as_child,
)
from ops.processes.supervisor import Stop, stop_on_signals


def worker(
    *,
    processes: Processes = None,
    threads: Threads = None,
    log_level: LogLevel = "info",
    number: Annotated[int | None, typer.Option(min=1, hidden=True)] = None,
) -> None:
    """Carry operations out, until SIGTERM or Ctrl-C.

    This one looks after several processes: one that ends is started again.
    """
    settings = chosen_settings(processes, threads)
    if number is None:
        check_startable(settings)
    open_ledger().counts()  # a worker without its Redis says so and ends
    open_key_ring(settings)
    if number is not None:
        work_as_child(number, settings, log_level)
    elif settings.processes == 1:
        announce(settings)
        work(settings, log_level)
    else:
        stop_on_signals()
        try:
            supervise_workers(settings, log_level)
        except Stop as stop:
            raise typer.Exit(stop.code) from None
