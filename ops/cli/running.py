"""What runs: `up`, `worker`, `simulator`, `demo`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.output import AsJson, err, out, print_json, state_of, table

if TYPE_CHECKING:
    from ops.demonstration import Ending
    from ops.embedded import PrivateRedis
    from worker.settings import Settings


def add_to(program: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, worker, simulator, demo):
        program.command(rich_help_panel="Run")(command)


def up() -> None:
    """Run a worker and, unless CLASSIN_REDIS_URL is set, a private Redis, until Ctrl-C."""
    from contextlib import ExitStack
    from functools import partial

    from ops.embedded import PrivateRedis
    from ops.supervision import MARGIN, Stop, classin, only_one, stop_on_signals, supervise
    from worker.settings import from_env

    settings = from_env()
    _need_school(settings)
    stop_on_signals()
    redis = None
    with ExitStack() as stack:
        try:
            if settings.redis_url is None:
                stack.enter_context(only_one(settings.home / "up.lock"))
                redis = stack.enter_context(PrivateRedis(settings.home, settings.socket))
                out().print(f"Redis: private, its data in {settings.home}")
            out().print("Submit in another terminal: classin enqueue ...; Ctrl-C ends this.")
            supervise(
                classin("worker"),
                said=err().print,
                grace=settings.grace + MARGIN,
                tend=partial(_keep_running, redis),
            )
        except Stop:
            out().print("stopping: what is under way is finished first")


def _keep_running(redis: "PrivateRedis | None") -> None:
    """Start the private Redis again, should it have ended; its data are there."""
    if redis is not None and not redis.running():
        err().print("Redis ended; it is started again")
        redis.start()


def worker(
    *,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Operations side by side.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="warning, info or debug.")] = "info",
) -> None:
    """Carry operations out, until SIGTERM or Ctrl-C."""
    from ops.cli.connection import open_ledger
    from worker.settings import from_env

    settings = from_env()
    _need_school(settings)
    open_ledger().counts()  # a worker without its Redis says so and ends
    from worker.app import app

    number = threads or settings.threads
    schools = ", ".join(settings.schools)
    out().print(f"worker: {number} threads, for {schools}, to {settings.base_url}")
    arguments = ["--loglevel", log_level, "--concurrency", str(number)]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["--quiet", "worker", *arguments, *quiet])


def simulator(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8900,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
) -> None:
    """Pretend to be ClassIn, on this machine, until Ctrl-C.

    It knows the schools of the settings; without any, one of its own.
    """
    from ops.simulator import create_app, run
    from worker.settings import from_env

    schools = {school.sid: school.secret for school in from_env().schools.values()}
    run(port, host, create_app(schools=schools or None))


def demo(*, as_json: AsJson = False) -> None:
    """Run the main job: a private Redis, the simulator, a worker, and a file of operations.

    Exit 0 if each ended as the file says it should.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ops.demonstration import demonstrate, scenes

    played = scenes()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err(), transient=True, disable=as_json) as progress:
        bar = progress.add_task("starting Redis, simulator and worker", total=len(played))

        def advance(settled: int) -> None:
            progress.update(bar, completed=settled, description="settling operations")

        endings = demonstrate(played, advance)
    if as_json:
        for ending in endings:
            said = {"story": ending.scene.story, "as_expected": ending.as_expected}
            print_json({**said, **ending.record.to_json()})
    else:
        _print_endings(endings)
    if not all(ending.as_expected for ending in endings):
        raise typer.Exit(1)


def _print_endings(endings: "list[Ending]") -> None:
    from rich.markup import escape

    from ops.account import account

    rows = table(
        "", "*story", "operation", "state", "#code", "#tries", "*ClassIn said", "*what to do"
    )
    for ending in endings:
        record = ending.record
        rows.add_row(
            "[green]✓[/]" if ending.as_expected else "[red]✗[/]",
            escape(ending.scene.story),
            record.operation,
            state_of(record),
            "" if record.code is None else str(record.code),
            str(len(record.attempts)),
            escape(record.message or ""),
            escape(account(record).todo),
        )
    out().print(rows)
    good = sum(ending.as_expected for ending in endings)
    out().print(f"\n{good} of {len(endings)} operations ended as the file says they should.")


def _need_school(settings: "Settings") -> None:
    """Refuse to work for nobody. Raises InvalidInput."""
    if not settings.schools:
        settings.school()
