"""Execute scheduled runs, each as a child process under a lease."""

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO, Protocol

from ops.processes.supervisor import LinkedChild, Process, end
from ops.scheduling.jobs_file import LONG_DUTIES
from ops.scheduling.redact import last_lines, redact
from worker.boottime import boottime
from worker.config.env import seconds_text
from worker.errors import UnavailableError
from worker.ledger.record import new_id
from worker.ledger.schedule_models import UNSIGNED, Run, RunState
from worker.ledger.schedule_store import Carried, ScheduleStore

log = logging.getLogger(__name__)

#: Concurrent runs of one runner, and how many of them may be long ones.
MOST, MOST_LONG = 6, 4

#: Grace in seconds before a child is killed.
GRACE = 10.0

#: Lease in seconds: a silent runner loses its runs after that.
LEASE = 20.0

#: Kept output: lines of stderr, and characters of each.
_LINES, _CHARACTERS, _SUMMARY = 10, 2000, 300

#: Bytes that are read from the end of the output.
_TAIL = 64 * 1024


class JobProcess(Process, Protocol):
    """The process of a run."""

    def told(self) -> tuple[str, str]:
        """Return the last lines of its stdout and stderr, once it has ended."""


class ChildErrand(LinkedChild):
    """A child that ends with this process; its output goes to unnamed files."""

    def __init__(self, run: Run) -> None:
        with ExitStack() as files:
            self._output = files.enter_context(tempfile.TemporaryFile())
            self._complaints = files.enter_context(tempfile.TemporaryFile())
            super().__init__(command_of(run), output=self._output, complaints=self._complaints)
            self._files = files.pop_all()

    def kill(self) -> None:
        """Kill it with its whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def told(self) -> tuple[str, str]:
        """Return the last lines of its stdout and stderr, once it has ended."""
        with self._files:
            said = last_lines(_end_of(self._output), 1, _SUMMARY)
            return said, last_lines(_end_of(self._complaints), _LINES, _CHARACTERS)


def command_of(run: Run) -> list[str]:
    """Return the command line of a run; its process checks the job's words before it runs them."""
    return [sys.executable, "-m", "ops.cli.job_process", run.id, *run.words]


@dataclass(slots=True)
class _RunLeases:
    carried: Carried
    errand: JobProcess
    renewed: float
    #: Running time in seconds, without time asleep.
    ran: float = 0.0
    #: When it was asked to end, by that time; and whether because another runner has it now.
    ending: float | None = None
    is_lost: bool = False
    #: Its last output lines.
    told: tuple[str, str] | None = None

    @property
    def is_long(self) -> bool:
        """Whether its command may run long."""
        return self.carried.run.words[0] in LONG_DUTIES


class Runner:
    """Take runs, keep their leases and store their results. `clock` returns seconds."""

    def __init__(
        self,
        schedule: ScheduleStore,
        *,
        lasts: float = LEASE,
        start: Callable[[Run], JobProcess] = ChildErrand,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._schedule = schedule
        self._lasts = lasts
        self._start = start
        self._clock = clock
        self._in_hand: list[_RunLeases] = []
        #: Since when Redis answers without interruption, and when it was last asked.
        self._heard_since = self._looked = clock()

    def run_once(self) -> None:
        """Look after running jobs, and take waiting ones. Raises UnavailableError."""
        now = self._clock()
        passed, self._looked = now - self._looked, now
        if passed >= self._lasts / 2:  # this machine slept, and so may have others
            self._heard_since, passed = now, 0.0
        for each in self._in_hand:
            each.ran += passed
            self._limit(each)
        try:
            for each in list(self._in_hand):
                self._tend(each)
            while len(self._in_hand) < MOST and (carried := self._take()) is not None:
                self._begin(carried)
        except UnavailableError:
            self._heard_since = self._clock()
            raise

    def stop(self, grace: float = GRACE) -> None:
        """End the running jobs, and give them back."""
        over = [each for each in self._in_hand if each.errand.poll() is not None]
        end(*(each.errand for each in self._in_hand), grace=grace)
        with suppress(UnavailableError):  # then its lease runs out
            for each in self._in_hand:
                if each in over or each.ending is not None:
                    self._note(each, each.errand.wait())
                else:
                    each.errand.told()
                    self._schedule.give_back(each.carried)
        self._in_hand.clear()

    def _take(self) -> Carried | None:
        # After an outage of Redis, live runners renew first; only then do leases lapse.
        heard_for = self._clock() - self._heard_since
        is_full = sum(each.is_long for each in self._in_hand) >= MOST_LONG
        return self._schedule.take(
            new_id(),
            self._lasts,
            orphans=heard_for >= self._lasts / 2,
            but=LONG_DUTIES if is_full else (),
        )

    def _begin(self, carried: Carried) -> None:
        if not carried.run.signed or not carried.run.words:  # somebody wrote it into Redis
            log.error("%r: %s", carried.run.id, UNSIGNED)
            self._schedule.end(carried, RunState.FAILED, None, "", UNSIGNED)
            return
        try:
            errand = self._start(carried.run)
        except OSError as error:  # no memory, no processes: another machine may have some
            log.warning("%s cannot begin: %s", carried.run.id, error)
            self._schedule.end(carried, RunState.FAILED, None, "", f"it could not begin: {error}")
            return
        self._in_hand.append(_RunLeases(carried, errand, self._clock()))
        again = ", again" if carried.run.takes > 1 else ""
        log.info("%s: begun%s", carried.run.id, again)

    @staticmethod
    def _limit(each: _RunLeases) -> None:
        """Terminate a run that exceeds its limit, and kill it after the grace, without blocking."""
        if each.ending is not None:
            if each.ran - each.ending >= GRACE and each.errand.poll() is None:
                each.errand.kill()
        elif each.ran >= each.carried.run.time_limit:
            log.warning("%s has reached its time limit: ended here", each.carried.run.id)
            _ask_to_end(each)

    def _tend(self, each: _RunLeases) -> None:
        """Store its end, or renew its lease."""
        code = each.errand.poll()
        if code is not None:
            self._note(each, code)
            self._in_hand.remove(each)
        elif self._clock() - each.renewed >= self._lasts / 6 and not each.is_lost:
            if not self._schedule.renew(each.carried, self._lasts):
                log.warning("%s is another's now: ended here", each.carried.run.id)
                each.is_lost = True
                _ask_to_end(each)
            each.renewed = self._clock()

    def _note(self, each: _RunLeases, code: int) -> None:
        state = RunState.SUCCEEDED if code == 0 else RunState.FAILED
        if each.told is None:
            each.told = each.errand.told()
        said, complained = map(redact, each.told)
        if each.ending is not None and code != 0:
            limit = (
                f"it was ended after {seconds_text(each.carried.run.time_limit)}, its time limit"
            )
            complained = f"{limit}\n{complained}".rstrip()
        if self._schedule.end(each.carried, state, code, said, complained):
            log.info("%s: %s, exit code %s", each.carried.run.id, state.value, code)


def _ask_to_end(each: _RunLeases) -> None:
    each.ending = each.ran
    if each.errand.poll() is None:
        each.errand.terminate()


def _end_of(file: IO[bytes]) -> str:
    """Return the end of a file."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    return file.read().decode(errors="replace")
