"""Job and run: what is to be done at which times, and what became of it each time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.ledger.record import iso

#: What is said of a job, or a run, whose signature is missing or wrong.
UNSIGNED = (
    "not signed by this installation: it is not run; `classin schedule apply` signs what its file"
    " says, or take it out and add it anew"
)

#: Seconds for which a tick that was missed is caught up with, unless a job says otherwise.
CATCH_UP = 21600.0

#: Seconds after which a run is ended, unless its job says otherwise.
TIME_LIMIT = 43200.0


#: What of a job is signed besides its name: all that decides what is run, when and how.
SIGNED = ("cron", "tz", "words", "if_running", "catch_up", "time_limit", "file")


class IfRunning(StrEnum):
    """What becomes of a job's next run while one is under way."""

    #: It begins when that one has ended; a third one joins the second.
    WAIT = "wait"
    #: It does not take place.
    SKIP = "skip"
    #: It counts as a part of the one that is under way.
    JOIN = "join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done, at which times."""

    name: str
    #: Five fields, read by the clocks of the time zone.
    cron: str
    tz: str
    #: Words of a command: `classin WORDS`.
    words: tuple[str, ...]
    if_running: IfRunning = IfRunning.WAIT
    #: Seconds.
    catch_up: float = CATCH_UP
    #: Seconds that a run of it may take.
    time_limit: float = TIME_LIMIT
    #: The name of the file that it came from; '': somebody added it by hand.
    file: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
        return {
            "name": self.name,
            "cron": self.cron,
            "tz": self.tz,
            "words": list(self.words),
            "if_running": self.if_running.value,
            "catch_up": self.catch_up,
            "time_limit": self.time_limit,
            "file": self.file or None,
        }


@dataclass(frozen=True, slots=True)
class Planned:
    """A job as it stands in the schedule. Times are ms since 1970."""

    job: Job
    #: The last tick that was claimed, or since when ticks count.
    last: int
    paused: bool = False
    #: Whether this installation has signed it: else it is not run.
    signed: bool = True


class RunState(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: It did not take place.
    SKIPPED = "skipped"
    #: It is part of another.
    JOINED = "joined"

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self not in {RunState.WAITING, RunState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A job at one of its ticks. Times are ms since 1970."""

    id: str
    job: str
    #: The moment for which it was planned.
    tick: int
    words: tuple[str, ...]
    state: RunState
    recorded_at: int
    #: Seconds that it may take, each time that it is begun.
    time_limit: float = TIME_LIMIT
    #: Somebody asked for it.
    by_hand: bool = False
    #: Its tick was missed, and caught up with.
    late: bool = False
    started_at: int | None = None
    finished_at: int | None = None
    #: How often it was begun: more than once if who carried it out fell silent.
    takes: int = 0
    #: The exit code; -N after signal N.
    code: int | None = None
    #: The last line that it printed.
    said: str = ""
    #: Why it did not take place or did not go well: the last lines of its complaints, or ours.
    trouble: str = ""
    #: The run that it has joined.
    joined: str | None = None
    #: Whether this installation has signed its job, as it was at that moment; `take` looks.
    signed: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
        return {
            "id": self.id,
            "job": self.job,
            "tick": iso(self.tick),
            "words": list(self.words),
            "state": self.state.value,
            "by_hand": self.by_hand,
            "late": self.late,
            "time_limit": self.time_limit,
            "recorded_at": iso(self.recorded_at),
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "takes": self.takes,
            "exit_code": self.code,
            "said": self.said,
            "trouble": self.trouble,
            "joined": self.joined,
        }


def run_id(job: str, tick: int) -> str:
    """Name the run of a job at a tick (ms since 1970): the same for whoever asks."""
    moment = (iso(tick) or "").removesuffix(".000Z").removesuffix(":00")
    return f"{job}:{moment.removesuffix('Z')}Z"
