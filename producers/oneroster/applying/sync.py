"""Sync: what a source says is brought into ClassIn, in rounds that outlive whoever runs them.

A round's steps are kept before the first of them is submitted, and what they achieved is written
down in one piece. So whoever comes after one that died takes it up where it stands.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from producers.intake.checked import Position
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from producers.oneroster import SOURCE
from producers.oneroster.applying.operations import Ground, Step, steps
from producers.oneroster.applying.passwords import Passwords
from producers.oneroster.applying.results import Failure, Outcome, outcome_of
from producers.oneroster.id_map import IdMap, identity_of
from producers.oneroster.planning.change_codec import change_as_json, change_from_json
from producers.oneroster.planning.change_keys import Atom, atoms
from producers.oneroster.planning.diff import (
    Change,
    Count,
    Plan,
    applied,
    apply,
    difference,
    reverse,
)
from producers.oneroster.planning.proposal import Proposal
from producers.oneroster.planning.undo import undone
from producers.oneroster.roster import Kind, Roster
from worker.classin.catalogue import read
from worker.classin.operation import Operation
from worker.config.file_access import FileAccess
from worker.errors import FieldError, InvalidInputError
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.record import Record, new_id
from worker.ledger.sync_store import Ending, Source
from worker.ledger.types import Ledger

#: So many steps are kept, submitted and judged together.
_PART = 200

#: What failed because of something else goes again by itself, so often at most.
_MOST_ROUNDS = 8

#: Seconds for which a source is one's own, renewed while one works on it.
HELD = 30.0


class Place(NamedTuple):
    """Where a sync has its memory, and for which school it is."""

    ledger: Ledger
    source: Source
    school: str


@dataclass(frozen=True, slots=True)
class Watching:
    """What somebody who waits for a sync is told."""

    #: How many operations of a round are submitted.
    submitted: Callable[[int], None]
    #: Waits until all of a batch is settled, and calls what it is given every few seconds.
    settled: Callable[[str, Callable[[], object]], None]


@dataclass(slots=True)
class _Run:
    """A sync under way."""

    id: str
    about: dict[str, Any]
    before: Roster
    roster: Roster
    directory: IdMap
    owners: dict[int, str] = field(default_factory=dict)
    failures: dict[Atom | str, Failure] = field(default_factory=dict)
    #: What the directory says now, as far as it is new.
    learnt: dict[str, str] = field(default_factory=dict)
    useless: set[str] = field(default_factory=set)
    #: Who is to be told when a round has settled.
    webhook: Webhook | None = None

    @property
    def tried(self) -> set[Atom]:
        """What is not tried again in this sync."""
        failed = self.failures.items()
        return {atom for atom, why in failed if not why.follows and not isinstance(atom, str)}


class Sync:
    """Keeps one school in step with one source."""

    def __init__(
        self,
        place: Place,
        submitter: Submitter,
        passwords: Passwords,
        watching: Watching,
        now: Callable[[], float],
    ) -> None:
        """`now` gives seconds since 1970."""
        self._ledger, self._source, self._school = place
        # Its steps lie in Redis for a while, and none of them has a file.
        self._submitter, self._passwords = submitter.limited_to(FileAccess()), passwords
        self._watching, self._now = watching, now
        self._who = new_id()

    @contextmanager
    def held(self, wait: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Have the source for oneself. Raises InvalidInputError if another sync of it runs.

        `wait` is called while somebody has it, who may be dead, and says whether to look again.
        """
        while not self._try_to_hold() and wait():
            pass
        self._hold()
        try:
            self._source.claim(self._who)
            yield
        finally:
            self._ledger.acquire_lock(self._source.hold, self._who, 0.001)

    def _hold(self) -> None:
        """Have the source for a while more. Raises InvalidInputError if somebody else has it."""
        if not self._try_to_hold():
            what = "another sync of it is at work; it ends, or is gone within half a minute"
            raise InvalidInputError("sync", [FieldError(self._source.name, what)])

    def _try_to_hold(self) -> bool:
        return self._ledger.acquire_lock(self._source.hold, self._who, HELD)

    def known(self) -> tuple[Roster, IdMap]:
        """Return the roster as last applied, and what ClassIn calls its people and courses."""
        said = self._source.snapshot()
        roster = Roster() if said is None else Roster.from_json(said)
        return roster, IdMap.read(self._source.directory())

    def undoing(self, sync: str) -> Proposal:
        """Propose the opposite of what a sync did, as far as that stands. Raises NotFoundError."""
        self._source.syncs.about(sync)
        roster, directory = self.known()
        done = map(change_from_json, self._source.syncs.changes(sync))
        wanted = undone(done, roster)
        return Proposal(difference(roster, wanted), roster, wanted, directory)

    def carry_out(
        self, proposal: Proposal, about: Mapping[str, Any], webhook: Webhook | None = None
    ) -> dict[str, Any]:
        """Bring it about, and give what is known of the sync when it has ended.

        `about` is what is to be known of it besides; `webhook`: who is told of each round's batch.
        Raises InvalidInputError, with nothing submitted,
        or UnavailableError, after which the next one takes it up.
        """
        began = self._now()
        run = self._begun(new_id(), about, began, proposal.before, proposal.directory)
        run.webhook = webhook
        run.owners = run.directory.owners(proposal.wanted.people)
        self._check(self._steps(run, proposal.plan))
        self._source.begin(run.id, round(began * 1000), run.about, self._who)
        plan = proposal.plan
        for _ in range(_MOST_ROUNDS):
            if not self._round(run, plan):
                break
            plan = difference(run.roster, proposal.wanted)
        return self._end(run, proposal.wanted)

    def resume(self) -> dict[str, Any] | None:
        """Bring the round to its end in which an earlier sync was interrupted, if one was."""
        sync = self._source.open_sync()
        if sync is None:
            return None
        roster, directory = self.known()
        done = map(change_from_json, self._source.syncs.changes(sync))
        before = applied(map(reverse, done), roster)
        run = self._begun(sync, self._source.syncs.about(sync), self._now(), before, directory)
        run.roster = roster
        run.owners = directory.owners(roster.people)
        if run.about["planned"]:
            self._submit(run)
            self._settle(run)
        return self._end(run, None)

    def _begun(
        self,
        sync: str,
        about: Mapping[str, Any],
        began: float,
        roster: Roster,
        directory: IdMap,
    ) -> _Run:
        first = {
            "id": sync,
            "source": self._source.name,
            "began_at": _moment(began),
            "state": "under way",
            "batches": [],
            "operations": 0,
            "planned": False,
        }
        return _Run(sync, {**first, **about}, roster, applied((), roster), directory)

    def _steps(self, run: _Run, plan: Plan) -> Iterator[Step]:
        prefix = f"sync:{run.id}:{len(run.about['batches'])}"
        ground = Ground(run.directory, run.roster.teachers, run.tried)
        return steps(plan, ground, prefix, self._identity)

    def _identity(self, name: str, number: int) -> str:
        return identity_of(self._source.name, name, number)

    def _check(self, planned: Iterable[Step]) -> None:
        """See that all of it can be submitted. Raises InvalidInputError."""
        for number, step in enumerate(planned, 1):
            if step.operation:
                self._submitter.check(self._line(step, self._passwords.tried(step)))
            if number % _PART == 0:
                self._hold()

    def _filled(self, step: Step) -> SubmitRequest:
        return self._line(step, self._passwords.filled(step))

    def _line(self, step: Step, fields: Mapping[str, Any]) -> SubmitRequest:
        return SubmitRequest(
            operation=step.operation,
            fields=dict(fields),
            school=self._school,
            dedup_key=step.key,
            if_exists="accept",
            after=step.after,
        )

    def _round(self, run: _Run, plan: Plan) -> bool:
        """Do what can be done by now; says whether there was anything."""
        self._source.drop_steps(run.id, self._who)
        part: list[Any] = []
        total = 0
        for step in self._steps(run, plan):
            part.append(step.as_json())
            total += 1
            if len(part) == _PART:
                self._source.keep_steps(run.id, part, self._who)
                part = []
                self._hold()
        if part:
            self._source.keep_steps(run.id, part, self._who)
        if not total:
            return False
        run.about["batches"].append(batch := new_id())
        said = BatchInfo(source=SOURCE, file=run.about.get("export"), webhook=run.webhook)
        self._ledger.open_batch(batch, said)
        self._note(run, planned=True)
        self._submit(run)
        self._settle(run)
        return True

    def _note(self, run: _Run, *, planned: bool) -> None:
        run.about["planned"] = planned
        self._source.note(run.id, run.about, self._who)

    def _submit(self, run: _Run) -> None:
        """Submit what is not submitted of a round; what is, is not doubled: it has dedup keys."""
        batch = run.about["batches"][-1]
        about = self._ledger.about(batch)
        tells = about is not None and about.webhook is not None
        done = len(self._source.records(run.id))
        for number, part in enumerate(self._source.steps(run.id)):
            if number >= done:
                records = self._submit_part(
                    batch, [Step.from_json(said) for said in part], tells=tells
                )
                self._source.keep_records(run.id, records, self._who)
                self._watching.submitted(len(records))
            self._hold()
        self._ledger.close_batch(batch)

    def _submit_part(self, batch: str, part: Sequence[Step], *, tells: bool) -> list[str]:
        """Submit some steps; gives the id of each one's record, nothing for those without."""
        asked = [step for step in part if step.operation]
        # What came in before a sync died is not asked for again: its passwords may be others now.
        ids = dict(self._ledger.named(self._school, [step.key for step in asked]))
        new = [step for step in asked if step.key not in ids]
        lines = [(Position(step.key), partial(self._filled, step)) for step in new]
        checked = self._submitter.check_all(lines, SOURCE, batch=batch)
        if checked.faults:
            raise InvalidInputError("sync", checked.faults)
        submissions = [replace(each, tells=tells) for each in checked.submissions]
        receipts = self._submitter.enter(submissions)
        ids |= {step.key: receipt.id for step, receipt in zip(new, receipts, strict=True)}
        return [ids.get(step.key, "") for step in part]

    def _settle(self, run: _Run) -> None:
        """Wait until a round is settled, and take over what it achieved."""
        total = sum(1 for part in self._source.records(run.id) for each in part if each)
        if total:
            self._watching.settled(run.about["batches"][-1], self._hold)
        known = dict(run.directory.entries())
        records = self._source.records(run.id)
        for part, ids in zip(self._source.steps(run.id), records, strict=True):
            self._judge(run, [Step.from_json(said) for said in part], ids)
            self._hold()
        run.about["operations"] += total
        run.about["planned"] = False
        now = dict(run.directory.entries())
        run.learnt = {name: text for name, text in now.items() if known.get(name) != text}
        self._source.settle(run.id, self._ending(run, goes_on=True), self._who)

    def _judge(self, run: _Run, part: Sequence[Step], ids: Sequence[str]) -> None:
        records = {each.id: each for each in self._ledger.find_all([each for each in ids if each])}
        for step, record_id in zip(part, ids, strict=True):
            if record_id and record_id not in records:
                outcome = Outcome(failures=[_lost(step, each) for each in step.effects])
            else:
                record = records.get(record_id)
                outcome = outcome_of(step, record, run.directory, run.owners, _operation_of)
            self._take(run, outcome)

    def _take(self, run: _Run, outcome: Outcome) -> None:
        for failure in outcome.failures:
            found = [failure.record] if failure.effect is None else atoms(failure.effect)
            for atom in found:
                known = run.failures.get(atom)
                if known is None or known.follows or not failure.follows:
                    run.failures[atom] = failure
        for change in outcome.achieved:
            apply(change, run.roster)
            for atom in atoms(change):
                run.failures.pop(atom, None)
        run.useless |= outcome.old_accounts

    def _ending(self, run: _Run, *, goes_on: bool) -> Ending:
        changes = difference(run.before, run.roster)
        return Ending(
            about=run.about,
            snapshot=run.roster.as_json(),
            directory=run.learnt,
            changes=[change_as_json(each) for each in changes.steps()],
            useless=sorted(run.useless),
            goes_on=goes_on,
        )

    def _end(self, run: _Run, wanted: Roster | None) -> dict[str, Any]:
        """Sum up, and let go of the source; without what was wanted, as far as it is known."""
        left = difference(run.roster, wanted).counts if wanted is not None else {}
        run.about |= {
            "ended_at": _moment(self._now()),
            "state": "partly done" if run.failures else "done",
            "counts": _counted(difference(run.before, run.roster).counts, left),
            "failures": grouped(run.failures.values()),
        }
        if wanted is None:
            run.about["state"] = "interrupted"
        self._source.settle(run.id, self._ending(run, goes_on=False), self._who)
        return run.about


def grouped(failures: Iterable[Failure]) -> list[dict[str, Any]]:
    """Group failures by what was asked and why it failed, the largest group first."""
    numbers = Counter((each.operation, each.why) for each in failures)
    records = {(each.operation, each.why): each.record for each in failures}
    return [
        {"operation": operation, "why": why, "number": number, "record": records[operation, why]}
        for (operation, why), number in numbers.most_common()
    ]


def _counted(done: Mapping[Kind, Count], left: Mapping[Kind, Count]) -> dict[str, dict[str, int]]:
    counts = {}
    for kind, count in done.items():
        still = left.get(kind, Count())
        counts[str(kind)] = {
            "created": count.created,
            "changed": count.changed,
            "removed": count.removed,
            "unchanged": count.unchanged,
            "failed": still.created + still.changed + still.removed,
        }
    return counts


def _lost(step: Step, effect: Change) -> Failure:
    return Failure(step.operation, "its record is no longer kept", effect, "")


def _operation_of(record: Record) -> Operation:
    return read(record.operation, record.fields)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
