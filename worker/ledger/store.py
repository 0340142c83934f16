"""The ledger in Redis: one Lua script for each change; reading.py has the rest."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from redis import Redis
from redis.commands.core import Script

from worker.classin.index import INDEX, UNANNOUNCED
from worker.errors import (
    FieldError,
    LeaseLostError,
    ScriptError,
    SubmitRefusedError,
)
from worker.keyring import NO_KEYS, KeyRing
from worker.ledger import keys
from worker.ledger.asides import RedisAsides
from worker.ledger.batches import RedisBatches
from worker.ledger.codec import (
    arguments_of,
    dues,
    dump,
    entered_of,
    flag,
    ms,
    owners_in,
)
from worker.ledger.exchanging import exchanged_of, request_of
from worker.ledger.reader import no_record
from worker.ledger.record import Attempt, Priority, Submission, clean
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.scripts import load_script
from worker.ledger.states import State
from worker.ledger.types import (
    Capacity,
    Claim,
    ClaimUpdate,
    Exchanged,
    InlineQueue,
    ReadyRecord,
    SubmitResult,
    Transition,
    Turns,
    UpdateResult,
)
from worker.ledger.write_check import running

#: Records that one script call takes in, or renews the leases of.
CHUNK = 500

#: Records that those of one call wait for, all together, after which it takes in no further one.
AWAITED = 5000

#: Bytes of files after which a script call takes in no further record.
HEAVIEST = 8 * 1024 * 1024

#: Seconds that a worker waits for the pace at most, before a first request and between attempts;
#: what would have to wait longer is put off until its turn.
SHORT_WAIT, LONGEST_WAIT = 0.25, 2.0

#: Newer records, of whom no pruner knows whom they need, that one call looks at.
NEWER = 1000

#: Records of each index that one call asks whom they need.
NEEDY = 250

#: Seconds that a record waits for its turn, unless somebody says otherwise.
GIVE_UP_AFTER = 86400.0

#: A record whose workers fell silent so often is what kills them.
DEATHS = 3

#: What requeue_due.lua has to know of operations: most announce each request (mark_sending).
_KINDS = dump(
    {name: "read_only" for name, brief in INDEX.items() if brief.idempotency == "read_only"}
    | dict.fromkeys(UNANNOUNCED, "silent")
)


class RedisLedger(RedisBatches, RedisAsides):
    """A Ledger in one Redis database. `clock` gives ms since 1970; None: Redis's own time.

    `late_window`: seconds for which the next of a lane waits after an attempt that may still be
    carried out; `give_up_after`: seconds that a record waits for its turn, by its pace. Only who
    claims and rescues needs them.
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
        self._clock = clock
        self._late_window = ms(late_window)
        self._gives_up = ms(give_up_after)
        #: By name, as soon as they are needed.
        self._scripts: dict[str, Script] = {}

    def submit(
        self, submissions: Sequence[Submission], mailbox: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record new operations, a chunk in one step; see Ledger."""
        entered: list[SubmitResult] = []
        box = "" if mailbox is None else dump(mailbox._asdict())
        for chunk in chunks(submissions):
            found = self._run("submit", box, *arguments_of(chunk, self._keyring))
            if found[0] in _REFUSALS:
                raise refusal(len(entered), chunk, found)
            entered += entered_of(chunk, found)
        return entered

    def claim(
        self, record_id: str, lease: str, worker: str, lasts: float, full: Iterable[str] = ()
    ) -> Claim | None:
        """Take the lease on a record; see Ledger."""
        room = Capacity(of=dict.fromkeys(full, 0))
        exchanged = self.report_and_claim([], {record_id: lease}, worker, lasts, room)
        if exchanged.missing:
            raise no_record(record_id)
        return exchanged.claims[0] if exchanged.claims else None

    def mark_sending(self, claim: Claim, fields: Mapping[str, Any] | None = None) -> None:
        """Note that a request is about to be sent; see Ledger."""
        text = "" if fields is None else dump(fields)
        if not self._run("mark_sending", claim.record.id, claim.lease, text):
            raise _lease_lost(claim)

    def advance(
        self, claim: Claim, standing: Transition, attempt: Attempt | None, lasts: float = 0.0
    ) -> UpdateResult:
        """Note an attempt and move the record; see Ledger."""
        notes = [ClaimUpdate(claim, standing, attempt, lasts)]
        found = self.report_and_claim(notes, {}, "", 0, Capacity())
        if found.unsound:
            raise ScriptError(f"a note on {claim.record.id}, or it itself, cannot be worked with")
        (noted,) = found.noted
        if noted is None:
            raise _lease_lost(claim)
        return noted

    def report_and_claim(
        self,
        notes: Sequence[ClaimUpdate],
        asked: Mapping[str, str],
        worker: str,
        lasts: float,
        room: Capacity,
        messageless: Collection[str] = (),
    ) -> Exchanged:
        """Write down notes, then claim, in one script; see Ledger."""
        about: dict[str, Any] = {
            "worker": worker,
            "lasts": ms(lasts),
            "patience": ms(SHORT_WAIT),
            "longest": ms(LONGEST_WAIT),
            "gives_up": self._gives_up,
            "late_window": self._late_window,
        }
        text = request_of(notes, asked, room, messageless, about)
        return exchanged_of(self._run("report_and_claim", text), asked)

    def turns(self, limit: int) -> Turns:
        """Give those whose turn it is; see Ledger."""
        wait, *found = self._run("turns", limit, ms(SHORT_WAIT))
        return Turns(dues(found), int(wait) / 1000 if wait else None)

    def renew_leases(self, worker: str, lasts: float, in_hand: Sequence[Claim]) -> Sequence[str]:
        """Renew what a worker has in hand; see Ledger."""
        lost: list[str] = []
        for start in range(0, max(len(in_hand), 1), CHUNK):
            some = in_hand[start : start + CHUNK]
            leases = [text for each in some for text in (each.record.id, each.lease, each.token)]
            lost += self._run("renew_leases", worker, ms(lasts), *leases)
        return lost

    def unpark(self, limit: int, school: str) -> Sequence[ReadyRecord]:
        """Give a school's parked records back; see Ledger."""
        return dues(self._run("unpark", limit, school)[1:])

    def unpark_some(
        self, limit: int, of_each: int, cursor: str = "0"
    ) -> tuple[Sequence[ReadyRecord], str]:
        """Give parked records of some schools back; see Ledger."""
        next_cursor, *found = self._run("unpark", limit, "", of_each, cursor)
        return dues(found), str(next_cursor)

    def release(self, limit: int) -> tuple[Sequence[ReadyRecord], bool]:
        """Tell some of those who waited; see Ledger."""
        more, *found = self._run("release", limit)
        return dues(found), bool(more)

    def requeue_due(self, limit: int, *, orphans: bool) -> Sequence[ReadyRecord]:
        """Give what must be carried to a worker; see Ledger."""
        more = (DEATHS, _KINDS, self._late_window, self._gives_up)
        return dues(self._run("requeue_due", limit, flag(orphans), *more))

    def requeue_lost(
        self, limit: int, slack: float, *, empty: Collection[Priority]
    ) -> Sequence[ReadyRecord]:
        """Give what is queued without a message; see Ledger."""
        priorities = (text for each in Priority for text in (each.value, flag(each in empty)))
        return dues(self._run("requeue_lost", limit, ms(slack), *priorities))

    def acquire_lock(self, what: str, who: str, seconds: float) -> bool:
        """Take, or renew, the sole right to something; see Ledger."""
        return bool(self._run("acquire_lock", what, who, ms(seconds)) == who)

    def holder(self, what: str) -> str | None:
        """Say who has the sole right to something now; see Ledger."""
        return str(self._run("acquire_lock", what, "", 0)) or None

    def set_paces(self, paces: Mapping[str, float]) -> None:
        """Say how far apart requests must be; see Ledger."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline()
            pipeline.delete(keys.PACES)
            for what, interval in paces.items():
                pipeline.hset(keys.PACES, what, f"{interval:.6f}")
            pipeline.execute()

    def pause(self, school: str, why: str) -> bool:
        """Let a school's operations wait; see Ledger."""
        return bool(self._run("school_gate", school, "pause", clean(why)))

    def resume(self, school: str) -> bool:
        """Open a school; see Ledger."""
        return bool(self._run("school_gate", school, "resume", ""))

    def cancel(self, record_id: str) -> tuple[State, Sequence[ReadyRecord]]:
        """Call a record off; see Ledger."""
        state, *released = self._run("cancel", record_id)
        if state == "missing":
            raise no_record(record_id)
        return State(state), dues(released)

    def resolve(
        self, record_id: str, state: State, why: str, who: str, result: str = ""
    ) -> State | None:
        """Decide an uncertain record; see Ledger."""
        was = self._run("resolve", record_id, state.value, result, clean(why), clean(who))
        if was == "missing":
            raise no_record(record_id)
        return None if was == "telling" else State(was)

    def note(
        self, who: str, what: str, about: str, why: str, parts: Sequence[Sequence[str]]
    ) -> None:
        """Write into the audit trail: an entry for each part of the ids."""
        ids = (dump(list(part)) for part in parts)
        self._run("note", *map(clean, (who, what, about, why)), *ids)

    def needs(self, indexes: Sequence[str], behind: int) -> tuple[Sequence[str], int | None]:
        """Say whom the next records of these indexes may need, behind a place.

        Gives behind which place to go on, too; None: nowhere.
        """
        last, *needed = self._run("dependencies", behind, NEEDY, *indexes)
        return needed, int(last) if last else None

    def drop(
        self, state: State, before: int, known_to: int, digests: Mapping[str, str], kept: float
    ) -> int | None:
        """Take out those that settled so before (ms since 1970) and that nobody may need.

        `digests`: by id that of its dedup key, or ''; those keys stay known for `kept` seconds.
        Gives how many went; None: too much came after the place up to which the caller knows who
        needs whom, and nothing was done.
        """
        pairs = [text for each in digests.items() for text in map(clean, each)]
        lasts = max(1, round(kept))
        taken = self._run("prune", state.value, before, known_to, NEWER, lasts, *pairs)
        return None if taken < 0 else int(taken)

    def _run(self, name: str, *arguments: str | bytes | int) -> Any:  # noqa: ANN401  # as Redis answers
        now = "" if self._clock is None else self._clock()
        with running(name, self._redis):
            if name not in self._scripts:
                self._scripts[name] = load_script(self._redis, name)
            return self._scripts[name](args=(now, *arguments))


#: What keeps a submission from being taken in, with the id that it is about.
_REFUSALS = {
    "conflict": "the dedup key is that of {}, which asks for something else",
    "unknown": "waits for {}, which is no record",
}


def refusal(before: int, chunk: Sequence[Submission], found: Sequence[Any]) -> SubmitRefusedError:
    """Say why submit.lua took in none of a chunk."""
    kind, position, other, *pairs = found
    position += before
    fault = FieldError(str(position), _REFUSALS[kind].format(other), kind)
    return SubmitRefusedError(position, fault, owners_in(chunk, pairs))


def _lease_lost(claim: Claim) -> LeaseLostError:
    return LeaseLostError(f"another worker has {claim.record.id} now")


def chunks(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """Divide submissions into what one script call takes in."""
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
