"""The schedule in Redis: jobs, their ticks, and their runs; one Lua script for each change.

Whoever can write there commands no host by that: a job is signed with the key ring of those who add
it, its runs carry the signature along, and what bears none is never run.
"""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from redis import Redis

from worker.errors import NotFoundError
from worker.keyring import NO_KEYS, KeyRing, canonical
from worker.ledger.codec import flag, ms, whole
from worker.ledger.decoding import decoding
from worker.ledger.record import clean
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.schedule_models import (
    CATCH_UP,
    SIGNED,
    TIME_LIMIT,
    IfRunning,
    Job,
    Planned,
    Run,
    RunState,
    run_id,
)
from worker.ledger.script_runner import ScriptRunner

#: What the keys of this purpose sign.
_PURPOSE = "scheduled-job"

#: A run whose carriers fell silent so often has failed.
DEATHS = 3


class Carried(NamedTuple):
    """A run that somebody carries out, with the lease on it."""

    run: Run
    lease: str


class ScheduleStore:
    """The schedule in one Redis database. `clock` gives ms since 1970; None: Redis's own time.

    `keyring` signs jobs, and tells those that are signed: only who forgets old runs needs none.
    Each method raises UnavailableError when Redis is away.
    """

    def __init__(
        self,
        redis: Redis,
        clock: Callable[[], int] | None = None,
        *,
        keyring: KeyRing = NO_KEYS,
    ) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._clock = clock
        self._keyring = keyring
        self._scripts = ScriptRunner(redis, clock)

    def now(self) -> int:
        """Give the time by which leases run out, in ms since 1970."""
        if self._clock is not None:
            return self._clock()
        with translate_redis_errors():
            seconds, micros = self._redis.time()
        return seconds * 1000 + micros // 1000

    def add(self, job: Job) -> bool:
        """Put a new job into the schedule; False if there is one of that name."""
        return self._plan("add", job.name, *self._written(job))

    def put(self, job: Job) -> None:
        """Put a job into the schedule, in the place of one of that name.

        If that ticks at other times, ticks count from now on; whether it pauses stays as it was.
        """
        self._plan("put", job.name, *self._written(job))

    def remove(self, name: str) -> bool:
        """Take a job out, and what of it waits; what runs goes on. False if there was none."""
        return self._plan("remove", name)

    def pause(self, name: str) -> bool:
        """Let no tick of a job count until `resume`; False if it was so already. NotFoundError."""
        self.find(name)
        return self._plan("pause", name)

    def resume(self, name: str) -> bool:
        """Let ticks count again, from now on; False if they did. Raises NotFoundError."""
        self.find(name)
        return self._plan("resume", name)

    def find(self, name: str) -> Planned:
        """Find a job. Raises NotFoundError."""
        with translate_redis_errors():
            values: Any = self._redis.hgetall(self._keys.job(name))
        if not values:
            raise NotFoundError(f"there is no job {name!r}; `classin schedule ls` lists all")
        return self._planned_of(name, values)

    def jobs(self) -> Sequence[Planned]:
        """Give all jobs, by name."""
        with translate_redis_errors():
            names = sorted(map(str, self._redis.smembers(self._keys.jobs)))
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.hgetall(self._keys.job(name))
            found = pipeline.execute()
        return [self._planned_of(*each) for each in zip(names, found, strict=True) if each[1]]

    def claim(self, planned: Planned, tick: int, *, late: bool = False) -> RunState | None:
        """Claim a tick of a job as it was read, and record its run; gives where that stands.

        None: somebody else has claimed it, or the job is not to run any more.
        """
        return self._tick(planned.job.name, str(planned.last), tick, late=late)

    def ask(self, name: str, now: int) -> Run:
        """Record a run by hand, for now (ms since 1970). Raises NotFoundError."""
        if self._tick(name, "", now, late=False) is None:
            self.find(name)
        return self.run(run_id(name, now))

    def run(self, its_id: str) -> Run:
        """Find a run. Raises NotFoundError."""
        found = self._runs([its_id])
        if not found:
            raise NotFoundError(f"there is no run {its_id!r}")
        return found[0]

    def runs(self, since: int, limit: int, job: str = "") -> Sequence[Run]:
        """Give runs that were recorded since a moment (ms since 1970), the newest first."""
        index = self._keys.runs_of(job) if job else self._keys.runs
        with translate_redis_errors():
            found = self._redis.zrevrangebyscore(index, "+inf", since, 0, limit)
        return self._runs([str(each) for each in found])

    def last_runs(self, names: Sequence[str]) -> Mapping[str, Run]:
        """Give the last run of each job that has one, by the job's name."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.zrange(self._keys.runs_of(name), -1, -1)
            found = [str(each) for ids in pipeline.execute() for each in ids]
        return {run.job: run for run in self._runs(found)}

    def forget(self, before: int) -> int:
        """Forget runs of jobs that were taken out; return how many.

        Those recorded before that (ms since 1970), unless they are not over.
        """
        with translate_redis_errors():
            ids = [
                str(each)
                for each in self._redis.zrangebyscore(self._keys.runs, "-inf", f"({before}")
            ]
            kept = {*map(str, self._redis.smembers(self._keys.jobs))}
            pipeline = self._redis.pipeline(transaction=False)
            runs = [run for run in self._runs(ids) if run.job not in kept and run.state.over]
            for run in runs:
                pipeline.zrem(self._keys.runs, run.id)
                pipeline.zrem(self._keys.runs_of(run.job), run.id)
                pipeline.delete(self._keys.run(run.id))
            pipeline.execute()
        return len(runs)

    def take(
        self, lease: str, lasts: float, *, orphans: bool, but: Collection[str] = ()
    ) -> Carried | None:
        """Take a run that is to be carried out, for so many seconds; None if there is none.

        What others had whose lease ran out counts if `orphans`; these commands are left alone.
        """
        left = json.dumps(sorted(but))
        found = self._scripts.run("take_run", lease, ms(lasts), flag(orphans), DEATHS, left)
        if not found:
            return None
        values = dict(zip(found[1][::2], found[1][1::2], strict=True))
        run = _run_of(found[0], values)
        belongs = run.id == run_id(run.job, run.tick)
        return Carried(replace(run, signed=belongs and self._is_signed(run.job, values)), lease)

    def renew(self, carried: Carried, lasts: float) -> bool:
        """Keep a run for so many seconds more; False if it is another's now."""
        return self._carry("renew", carried, ms(lasts))

    def end(
        self, carried: Carried, state: RunState, code: int | None, said: str, trouble: str
    ) -> bool:
        """Say how a run ended; False if it is another's now, and nothing was changed."""
        words = ("" if code is None else code, clean(said), clean(trouble))
        return self._carry("end", carried, state.value, *words)

    def give_back(self, carried: Carried) -> bool:
        """Let somebody else carry a run out; False if that is so already."""
        return self._carry("return", carried)

    def _written(self, job: Job) -> tuple[str, ...]:
        """Write a job as schedule_change.lua takes it, the signature last."""
        words = clean(json.dumps(job.words, ensure_ascii=False))
        spans = (f"{job.catch_up:g}", f"{job.time_limit:g}")
        parts = (job.cron, job.tz, words, job.if_running.value, *spans, clean(job.file))
        return *parts, self._keyring.mac(_PURPOSE, canonical([job.name, *parts]))

    def _is_signed(self, name: str, values: Mapping[str, str]) -> bool:
        """Say whether the hash of a job, or of a run of it, bears the signature of that job."""
        parts = [values.get(part, "") for part in SIGNED]
        return self._keyring.verify(_PURPOSE, canonical([name, *parts]), values.get("mac", ""))

    def _planned_of(self, name: str, values: Mapping[str, str]) -> Planned:
        signed = self._is_signed(name, values)
        policies = {each.value: each for each in IfRunning}
        job = Job(
            name=name,
            cron=values.get("cron", ""),
            tz=values.get("tz", ""),
            words=_words_of(values),
            if_running=policies.get(values.get("if_running", ""), IfRunning.WAIT),
            catch_up=_number(values.get("catch_up"), CATCH_UP),
            time_limit=_number(values.get("time_limit"), TIME_LIMIT),
            file=values.get("file", ""),
        )
        last = int(_number(values.get("last"), 0))
        return Planned(job, last, "paused" in values, signed)

    def _plan(self, what: str, *arguments: str) -> bool:
        return bool(self._scripts.run("schedule_change", what, *arguments))

    def _tick(self, name: str, last: str, tick: int, *, late: bool) -> RunState | None:
        state = self._scripts.run(
            "claim_tick", name, last, tick, run_id(name, tick), "1" if late else ""
        )
        return RunState(state) if state else None

    def _carry(self, what: str, carried: Carried, *more: str | int) -> bool:
        return bool(self._scripts.run("update_run", what, carried.run.id, carried.lease, *more))

    def _runs(self, ids: Sequence[str]) -> list[Run]:
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for each in ids:
                pipeline.hgetall(self._keys.run(each))
            found = pipeline.execute()
        return [_run_of(*each) for each in zip(ids, found, strict=True) if each[1]]


# Whoever can write Redis may have written what follows: it is read as far as it can be.


def _words_of(values: Mapping[str, str]) -> tuple[str, ...]:
    try:
        words = json.loads(values.get("words", ""))
    except (ValueError, RecursionError):
        return ()
    return tuple(map(str, words)) if isinstance(words, list) else ()


def _number(text: str | None, default: float) -> float:
    try:
        number = float(text or default)
    except ValueError:
        return default
    return number if math.isfinite(number) else default


@decoding("a run of a job")
def _run_of(its_id: str, values: Mapping[str, str]) -> Run:
    return Run(
        id=its_id,
        job=values.get("job", ""),
        tick=int(_number(values.get("tick"), 0)),
        words=_words_of(values),
        state=RunState(values["state"]),
        recorded_at=int(_number(values.get("recorded_at"), 0)),
        time_limit=_number(values.get("time_limit"), TIME_LIMIT),
        by_hand=bool(values.get("by_hand")),
        late=bool(values.get("late")),
        started_at=whole(values.get("started_at")),
        finished_at=whole(values.get("finished_at")),
        takes=int(values.get("takes", 0)),
        code=int(values["code"]) if values.get("code") else None,
        said=values.get("said", ""),
        trouble=values.get("trouble", ""),
        joined=values.get("joined"),
    )
