"""Worker processes: what `up` and `worker` share, from their options to their supervision."""

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from ops.cli.markup import lines
from ops.cli.output import err, out
from ops.processes.parent_pipe import tie
from ops.processes.supervisor import (
    MARGIN,
    Children,
    LinkedChild,
    NotStartedError,
    classin,
    supervise,
)
from worker.config.settings import (
    MOST_PROCESSES,
    MOST_THREADS,
    USUAL_PROCESSES,
    Settings,
    from_env,
    put_in_env,
)
from worker.runtime.file_descriptors import make_room_for_threads

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


#: Seconds that a beat gets to end: it ends what it carries out.
BEAT_GRACE = 20.0


def chosen_settings(processes: int | None, threads: int | None) -> Settings:
    """Return the settings, with the command's options in place of theirs."""
    settings = from_env()
    return replace(
        settings,
        processes=processes or settings.processes,
        threads=threads or settings.threads,
    )


def check_startable(settings: Settings) -> None:
    """Check that workers would have a school, file descriptors and a broker.

    Raises InvalidInputError, InvalidSettingsError or UnavailableError.
    """
    if not settings.schools:
        settings.school()  # it says what to set
    make_room_for_threads(settings.threads)
    if settings.broker_url:
        from worker.broker.queue import build_queues  # noqa: PLC0415  # Celery

        build_queues(settings).is_empty()


def open_key_ring(settings: Settings) -> None:
    """Load the key ring, and print where it is if it was made just now.

    Raises InvalidSettingsError.
    """
    existed = settings.keys is None or settings.keys.exists()
    settings.keyring.open()
    if not existed:
        err().print(f"key ring: made in {settings.keys}; back it up", soft_wrap=True)


def announce(settings: Settings) -> None:
    """Print how many operations are carried out side by side, for whom and where."""
    several = f"{settings.processes} processes of " if settings.processes > 1 else ""
    schools = ", ".join(settings.schools)
    out().print(
        f"worker: {several}{settings.threads} threads, for {schools}, to {settings.base_url}"
    )


def supervise_workers(
    settings: Settings, log_level: str, tend: Callable[[], object] = lambda: None
) -> None:
    """Keep the worker processes running until Stop. Raises Exit if they do not start."""
    options = ["--threads", str(settings.threads), "--log-level", log_level]

    def start(number: int) -> LinkedChild:
        return LinkedChild(classin("worker", "--number", str(number), *options))

    announce(settings)
    children = Children(settings.processes, start, said=err().print)
    try:
        supervise(children, grace=settings.grace + MARGIN, tend=tend)
    except NotStartedError as failure:
        err().print(lines(str(failure)))
        raise typer.Exit(failure.code) from None


def work_as_child(number: int, settings: Settings, log_level: str) -> None:
    """Run the worker process of that number, tied to its supervisor."""
    tie(settings.grace + MARGIN)
    multiprocessing.current_process().name = f"worker {number}"  # it stands in the log's lines
    # The first has the name that a single one has, so that the same ping finds it.
    work(settings, log_level, f"celery{number if number > 1 else ''}@%h")


def work(settings: Settings, log_level: str, node: str = "celery@%h") -> None:
    """Run Celery's worker in this process, under that node name."""
    put_in_env({"CLASSIN_THREADS": str(settings.threads)})
    from worker.app import work as run_worker  # noqa: PLC0415  # Celery; it reads what was put

    run_worker(log_level, node)
