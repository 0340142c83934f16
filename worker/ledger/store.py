"""The ledger in Redis: what happened to each operation. One Lua script makes each change."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from redis import Redis

from worker.classin.index import INDEX, UNANNOUNCED
from worker.errors import FieldError, LeaseLostError, ScriptError, SubmitRefusedError
from worker.keyring import NO_KEYS, KeyRing
from worker.ledger.batch import BatchStore
from worker.ledger.codec import (
    arguments_of,
    claim_result_of,
    dues,
    dump,
    flag,
    ms,
    owners_in,
    request_of,
    submit_results_of,
)
from worker.ledger.quarantine import Quarantine
from worker.ledger.reader import LedgerReader, no_record
from worker.ledger.record import Attempt, Priority, Submission, clean
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.script_runner import ScriptRunner
from worker.ledger.states import State
from worker.ledger.types import (
    Claim,
    ClaimRequest,
    ClaimResult,
    ClaimUpdate,
    InlineQueue,
    ReadyRecord,
    SubmitResult,
    Transition,
    TurnList,
    UpdateResult,
)

#: Maximum records that one script call submits, or whose leases it renews.
CHUNK = 500

#: Dependencies of a chunk, in all, after which it takes no further record.
AWAITED = 5000

#: Bytes of files in a chunk after which it takes no further record.
HEAVIEST = 8 * 1024 * 1024

#: Maximum seconds that a worker waits for the pace, before a first request and between attempts;
#: a record that would have to wait longer is deferred until its turn.
SHORT_WAIT, LONGEST_WAIT = 0.25, 2.0

#: Default seconds that a record waits for its turn before it expires.
GIVE_UP_AFTER = 86400.0

#: A record is poison once so many workers died while they had it.
DEATHS = 3

#: What requeue_due.lua has to know of operations: most announce each request (mark_sending).
_KINDS = dump(
    {name: "read_only" for name, brief in INDEX.items() if brief.idempotency == "read_only"}
    | dict.fromkeys(UNANNOUNCED, "silent")
)


class RedisLedger(LedgerReader):
    """The ledger in one Redis database. `clock` returns ms since 1970; None: Redis's own time.

    `late_window`: seconds for which the next record of a lane waits after an attempt that may still
    be carried out; `give_up_after`: seconds that a record waits for its turn, by its pace. Only
    workers need them. Each method raises UnavailableError, and ScriptError if its script fails.
    """

    def __init__(
        self,
        redis: Redis,
        clock: Callable[[], int] | None = None,
        *,
        late_window: float = 0.0,
        give_up_after: float = GIVE_UP_AFTER,
        keyring: KeyRing = NO_KEYS,
    ) -> None:
        super().__init__(redis, keyring)
        self._scripts = ScriptRunner(redis, clock)
        self._late_window = ms(late_window)
        self._gives_up = ms(give_up_after)
        self.batches = BatchStore(redis, self._scripts, keyring)
        self.quarantine = Quarantine(redis, self._scripts)

    def submit(
        self, chunk: Sequence[Submission], inline_queue: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record one of `chunks` of new operations; one whose id exists stays as it is.

        With an inline queue, records that are ready get their messages in the same step.

        Raises SubmitRefusedError for a dedup key that was used for something else, or for an id to
        wait for that does not exist: nothing was recorded. See `find_ids`.
        """
        queue = "" if inline_queue is None else dump(inline_queue._asdict())
        found = self._scripts.run("submit", queue, *arguments_of(chunk, self._keyring))
        if found[0] in _REFUSALS:
            raise refusal(chunk, found)
        return submit_results_of(chunk, found)

    def mark_sending(self, claim: Claim, fields: Mapping[str, Any] | None = None) -> None:
        """Note that a request is about to be sent; `fields`: those sent, if others than recorded.

        Raises LeaseLostError.
        """
        text = "" if fields is None else dump(fields)
        if not self._scripts.run("mark_sending", claim.record.id, claim.lease, text):
            raise _lease_lost(claim)

    def advance(
        self, claim: Claim, transition: Transition, attempt: Attempt | None, lasts: float = 0.0
    ) -> UpdateResult:
        """Record an attempt and the state that follows; `lasts`: seconds of lease if still running.

        Raises LeaseLostError: then nothing was changed.
        """
        update = ClaimUpdate(claim, transition, attempt, lasts)
        found = self.report_and_claim(ClaimRequest([update]))
        if found.invalid:
            raise ScriptError(f"a note on {claim.record.id}, or it itself, cannot be worked with")
        (result,) = found.results
        if result is None:
            raise _lease_lost(claim)
        return result

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Record updates, then claim records, in one round trip.

        The same request again gets the same answer.
        """
        settings = {
            "patience": ms(SHORT_WAIT),
            "longest": ms(LONGEST_WAIT),
            "gives_up": self._gives_up,
            "late_window": self._late_window,
        }
        answer = self._scripts.run("report_and_claim", request_of(request, settings))
        return claim_result_of(answer, request.leases)

    def turns(self, limit: int) -> TurnList:
        """Return records whose turn it is, by their pace, for the caller to claim at once."""
        wait, *found = self._scripts.run("turns", limit, ms(SHORT_WAIT))
        return TurnList(dues(found), int(wait) / 1000 if wait else None)

    def renew_leases(self, worker: str, lasts: float, claims: Sequence[Claim]) -> Sequence[str]:
        """Renew leases for `lasts` seconds, and with them the worker; return those that are over.

        An empty name renews no worker.
        """
        lost: list[str] = []
        for start in range(0, max(len(claims), 1), CHUNK):
            some = claims[start : start + CHUNK]
            leases = [text for each in some for text in (each.record.id, each.lease, each.token)]
            lost += self._scripts.run("renew_leases", worker, ms(lasts), *leases)
        return lost

    def unpark(self, limit: int, school: str) -> Sequence[ReadyRecord]:
        """Take parked records of a school out, for the caller to claim at once."""
        return dues(self._scripts.run("unpark", limit, school)[1:])

    def unpark_some(
        self, limit: int, of_each: int, cursor: str = "0"
    ) -> tuple[Sequence[ReadyRecord], str]:
        """Take parked records out: `of_each` of a school that is open, one of another, as a probe.

        Looks at about a hundred schools from `cursor` on; also returns the next cursor, "0" at the
        end.
        """
        next_cursor, *found = self._scripts.run("unpark", limit, "", of_each, cursor)
        return dues(found), str(next_cursor)

    def release(self, limit: int) -> tuple[Sequence[ReadyRecord], bool]:
        """Tell up to `limit` followers (500 at most) that what they waited for has settled.

        Only what had too many followers leaves any. Returns the records that are ready now, and
        whether there are more followers to tell.
        """
        more, *found = self._scripts.run("release", limit)
        return dues(found), bool(more)

    def requeue_due(self, limit: int, *, orphans: bool) -> Sequence[ReadyRecord]:
        """Return records that need a message now; with `orphans`, those of silent workers too."""
        more = (DEATHS, _KINDS, self._late_window, self._gives_up)
        return dues(self._scripts.run("requeue_due", limit, flag(orphans), *more))

    def requeue_lost(
        self, limit: int, slack: float, *, empty: Collection[Priority]
    ) -> Sequence[ReadyRecord]:
        """Return queued records that lost their message, at least `slack` seconds ago.

        `limit`: of each priority; `empty`: priorities of which no message waits.
        """
        priorities = (text for each in Priority for text in (each.value, flag(each in empty)))
        return dues(self._scripts.run("requeue_lost", limit, ms(slack), *priorities))

    def acquire_lock(self, what: str, who: str, seconds: float) -> bool:
        """Take or renew a lock; return whether `who` has it now."""
        return bool(self._scripts.run("acquire_lock", what, who, ms(seconds)) == who)

    def holder(self, what: str) -> str | None:
        """Return who has a lock; None: nobody."""
        return str(self._scripts.run("acquire_lock", what, "", 0)) or None

    def set_paces(self, paces: Mapping[str, float]) -> None:
        """Set the least ms between two requests, by "SCHOOL OPERATION" or "SCHOOL"."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline()
            pipeline.delete(self._keys.paces)
            for what, interval in paces.items():
                pipeline.hset(self._keys.paces, what, f"{interval:.6f}")
            pipeline.execute()

    def pause(self, school: str, why: str) -> bool:
        """Let a school's records wait until `resume`; return False if a person had paused it."""
        return bool(self._scripts.run("school_gate", school, "pause", clean(why)))

    def resume(self, school: str) -> bool:
        """Open a school, whatever closed it; return False if it was open."""
        return bool(self._scripts.run("school_gate", school, "resume", ""))

    def cancel(self, record_id: str) -> tuple[State, Sequence[ReadyRecord]]:
        """Cancel a record; return its state now, and the records that are ready because of that.

        A running record is cancelled when its attempt ends, unless that settles it. Raises
        NotFoundError.
        """
        state, *released = self._scripts.run("cancel", record_id)
        if state == "missing":
            raise no_record(record_id)
        return State(state), dues(released)

    def resolve(
        self, record_id: str, state: State, why: str, who: str, result: str = ""
    ) -> State | None:
        """Settle an uncertain record as succeeded or failed; `result` is JSON, or "".

        Returns the state in which it was: unless that is uncertain, nothing was changed. None: its
        followers are still being told that it is uncertain. Writes to the audit trail. Raises
        NotFoundError.
        """
        was = self._scripts.run("resolve", record_id, state.value, result, clean(why), clean(who))
        if was == "missing":
            raise no_record(record_id)
        return None if was == "telling" else State(was)


#: Why a submission is refused; {} is the id of another record.
_REFUSALS = {
    "conflict": "the dedup key is that of {}, which asks for something else",
    "unknown": "waits for {}, which is no record",
}


def refusal(chunk: Sequence[Submission], found: Sequence[Any]) -> SubmitRefusedError:
    """Return the error for a chunk of which submit.lua recorded nothing."""
    kind, position, other, *pairs = found
    fault = FieldError(str(position), _REFUSALS[kind].format(other), kind)
    return SubmitRefusedError(position, fault, owners_in(chunk, pairs))


def _lease_lost(claim: Claim) -> LeaseLostError:
    return LeaseLostError(f"another worker has {claim.record.id} now")


def chunks(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """Divide submissions into chunks for one script call each."""
    chunk: list[Submission] = []
    weight = awaited = 0
    for submission in submissions:
        chunk.append(submission)
        weight += sum(map(len, submission.contents.values()))
        awaited += len(submission.after)
        if len(chunk) == CHUNK or weight >= HEAVIEST or awaited >= AWAITED:
            yield chunk
            chunk, weight, awaited = [], 0, 0
    if chunk:
        yield chunk
