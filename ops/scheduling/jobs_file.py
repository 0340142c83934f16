"""Timetable: jobs as people write them, on a command line or in a TOML file. Pure, but for reading.

[nightly-sync]
run = "sync oneroster /srv/sis/export.zip"
cron = "30 2 * * *"
tz = "Asia/Shanghai"
if_running = "skip"
catch_up = "2h"
time_limit = "4h"
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from worker.classin.validation_messages import nearest
from worker.config.env import read_seconds, seconds_text
from worker.config.toml_file import read_toml
from worker.errors import FieldError, InvalidInputError
from worker.ledger.schedule_models import CATCH_UP, TIME_LIMIT, IfRunning, Job, Planned
from worker.scheduling.cron import CronSchedule

#: Return what is wrong with a job's command words.
Check = Callable[[Sequence[str]], Sequence[FieldError]]

#: Commands that can be jobs.
DUTIES = ("enqueue", "sync", "retry", "prune", "report")

#: Commands that may run long, because of ClassIn or a large file; slots remain for others.
LONG_DUTIES = frozenset({"enqueue", "sync"})

#: Default time limit in seconds of the other commands.
_SHORT_LIMIT = 3600.0

#: Bounds of a time limit, in seconds.
_LEAST_LIMIT, _MOST_LIMIT = 1.0, 30 * 86400.0

#: Bounds of `catch_up`, in seconds; a beat looks every second.
_LEAST, _MOST = 60.0, 30 * 86400.0

_KEYS = ("run", "cron", "tz", "if_running", "catch_up", "time_limit")

#: The default time zone.
USUAL_ZONE = "UTC"


def job_of(name: str, asked: Mapping[str, object], check: Check, file: str = "") -> Job:
    """Parse a job: `cron`, `run` (words) and optional settings.

    Raises InvalidInputError, which names every fault.
    """
    faults = [*_name_faults(name), *_key_faults(asked)]
    cron, tz = str(asked.get("cron") or ""), str(asked.get("tz") or USUAL_ZONE)
    try:
        CronSchedule(cron, tz)
    except InvalidInputError as error:
        faults += error.faults
    words = _words_of(asked.get("run"), faults)
    if words is not None:
        faults += check(words)
    policy = str(asked.get("if_running") or IfRunning.WAIT)
    if policy not in {each.value for each in IfRunning}:
        faults.append(
            FieldError("if_running", f"should be wait, skip or join; got {policy[:40]!r}")
        )
    catch_up = _catch_up_of(asked.get("catch_up"), faults)
    time_limit = _time_limit_of(asked.get("time_limit"), words or (), faults)
    if faults:
        raise InvalidInputError(name, faults)
    return Job(
        name=name,
        cron=" ".join(cron.split()),
        tz=tz,
        words=tuple(words or ()),
        if_running=IfRunning(policy),
        catch_up=catch_up,
        time_limit=time_limit,
        file=file,
    )


def _name_faults(name: str) -> Iterator[FieldError]:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        yield FieldError("name", "should be up to 64 letters, digits, and - _ . between them")


def _key_faults(asked: Mapping[str, object]) -> Iterator[FieldError]:
    for key in sorted(asked.keys() - set(_KEYS)):
        yield FieldError(key, f"unknown key{nearest(key, _KEYS)}; known are {', '.join(_KEYS)}")


def _words_of(run: object, faults: list[FieldError]) -> list[str] | None:
    """Parse a command, given as words or as a shell command line."""
    if isinstance(run, str):
        try:
            return shlex.split(run)
        except ValueError as error:
            faults.append(FieldError("run", f"cannot be read as a line of a shell: {error}"))
            return None
    if isinstance(run, (list, tuple)) and all(isinstance(word, str) for word in run):
        return list(run)
    faults.append(FieldError("run", "should be the words of a command, like sync oneroster FILE"))
    return None


def _catch_up_of(text: object, faults: list[FieldError]) -> float:
    if text is None:
        return CATCH_UP
    return _span_of("catch_up", text, _LEAST, _MOST, faults)


def _time_limit_of(text: object, words: Sequence[str], faults: list[FieldError]) -> float:
    if text is None:
        return TIME_LIMIT if LONG_DUTIES.intersection(words[:1]) else _SHORT_LIMIT
    return _span_of("time_limit", text, _LEAST_LIMIT, _MOST_LIMIT, faults)


def _span_of(name: str, text: object, least: float, most: float, faults: list[FieldError]) -> float:
    """Parse a duration in seconds, between these bounds."""
    try:
        seconds = read_seconds(str(text))
    except ValueError:
        seconds = 0.0
    if not least <= seconds <= most:
        what = f"should be a time from {seconds_text(least)} to {seconds_text(most)}"
        faults.append(FieldError(name, what, got=f"got {str(text)[:40]!r}"))
    return seconds


def read_timetable(path: Path, check: Check) -> list[Job]:
    """Read a TOML file with a table for each job.

    Raises InvalidInputError, which names every fault.
    """
    jobs, faults = list[Job](), list[FieldError]()
    for name, table in read_toml(path).items():
        if not isinstance(table, dict):
            faults.append(FieldError(f"{name}", "should be the table of a job, [NAME]"))
            continue
        try:
            jobs.append(job_of(name, table, check, path.name))
        except InvalidInputError as error:
            faults += (replace(fault, where=f"[{name}] {fault.where}") for fault in error.faults)
    if faults:
        raise InvalidInputError(str(path), faults)
    return jobs


class Kind(StrEnum):
    """The kinds of differences between a file and the schedule."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


class Difference(NamedTuple):
    """The effect of applying a file on one job."""

    kind: Kind
    job: Job
    before: Job | None = None
    #: Whether the existing job is not signed: applying signs it anew.
    signs: bool = False

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Return each setting that differs, with its text before and after."""
        if self.before is None:
            return []
        was, will = written(self.before), written(self.job)
        signed = [("signature", "missing", "this installation's")] if self.signs else []
        changed = [(name, was[name], will[name]) for name in was if was[name] != will[name]]
        return changed + signed

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        before = self.before.to_dict() if self.before else None
        return {"change": self.kind.value, "job": self.job.to_dict(), "before": before}


def differences(wanted: Sequence[Job], there: Sequence[Planned], file: str) -> list[Difference]:
    """Return the differences between the schedule and a file.

    Jobs that came from a file of this name and are no longer in it are removed; jobs that were
    added by hand, or by other files, stay.
    """
    known = {planned.job.name: planned.job for planned in there}
    unsigned = {planned.job.name for planned in there if not planned.signed}
    found = []
    for job in wanted:
        before = known.get(job.name)
        if before is None:
            found.append(Difference(Kind.ADD, job))
        elif before != job or job.name in unsigned:
            found.append(Difference(Kind.CHANGE, job, before, signs=job.name in unsigned))
    names = {job.name for job in wanted}
    gone = (job for job in known.values() if job.file == file and job.name not in names)
    return [*found, *(Difference(Kind.REMOVE, job) for job in gone)]


def written(job: Job) -> dict[str, str]:
    """Return a job's settings as a file has them."""
    return {
        "run": shlex.join(job.words),
        "cron": job.cron,
        "tz": job.tz,
        "if_running": job.if_running.value,
        "catch_up": seconds_text(job.catch_up),
        "time_limit": seconds_text(job.time_limit),
        "file": job.file or "by hand",
    }
