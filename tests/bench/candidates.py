"""Who is measured: how its workers are started, and how operations are handed to it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.processes.supervisor import classin

#: Operations side by side in each of two processes: ours, and those of all peers but Celery.
THREADS = 100

#: Celery's best on two cores: with more threads it gets slower.
CELERY_THREADS = 50

#: rq does one thing at a time in each process; more of them do not fit on small machines.
RQ_PROCESSES = 16

_FOLDER = "tests.bench.peers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to have operations carried out."""

    name: str
    #: The module that hands operations in, and the Python that runs it.
    module: str
    python: Path
    #: Operations side by side in each process.
    threads: int
    #: The commands that run the workers, and what they say, how often, when they are ready.
    workers: Sequence[Sequence[str]] = ()
    ready: str = ""
    times: int = 2

    @property
    def is_ours(self) -> bool:
        """Whether there is a ledger that tells what is settled."""
        return self.module == _OURS


_OURS = "tests.bench.ours"


def candidates(peers: Path) -> Mapping[str, Candidate]:
    """Give all candidates by name; the peers live in a virtual environment of their own."""
    ours = Candidate(
        name="ours",
        module=_OURS,
        python=Path(sys.executable),
        threads=THREADS,
        workers=[classin("worker", "--processes", "2", "--threads", str(THREADS))],
        ready=" ready.",
    )
    return {each.name: each for each in (ours, *_peers(peers))}


def _peers(peers: Path) -> Iterator[Candidate]:
    """Give the peers, each with two processes, where it can."""

    def peer(module: str, ready: str = "", times: int = 2, *workers: str) -> Candidate:
        return Candidate(
            name=module.removeprefix("on_"),
            module=f"{_FOLDER}.{module}",
            python=peers / "bin" / "python",
            threads=CELERY_THREADS if module == "on_celery" else THREADS,
            workers=[f"{peers}/bin/{command}".split() for command in workers],
            ready=ready,
            times=times,
        )

    celery = f"celery -A {_FOLDER}.on_celery worker --pool threads --concurrency {CELERY_THREADS}"
    names = (f"{celery} --hostname {name}@%h" for name in ("one", "two"))
    yield peer("on_celery", "worker is ready", 2, *names)
    dramatiq = f"dramatiq {_FOLDER}.on_dramatiq --processes 2 --threads {THREADS}"
    yield peer("on_dramatiq", "is ready for action", 2, dramatiq)
    taskiq = f"taskiq worker {_FOLDER}.on_taskiq:broker --workers 2 --max-async-tasks {THREADS}"
    yield peer("on_taskiq", "Listening started", 2, taskiq)
    huey = f"huey_consumer {_FOLDER}.on_huey.huey -w {THREADS} -k thread"
    yield peer("on_huey", "Huey consumer started", 2, huey, huey)
    arq = f"arq {_FOLDER}.on_arq.Worker"
    yield peer("on_arq", "Starting worker", 2, arq, arq)
    rq = f"rq worker-pool --worker-class rq.worker.SimpleWorker --num-workers {RQ_PROCESSES}"
    yield peer("on_rq", "Listening on", RQ_PROCESSES, rq)
    yield peer("no_queue")
