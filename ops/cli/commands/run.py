"""What runs: `up`, `worker`, `simulator`, `demo`."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.cli.options import AsJson
from ops.cli.output import Marked, err, lines, marked, out, print_json, state_of, table
from worker.classin.signing import Counting
from worker.config.settings import MOST_PROCESSES, MOST_THREADS, USUAL_PROCESSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ops.demo.demo import Ending
    from ops.processes.redis_server import PrivateRedis
    from worker.config.settings import Settings


Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_PROCESSES,
        show_default=f"one for each core, at most {USUAL_PROCESSES}",
        help="Worker processes; each uses one core. CLASSIN_WORKER_PROCESSES sets it, too.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_THREADS,
        show_default="64",
        help="Operations side by side in each process. CLASSIN_THREADS sets it, too.",
    ),
]
#: Seconds that the gateway gets to end, which takes it ten at most.
_GATEWAY_GRACE = 15.0

#: The same of the beat, which ends what it carries out.
_BEAT_GRACE = 20.0

LogLevel = Annotated[
    Literal["error", "warning", "info", "debug"], typer.Option(help="How much it says.")
]


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
    from contextlib import ExitStack
    from functools import partial

    from ops.processes.redis_server import PrivateRedis
    from ops.processes.supervisor import Stop, only_one, stop_on_signals
    from worker.config.settings import from_env

    settings = _chosen(from_env(), processes, threads)
    _must_be_able(settings)
    stop_on_signals()
    redis = None
    with ExitStack() as stack:
        try:
            if settings.redis_url is None:
                stack.enter_context(only_one(settings.home / "up.lock"))
                redis = stack.enter_context(PrivateRedis(settings.home, settings.socket))
                out().print(f"Redis: private, its data in {settings.home}")
                _look_at_data(settings)
            _open_key_ring(settings)
            out().print("Submit in another terminal: classin enqueue ...; Ctrl-C ends this.")
            tended: list[Callable[[], object]] = [partial(_keep_running, redis)]
            tended.append(stack.enter_context(_beside("beat", log_level, _BEAT_GRACE)))
            if _has_keys(settings) if gateway is None else gateway:
                tended.append(stack.enter_context(_beside("gateway", log_level, _GATEWAY_GRACE)))
            _supervise(settings, log_level, lambda: [tend() for tend in tended])
        except Stop as stop:
            raise typer.Exit(stop.code) from None


def _open_key_ring(settings: "Settings") -> None:
    """Load the key ring, and say where it is if it was made just now.

    Raises InvalidSettingsError.
    """
    there = settings.keys is None or settings.keys.exists()
    settings.keyring.open()
    if not there:
        err().print(f"key ring: made in {settings.keys}; back it up", soft_wrap=True)


def _look_at_data(settings: "Settings") -> None:
    """Say if the private Redis has other data than last time."""
    from ops.processes.home_mark import HomeMark
    from worker.ledger.data_set import DataSet
    from worker.ledger.redis_client import connect

    data_set, home = DataSet(connect(settings.ledger_url)), HomeMark(settings.home)
    mark = data_set.mark()
    if home.differs(mark):
        err().print("All that the private Redis had is gone: its data are not those of last time.")
        data_set.note_vanished()
    home.keep(mark)


def _keep_running(redis: "PrivateRedis | None") -> None:
    """Start the private Redis again, should it have ended; its data are there."""
    if redis is not None and not redis.running():
        err().print("Redis ended; it is started again")
        redis.start()


def _has_keys(settings: "Settings") -> bool:
    """Whether anybody could ask over HTTP."""
    from worker.ledger.api_keys import ApiKeys
    from worker.ledger.redis_client import connect

    return any(key.valid for key in ApiKeys(connect(settings.ledger_url), settings.keyring).all())


@contextmanager
def _beside(name: str, log_level: str, grace: float) -> "Iterator[Callable[[], object]]":
    """Keep a command running while inside, each time that what is given is called."""
    from ops.processes.supervisor import Children, LinkedChild, classin, end

    def start(_: int) -> LinkedChild:
        return LinkedChild(classin(name, "--tied", "--log-level", log_level))

    kept = Children(1, start, said=err().print, what=name)
    try:
        yield kept.tend
    finally:
        end(*kept.children, grace=grace)


def beat(
    *,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
    log_level: LogLevel = "info",
) -> None:
    """Do what the schedule says, at its times, until SIGTERM or Ctrl-C.

    Any number may run, on any machines: each tick is run once.
    """
    import logging

    from ops.cli.wiring import open_ledger
    from ops.processes.parent_pipe import tie_until_ready
    from ops.processes.supervisor import Stop, stop_on_signals
    from ops.scheduling.beat import beat as keep_beating
    from worker.config.settings import from_env
    from worker.trouble_log import log_plainly

    settings = from_env()
    open_ledger().counts()  # without its Redis it says so and ends
    settings.keyring.open()
    stop_on_signals()
    tell_ready = tie_until_ready(_BEAT_GRACE) if tied else lambda: None
    log_plainly()
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(name)s: %(message)s")
    try:
        keep_beating(settings, tell_ready)
    except Stop as stop:
        raise typer.Exit(stop.code) from None


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
    from ops.cli.wiring import open_ledger
    from ops.processes.supervisor import Stop, stop_on_signals
    from worker.config.settings import from_env

    settings = _chosen(from_env(), processes, threads)
    if number is None:
        _must_be_able(settings)
    open_ledger().counts()  # a worker without its Redis says so and ends
    _open_key_ring(settings)
    if number is not None:
        _work_as(number, settings, log_level)
    elif settings.processes == 1:
        _announce(settings)
        _work(settings, log_level)
    else:
        stop_on_signals()
        try:
            _supervise(settings, log_level)
        except Stop as stop:
            raise typer.Exit(stop.code) from None


def _chosen(settings: "Settings", processes: int | None, threads: int | None) -> "Settings":
    """Give the settings with what the command's options say instead."""
    from dataclasses import replace

    return replace(
        settings,
        processes=processes or settings.processes,
        threads=threads or settings.threads,
    )


def _announce(settings: "Settings") -> None:
    several = f"{settings.processes} processes of " if settings.processes > 1 else ""
    schools = ", ".join(settings.schools)
    out().print(
        f"worker: {several}{settings.threads} threads, for {schools}, to {settings.base_url}"
    )


def _supervise(
    settings: "Settings", log_level: str, tend: "Callable[[], object]" = lambda: None
) -> None:
    """Keep so many worker processes running until Stop. Raises Exit if they do not start."""
    from ops.processes.supervisor import (
        MARGIN,
        Children,
        LinkedChild,
        NotStartedError,
        classin,
        supervise,
    )

    options = ["--threads", str(settings.threads), "--log-level", log_level]

    def start(number: int) -> LinkedChild:
        return LinkedChild(classin("worker", "--number", str(number), *options))

    _announce(settings)
    kept = Children(settings.processes, start, said=err().print)
    try:
        supervise(kept, grace=settings.grace + MARGIN, tend=tend)
    except NotStartedError as failure:
        err().print(lines(str(failure)))
        raise typer.Exit(failure.code) from None


def _work_as(number: int, settings: "Settings", log_level: str) -> None:
    """Be the worker process of that number, tied to its supervisor."""
    import multiprocessing

    from ops.processes.parent_pipe import tie
    from ops.processes.supervisor import MARGIN

    tie(settings.grace + MARGIN)
    multiprocessing.current_process().name = f"worker {number}"  # it stands in the log's lines
    # The first has the name that a single one has, so that the same ping finds it.
    _work(settings, log_level, f"celery{number if number > 1 else ''}@%h")


def _work(settings: "Settings", log_level: str, node: str = "celery@%h") -> None:
    """Be Celery's worker, in this process, with that name among the nodes."""
    from worker.config.settings import put_in_env

    put_in_env({"CLASSIN_THREADS": str(settings.threads)})
    from worker.app import work

    work(log_level, node)


def simulator(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8900,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    counting: Annotated[
        Counting, typer.Option(help="How it counts long texts when it checks a signature.")
    ] = Counting.BYTES,
    as_json: AsJson = False,
) -> None:
    """Pretend to be ClassIn, on this machine, until Ctrl-C.

    It knows the schools of the settings; without any, one of its own. With --json it prints its
    `url`.
    """
    from ops.simulator import announce, create_app, run
    from worker.config.settings import from_env
    from worker.trouble_log import log_plainly

    log_plainly()
    schools = {school.sid: school.secret for school in from_env().schools.values()}
    ready = (lambda url: print_json({"url": url})) if as_json else announce
    run(port, host, create_app(schools=schools or None, counting=counting), ready)


def demo(*, as_json: AsJson = False) -> None:
    """Run the main job on a system of its own: a file of operations, and a school's roster.

    Exit 0 if each part ended as it should.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ops.demo.demo import demonstrate, scenes
    from ops.processes.supervisor import Stop, stop_on_signals

    played = scenes()
    stop_on_signals()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err(), transient=True, disable=as_json) as progress:
        bar = progress.add_task("starting Redis, simulator and worker", total=len(played))

        def advance(settled: int) -> None:
            progress.update(bar, completed=settled, description="settling operations")

        try:
            shown = demonstrate(played, advance)
        except Stop as stop:  # its system is gone by then
            raise typer.Exit(stop.code or 1) from None
    if as_json:
        for ending in shown.endings:
            said = {"story": ending.scene.story, "as_expected": ending.as_expected}
            print_json({**said, **ending.record.to_dict()})
        for each in shown.syncs:
            print_json({"story": each.story, "as_expected": each.as_expected, "exit": each.code})
    else:
        _print_endings(shown.endings)
        for each in shown.syncs:
            mark, words = _mark(good=each.as_expected), " ".join(each.words)
            out().print(marked("\n{} {}: [bold]classin {}[/]", mark, each.story, words))
            out().print(lines(each.said.rstrip()))
    if not shown.as_expected:
        raise typer.Exit(1)


def _mark(*, good: bool) -> Marked:
    return Marked("[green]✓[/]" if good else "[red]✗[/]")


def _print_endings(endings: "Sequence[Ending]") -> None:
    from ops.insight.status_text import status_text

    rows = table(
        "", "*story", "operation", "state", "#code", "#tries", "*ClassIn said", "*what to do"
    )
    for ending in endings:
        record = ending.record
        rows.add_row(
            _mark(good=ending.as_expected),
            ending.scene.story,
            record.operation,
            state_of(record),
            "" if record.code is None else str(record.code),
            str(len(record.attempts)),
            record.message or "",
            status_text(record).todo,
        )
    out().print(rows)
    good = sum(ending.as_expected for ending in endings)
    told = "\n{} of {} operations ended as the file says they should."
    out().print(marked(told, good, len(endings)))


def _must_be_able(settings: "Settings") -> None:
    """Refuse to start workers that would have no school, no descriptors or no broker.

    Raises InvalidInputError, InvalidSettingsError or UnavailableError.
    """
    from worker.runtime.file_descriptors import make_room_for_threads

    if not settings.schools:
        settings.school()  # it says what to set
    make_room_for_threads(settings.threads)
    if settings.broker_url:
        from worker.broker.queue import build_queues

        build_queues(settings).is_empty()
