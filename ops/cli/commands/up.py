"""`classin up`: a worker, a beat, the gateway and Redis, all on one machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Annotated

import typer

from ops.cli.options import LogLevel
from ops.cli.output import err, out
from ops.cli.worker_processes import (
    BEAT_GRACE,
    Processes,
    Threads,
    check_startable,
    chosen_settings,
    open_key_ring,
    supervise_workers,
)
from ops.processes.home_mark import HomeMark
from ops.processes.redis_server import PrivateRedis
from ops.processes.supervisor import (
    Children,
    LinkedChild,
    Stop,
    classin,
    end,
    only_one,
    stop_on_signals,
)
from worker.config.settings import Settings
from worker.ledger.api_keys import ApiKeys
from worker.ledger.data_set import DataSet
from worker.ledger.redis_client import connect

#: Seconds that the gateway gets to end, which takes it ten at most.
_GATEWAY_GRACE = 15.0


def up(
    *,
    processes: Processes = None,
    threads: Threads = None,
    gateway: Annotated[
        bool | None,
        typer.Option(help="Take operations in over HTTP.", show_default="if there is an API key"),
    ] = None,
    log_level: LogLevel = "info",
) -> None:
    """Run a worker and, unless CLASSIN_REDIS_URL is set, a private Redis, until Ctrl-C.

    A beat runs along, and the gateway if an API key exists when it starts. What ends by itself is
    started again.
    """
    settings = chosen_settings(processes, threads)
    check_startable(settings)
    stop_on_signals()
    redis = None
    with ExitStack() as stack:
        try:
            if settings.redis_url is None:
                stack.enter_context(only_one(settings.home / "up.lock"))
                redis = stack.enter_context(PrivateRedis(settings.home, settings.socket))
                out().print(f"Redis: private, its data in {settings.home}")
                _check_data(settings)
            open_key_ring(settings)
            out().print("Submit in another terminal: classin enqueue ...; Ctrl-C ends this.")
            tended: list[Callable[[], object]] = [partial(_keep_running, redis)]
            tended.append(stack.enter_context(_kept_running("beat", log_level, BEAT_GRACE)))
            if _has_keys(settings) if gateway is None else gateway:
                tended.append(
                    stack.enter_context(_kept_running("gateway", log_level, _GATEWAY_GRACE))
                )
            supervise_workers(settings, log_level, lambda: [tend() for tend in tended])
        except Stop as stop:
            raise typer.Exit(stop.code) from None


def _check_data(settings: Settings) -> None:
    """Say if the private Redis has other data than last time."""
    data_set, home = (
        DataSet(connect(settings.ledger_url, settings.redis_prefix)),
        HomeMark(settings.home),
    )
    mark = data_set.mark()
    if home.differs(mark):
        err().print("All that the private Redis had is gone: its data are not those of last time.")
        data_set.note_vanished()
    home.keep(mark)


def _keep_running(redis: PrivateRedis | None) -> None:
    """Start the private Redis again, should it have ended; its data are there."""
    if redis is not None and not redis.running():
        err().print("Redis ended; it is started again")
        redis.start()


def _has_keys(settings: Settings) -> bool:
    """Whether anybody could ask over HTTP."""
    return any(
        key.valid
        for key in ApiKeys(
            connect(settings.ledger_url, settings.redis_prefix), settings.keyring
        ).all()
    )


@contextmanager
def _kept_running(name: str, log_level: str, grace: float) -> Iterator[Callable[[], object]]:
    """Keep a command running while inside, each time that what is given is called."""

    def start(_: int) -> LinkedChild:
        return LinkedChild(classin(name, "--tied", "--log-level", log_level))

    kept = Children(1, start, said=err().print, what=name)
    try:
        yield kept.tend
    finally:
        end(*kept.children, grace=grace)
