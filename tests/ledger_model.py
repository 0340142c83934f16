"""A ledger and what should have become of it: who may say what, who may start, who has to fail."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.crash import forgetting
from tests.ledger_books import UNSETTLED, WELL, Books
from tests.unit.clock import Clock
from worker.broker.messages import IDS, mailbox
from worker.classin.verdicts import Verdict
from worker.errors import InvalidInputError, LeaseLostError
from worker.keyring import KeyRing
from worker.ledger.pruner import Pruner, Retention
from worker.ledger.record import Attempt, Priority, Record, Submission
from worker.ledger.redis_client import keys_of
from worker.ledger.states import EDGES, State
from worker.ledger.store import SHORT_WAIT, RedisLedger
from worker.ledger.types import (
    Capacity,
    Claim,
    ClaimRequest,
    ClaimUpdate,
    ReadyRecord,
    SchoolSignal,
    SubmitResult,
    Transition,
    UpdateResult,
)

LEASE = 10.0
SLACK = 60.0
#: Seconds for which a lane waits after a request that may still be carried out.
WINDOW = 20.0
#: Ms after which the ledger notes the clock again.
NOTED_AFTER = 100
WORKERS = ("w1", "w2", "w3")
SCHOOLS = ("main", "other")

#: What changes of settled records: when they are tried again, and when a person decides.
_OF_TRIES = {"retried_by", "retry_ended"}
_OF_DECISIONS = {"state", "reason", "decided", "finished_at"}

#: Records as Redis has them, by id.
Records = Mapping[str, Mapping[str, str]]

#: Who has a school's dedup key, and what it asks for.
_Keys = dict[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True)
class Wish:
    """What somebody wants to submit; `after` are numbers of records that are known by then."""

    lane: str | None = None
    after: tuple[int, ...] = ()
    key: str | None = None
    stops: bool = False
    school: str = SCHOOLS[0]
    operation: str = "create_folder"
    batch: str | None = None
    priority: Priority = Priority.NORMAL
    #: The number of a record that it tries again, if that is settled; whether it has looked lately.
    retry: int | None = None
    looked: bool = True
    #: Whether it is refused from the beginning.
    refused: bool = False


@dataclass
class LedgerTime:
    """The ledger's own time, as it should be by a clock that may go back (ms)."""

    clock: Clock
    #: What the clock said when it was noted last, and by how much the ledger is ahead of it.
    noted: int | None = None
    ahead: int = 0

    def millis(self) -> int:
        """Say what the clock says, to a script that then meets whatever step there was."""
        passed = self.clock.ms - (self.clock.ms if self.noted is None else self.noted)
        self.ahead += max(0, -passed)
        if self.noted is None or passed < 0 or passed >= NOTED_AFTER:
            self.noted = self.clock.ms
        return self.clock.ms

    def now(self) -> int:
        """Say what the ledger's time is."""
        return self.clock.ms + self.ahead


class LedgerModel:
    """Does things to a ledger, and compares what comes of them with what should.

    After each step `check` compares all keys with the records, and the records with those before.
    """

    def __init__(self, redis: Redis) -> None:
        redis.flushdb()
        self.redis, self.keys = redis, keys_of(redis)
        self.clock = Clock()
        self.time = LedgerTime(self.clock)
        self.keyring = KeyRing.in_memory()
        self.ledger = RedisLedger(redis, self.time.millis, late_window=WINDOW, keyring=self.keyring)
        #: Messages on the queue, in order.
        self.messages: list[str] = []
        #: Every claim that anybody was given.
        self.claims: list[Claim] = []
        #: The records as the last check found them.
        self.before: Records = {}
        self._made = 0
        self._last_call: list[Submission] = []
        #: Who has a dedup key, and what it asks for.
        self._keys: _Keys = {}
        #: Of the last call, who stands for whom.
        self._owned: dict[str, str] = {}
        #: The claims that each worker knows of.
        self._hands: dict[str, list[Claim]] = {worker: [] for worker in WORKERS}
        #: The one claim of each record that counts; those among them that Redis forgot.
        self._holders: dict[str, Claim] = {}
        self._forgotten: set[str] = set()
        #: By lane: of which record a request may still be carried out, and since when (ms).
        self._late: dict[str, tuple[str, int]] = {}
        #: Those whose lane was stopped before them.
        self._doomed: set[str] = set()
        #: How those ended that were pruned; what a person has decided.
        self._ended: dict[str, str] = {}
        self._decided: set[str] = set()

    def submit(self, wishes: Sequence[Wish], *, mailed: bool = False) -> None:
        """Hand some in, together: all are recorded, or none; the ledger may send messages."""
        call = self._call(wishes)
        box = mailbox(self.keys.prefix) if mailed else None
        if (owners := self._owners(call)) is None:
            with pytest.raises(InvalidInputError):
                self.ledger.submit(call, box)
            return
        (self._keys, self._owned), self._last_call = owners, call
        entered = self.ledger.submit(call, box)
        assert not (mailed and any(each.ready for each in entered))
        self._entered(entered)
        self.messages += self._mailed()

    def _queue_lists(self) -> list[str]:
        return [name for name, _ in mailbox(self.keys.prefix).lists.values()]

    def _mailed(self) -> list[str]:
        """Take what the ledger has put on the queue, in order."""
        found: list[str] = []
        for name in self._queue_lists():
            while text := self.redis.rpop(name):
                headers = json.loads(str(text))["headers"]
                found += headers.get(IDS, [headers["id"]])
        return found

    def submit_again(self) -> None:
        """The answer was lost: nothing is recorded twice, unless it was pruned since."""
        named = {each for entry in self._last_call for each in (entry.id, *entry.after)}
        if not named.isdisjoint(self._ended):
            return
        owners = self._owners(self._last_call)
        assert owners is not None
        self._owned = owners[1]
        entered = self.ledger.submit(self._last_call)
        assert not any(each.new for each in entered)
        self._entered(entered)

    def deliver(self, record_id: str, worker: str, full: Sequence[str] = ()) -> Claim | None:
        """Bring a record to a worker; who starts is the first of its lane, and waits for nobody."""
        claim = self._claim(record_id, worker, full)
        if claim is None:
            return None
        self._granted(claim, self.before)
        return claim

    def exchange(
        self, worker: str, said: Sequence[tuple[Claim, Transition]], asked: Sequence[str], room: int
    ) -> None:
        """Say several things and take several records in one call, whose first answer is lost."""
        mine = {
            claim.record.id: (claim, standing)
            for claim, standing in said
            if claim.record.id not in self._ended
        }
        leases = {each: f"lease {len(self.claims)} {each}" for each in asked if each not in mine}
        earlier = self.ledger.find_all(list(mine))
        notes = [
            ClaimUpdate(claim, standing, self._attempt(record, standing))
            for (claim, standing), record in zip(mine.values(), earlier, strict=True)
        ]
        limits = Capacity(room, suspects=1)
        first = self.ledger.report_and_claim(ClaimRequest(notes, leases, worker, LEASE, limits))
        again = self.ledger.report_and_claim(ClaimRequest(notes, leases, worker, LEASE, limits))
        assert {claim.lease for claim in first.claims} <= {claim.lease for claim in again.claims}
        assert sum(claim.record.lost_workers > 0 for claim in again.claims) <= 1
        for note, record, advanced in zip(notes, earlier, first.results, strict=True):
            assert (advanced is not None) >= self._counts(note.claim)
            if self._counts(note.claim) and advanced is not None:
                self._noted(note, record, advanced)
            else:
                assert self.ledger.find(record.id) == record
        self.sent([due for each in again.results if each for due in each.released])
        records = Books.read(self.redis).records
        for claim in again.claims:
            self.claims.append(claim)
            self._hands[worker].append(claim)
            self._granted(claim, records)

    def _granted(self, claim: Claim, records: Records) -> None:
        """See that a claim was due: it counts from now on."""
        self._holders[claim.record.id] = claim
        assert claim.record.id not in self._doomed
        place, lane = claim.record.sequence, claim.record.lane
        sender, since = self._late.get(lane or "", (claim.record.id, 0))
        assert claim.record.id == sender or self.time.now() >= since + WINDOW * 1000
        for other, values in records.items():
            ahead = (
                lane is not None and values.get("lane") == lane and int(values["sequence"]) < place
            )
            assert not ahead or values["state"] not in UNSETTLED
            assert other not in claim.record.after or values["state"] in WELL

    def deliver_and_crash(self, record_id: str, worker: str) -> None:
        """Redis forgets the claim, the worker does not; not twice in a row."""
        if record_id in self._holders:
            return
        before = replace(self.time)
        with forgetting(self.redis):
            claim = self._claim(record_id, worker)
        self.time.noted, self.time.ahead = before.noted, before.ahead
        if claim is not None:
            self._holders[record_id] = claim
            self._forgotten.add(claim.lease)

    def announce(self, claim: Claim) -> None:
        """Let a request be about to go out."""
        if self._counts(claim) and claim.lease not in self._forgotten:
            self.ledger.mark_sending(claim)
        else:
            with pytest.raises(LeaseLostError):
                self.ledger.mark_sending(claim)

    def say(self, claim: Claim, standing: Transition) -> None:
        """Tell what came of an attempt; who has no right to changes nothing."""
        if claim.record.id in self._ended:
            with pytest.raises(LeaseLostError):
                self.ledger.advance(claim, standing, None, LEASE)
            return
        record = self.ledger.find(claim.record.id)
        attempt = self._attempt(record, standing)
        if not self._counts(claim):
            with suppress(LeaseLostError):
                assert self.ledger.advance(claim, standing, attempt, LEASE).released == []
            assert self.ledger.find(record.id) == record
            return
        advanced = self.ledger.advance(claim, standing, attempt, LEASE)
        self._noted(ClaimUpdate(claim, standing, attempt), record, advanced)

    def _attempt(self, record: Record, standing: Transition) -> Attempt:
        number = len(record.attempts) + 1
        return Attempt(number, self.clock.ms, 5, 200, standing.code, "", Verdict.RETRY)

    def _noted(self, note: ClaimUpdate, record: Record, advanced: UpdateResult) -> None:
        """See what a note that counts has made of a record."""
        standing = note.transition
        if standing.late and record.lane is not None:
            self._late[record.lane] = (record.id, self.time.now())
        found = self.ledger.find(record.id)
        self._forgotten.discard(note.claim.lease)
        self.sent(advanced.released)
        assert found.state is advanced.state
        assert found.attempts == (*record.attempts, note.attempt)
        barred = standing.access is SchoolSignal.LOCKED_OUT and found.state is State.FAILED
        cancelled = "cancel" in self.before.get(record.id, ()) and not standing.state.settled
        slow = standing.state is State.RUNNING and found.state is State.DEFERRED and found.paced
        assert found.state is (State.CANCELLED if cancelled else standing.state) or barred or slow
        if found.state is not State.RUNNING:
            del self._holders[record.id]

    def beat(self, worker: str) -> None:
        """A worker renews what it has in hand, and learns what it has lost."""
        hand = self._hands[worker]
        lost = self.ledger.renew_leases(worker, LEASE, hand)
        kept = [claim for claim in hand if self._counts(claim)]
        assert {claim.lease for claim in kept}.isdisjoint(lost)
        self._forgotten -= {claim.lease for claim in kept}
        self._hands[worker] = kept

    def die(self, worker: str) -> None:
        """A worker forgets all it had."""
        self._hands[worker] = []

    def rescue(self, limit: int, *, orphans: bool) -> None:
        """Bring back what is due, and tell who waited."""
        self.sent(self.ledger.requeue_due(limit, orphans=orphans))
        self.sent(self.ledger.release(limit)[0])
        self.sent(self.ledger.unpark_some(limit, limit)[0])

    def look_for_lost_messages(self) -> None:
        """What is found was queued for a while."""
        queued = Books.read(self.redis).starting("queued:")
        sent = {name: at for ids in queued.values() for name, at in ids.items()}
        waiting = {each.priority for each in self.ledger.find_all(self.messages)}
        found = self.ledger.requeue_lost(5, SLACK, empty={*Priority} - waiting)
        assert all(sent[due.id] <= self.time.now() - SLACK * 1000 for due in found)
        self.sent(found)

    def take_what_was_put_aside(self, worker: str) -> None:
        """Without a message."""
        for due in self.ledger.unpark(1, SCHOOLS[0]):
            self.deliver(due.id, worker)

    def take_turns(self, worker: str) -> None:
        """Those whose turn it is by their pace, without a message."""
        for due in self.ledger.turns(2).ready:
            self.deliver(due.id, worker)

    def cancel(self, record_id: str) -> None:
        """Call a record off, in whatever state."""
        was = State(self.before[record_id]["state"])
        state, released = self.ledger.cancel(record_id)
        assert state is (was if was.settled or was is State.RUNNING else State.CANCELLED)
        self.sent(released)

    def decide(self, record_id: str, state: State) -> None:
        """A person says what became of a record; only what is uncertain can be decided."""
        was = State(self.before[record_id]["state"])
        telling = self.redis.exists(self.keys.followers(record_id))
        found = self.ledger.resolve(record_id, state, "it was seen", "ada")
        if was is State.UNCERTAIN and telling:
            assert found is None
            return
        assert found is was
        if was is State.UNCERTAIN:
            self._decided.add(record_id)
            assert self.ledger.find(record_id).state is state

    def prune(self, ages: Retention) -> None:
        """Who settled so long ago goes, unless somebody who is not settled needs it."""
        needed: set[str] = set()
        for values in self.before.values():
            if values["state"] in UNSETTLED:
                needed.update(json.loads(values.get("after", "[]")))
                origin = values.get("retry_of")
                while origin:
                    needed.add(origin)
                    origin = self.before.get(origin, {}).get("retry_of")
        before = {state: self.clock.ms - round(ages.of(state) * 1000) for state in State}
        expected = {
            record_id: values["state"]
            for record_id, values in self.before.items()
            if values["state"] not in UNSETTLED
            if int(values["finished_at"]) < before[State(values["state"])]
            if int(values["sequence"]) < before[State(values["state"])] * 1000
            if record_id not in needed
            if not self.redis.exists(self.keys.followers(record_id))
        }
        pruned = Pruner(self.redis, self.keyring, self.time.millis).run(
            ages, self.clock.ms, who="ada"
        )
        assert pruned.records == Counter(map(State, expected.values()))
        self._ended |= expected

    def sent(self, due: Sequence[ReadyRecord]) -> None:
        """Put messages on the queue."""
        self.messages += [each.id for each in due]

    def check(self) -> None:
        """See that the books are right, and that each record came a way that it may go."""
        books = Books.read(self.redis)
        # No key lies outside: each has the prefix, or is the queue that is named so.
        names = {str(name) for name in self.redis.scan_iter(count=1000)}
        assert names <= {*map(f"{self.keys.prefix}:{{}}".format, books.of), *self._queue_lists()}
        books.check()
        self._check_clock(books)
        records = books.records
        assert self.before.keys() - records.keys() <= self._ended.keys()
        assert records.keys().isdisjoint(self._ended)
        for record_id, values in records.items():
            self._check_way(record_id, values)
            self._check_holder(record_id, values)
        # Where the clock is set back before it was noted, a lane's wait gets no longer by that.
        now = self.time.now()
        self._late = {lane: (who, min(at, now)) for lane, (who, at) in self._late.items()}
        self._doom(records)
        self._check_doomed(records)
        self._check_keys(books)
        self.before = records

    def _check_clock(self, books: Books) -> None:
        """The ledger's time is ahead of a clock that went back, and of no other."""
        noted = books.get("clock")
        assert int(noted.get("offset", 0)) == self.time.ahead
        assert noted.get("seen", "") == ("" if self.time.noted is None else str(self.time.noted))

    def _check_keys(self, books: Books) -> None:
        """Who has a dedup key has it, though the record be pruned."""
        assert {key: has for key, has in self._keys.items() if has[0] not in self._ended} == {
            (each["school"], each["dedup_key"]): (record_id, each["operation"])
            for record_id, each in books.records.items()
            if "dedup_key" in each
        }
        assert books.starting("pruned:") == {
            record_id: self._ended[record_id]
            for record_id, _ in self._keys.values()
            if record_id in self._ended
        }

    def is_unsettled(self) -> bool:
        """Whether anything is left to do."""
        return any(each["state"] in UNSETTLED for each in self.before.values())

    def _call(self, wishes: Sequence[Wish]) -> list[Submission]:
        call: list[Submission] = []
        for wish in wishes:
            self._made += 1
            known = [*self.before, *(each.id for each in call)]
            after = {known[number] for number in wish.after if number < len(known)}
            submission = Submission(
                id=f"r{self._made}",
                operation=wish.operation,
                school=wish.school,
                fields={},
                lane=wish.lane,
                batch=wish.batch,
                after=tuple(sorted(after)),
                stops_lane=wish.stops,
                priority=wish.priority,
                dedup_key=wish.key,
                retry_of=(origin := self._settled(wish.retry)),
                last_retry=self._last_retry(origin) if wish.looked else None,
                refused="its fields do not pass" if wish.refused else "",
                contents={"Filedata": b"x"} if wish.stops else {},
            )
            call.append(submission)
        return call

    def _settled(self, number: int | None) -> str | None:
        """Name a settled record."""
        settled = [each for each in self.before if self._was(each) not in UNSETTLED]
        return settled[number % len(settled)] if settled and number is not None else None

    def _last_retry(self, record_id: str | None) -> str | None:
        return self.before.get(record_id or "", {}).get("retried_by")

    def _owners(self, call: Sequence[Submission]) -> tuple[_Keys, dict[str, str]] | None:
        """Who has which key after a call, and who stands for whom; None if it is to be refused."""
        given, owners, lasts = dict(self._keys), dict[str, str](), dict[str, str]()
        for each in call:
            key = (each.school, each.dedup_key or "")
            owner, asked = each.id, each.operation
            if each.dedup_key is not None and key in given:
                owner, asked = given[key]
            elif each.retry_of is not None and each.id not in self.before:
                owner = self._retrier(each, each.retry_of, lasts)
            if asked != each.operation or not {*self.before, *owners.values()}.issuperset(
                each.after
            ):
                return None
            if owner == each.id and each.dedup_key is not None:
                given[key] = owner, asked
            owners[each.id] = owner
        return given, owners

    def _retrier(self, each: Submission, origin: str, lasts: dict[str, str]) -> str:
        """Say who tries a record again; `lasts`: who does so since the call began."""
        last = lasts.get(origin) or self._last_retry(origin)
        if self._was(origin) == "succeeded":
            return origin
        if last != each.last_retry:
            return last or origin
        lasts[origin] = each.id
        return each.id

    def _entered(self, entered: Sequence[SubmitResult]) -> None:
        for submission, each in zip(self._last_call, entered, strict=True):
            assert each.id == self._owned[submission.id]
            assert not each.new or each.id == submission.id
        self.messages += [each.id for each in entered if each.ready]

    def _claim(self, record_id: str, worker: str, full: Sequence[str] = ()) -> Claim | None:
        if record_id in self._ended:
            return None
        claim = try_claim(self.ledger, record_id, f"lease {len(self.claims)}", worker, LEASE, full)
        if claim is not None:
            assert claim.wait <= SHORT_WAIT
            self.claims.append(claim)
            self._hands[worker].append(claim)
        return claim

    def _counts(self, claim: Claim) -> bool:
        return self._holders.get(claim.record.id) is claim

    def _check_way(self, record_id: str, values: Mapping[str, str]) -> None:
        state = State(values["state"])
        if (earlier := self.before.get(record_id)) is None:
            assert state in {State.QUEUED, State.BLOCKED, State.FAILED}
            return
        was = State(earlier["state"])
        ways = {was, *EDGES[was]}
        if was is State.BLOCKED:  # released and claimed in one call
            ways |= EDGES[State.QUEUED]
        if State.RUNNING in ways:  # through it, where a claim was forgotten or made and used
            ways |= EDGES[State.RUNNING]
        assert state in ways
        assert earlier["sequence"] == values["sequence"]
        if was.settled:
            changing = _OF_TRIES if state is was else {*_OF_TRIES, *_OF_DECISIONS}
            assert state is was or record_id in self._decided
            assert _without(earlier, changing) == _without(values, changing)

    def _check_holder(self, record_id: str, values: Mapping[str, str]) -> None:
        """One claim at most would be listened to, and we know which."""
        running, waiting = values["state"] == "running", values["state"] in {"queued", "deferred"}
        holder = self._holders.get(record_id)
        if holder and not running and not (waiting and holder.lease in self._forgotten):
            del self._holders[record_id]
        counting = [
            claim
            for claim in self.claims
            if claim.record.id == record_id
            and (
                (running and claim.lease == values["lease"])
                or (waiting and int(values.get("claims", 0)) < claim.token)
            )
        ]
        assert counting == [claim for claim in counting if self._counts(claim)]
        assert len(counting) == (record_id in self._holders)

    def _doom(self, records: Records) -> None:
        """Find those whose lane stops before them."""
        for record_id, values in records.items():
            if "stops_lane" not in values or values["state"] in UNSETTLED | WELL:
                continue
            if self._was(record_id) in UNSETTLED:
                self._doomed |= {
                    other
                    for other, theirs in records.items()
                    if "lane" in values
                    and theirs.get("lane") == values["lane"]
                    and int(theirs["sequence"]) > int(values["sequence"])
                    and self._was(other) in UNSETTLED
                }

    def _was(self, record_id: str) -> str:
        return self.before.get(record_id, {}).get("state", "queued")

    def _check_doomed(self, records: Records) -> None:
        """Who is to fail because of others does not start, and nobody else fails so."""
        for record_id, values in records.items():
            if self._was(record_id) not in UNSETTLED:
                continue  # that was looked at when it settled
            after = json.loads(values.get("after", "[]"))
            let_down = any(records[each]["state"] not in UNSETTLED | WELL for each in after)
            if record_id in self._doomed or let_down:
                assert values["state"] in {"blocked", "failed", "cancelled"}
            elif values.get("reason") == "dependency":
                raise AssertionError(f"{record_id} failed because of nobody")


def _without(values: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in names}
