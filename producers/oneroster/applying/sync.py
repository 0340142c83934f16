"""Sync: apply a source's plan in rounds that survive the process that runs them.

A round's steps are stored before the first is submitted, and their results are written in one
transaction. A later sync resumes an interrupted round.
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
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import Ending, Source

#: Steps that are stored, submitted and judged together.
_PART = 200

#: Rounds in which a change that only lacked another is tried.
_MOST_ROUNDS = 8

#: Lifetime of the source's lock in seconds; it is renewed during the work.
HELD = 30.0


class Place(NamedTuple):
    """The school and the source of a sync, and where its state is kept."""

    ledger: RedisLedger
    source: Source
    school: str


@dataclass(frozen=True, slots=True)
class Watching:
    """Progress callbacks of a sync."""

    #: Called with the number of submitted operations of a round.
    submitted: Callable[[int], None]
    #: Wait until a batch has settled; call the argument every few seconds.
    settled: Callable[[str, Callable[[], object]], None]


@dataclass(slots=True)
class _Run:
    """A sync in progress."""

    id: str
    about: dict[str, Any]
    before: Roster
    roster: Roster
    directory: IdMap
    owners: dict[int, str] = field(default_factory=dict)
    failures: dict[Atom | str, Failure] = field(default_factory=dict)
    #: New entries of the id map.
    learnt: dict[str, str] = field(default_factory=dict)
    useless: set[str] = field(default_factory=set)
    #: The webhook for settled rounds.
    webhook: Webhook | None = None

    @property
    def tried(self) -> set[Atom]:
        """Keys of changes that this sync does not try again."""
        failed = self.failures.items()
        return {atom for atom, why in failed if not why.follows and not isinstance(atom, str)}


class Sync:
    """Keep one school in sync with one source."""

    def __init__(
        self,
        place: Place,
        submitter: Submitter,
        passwords: Passwords,
        watching: Watching,
        now: Callable[[], float],
    ) -> None:
        """`now` returns seconds since 1970."""
        self._ledger, self._source, self._school = place
        # A sync's steps stay in Redis for a while, and name no files.
        self._submitter, self._passwords = submitter.limited_to(FileAccess()), passwords
        self._watching, self._now = watching, now
        self._who = new_id()

    @contextmanager
    def held(self, wait: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Hold the source's lock while inside. Raises InvalidInputError if another sync holds it.

        `wait` is called while another holds it, who may be dead, and returns whether to try again.
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
        """Renew the lock. Raises InvalidInputError if another sync has taken it."""
        if not self._try_to_hold():
            what = "another sync of it is at work; it ends, or is gone within half a minute"
            raise InvalidInputError("sync", [FieldError(self._source.name, what)])

    def _try_to_hold(self) -> bool:
        return self._ledger.acquire_lock(self._source.hold, self._who, HELD)

    def known(self) -> tuple[Roster, IdMap]:
        """Return the roster as last applied, and the id map."""
        said = self._source.snapshot()
        roster = Roster() if said is None else Roster.from_json(said)
        return roster, IdMap.read(self._source.directory())

    def undoing(self, sync: str) -> Proposal:
        """Propose the reverse of a sync, as far as it still stands. Raises NotFoundError."""
        self._source.syncs.about(sync)
        roster, directory = self.known()
        done = map(change_from_json, self._source.syncs.changes(sync))
        wanted = undone(done, roster)
        return Proposal(difference(roster, wanted), roster, wanted, directory)

    def carry_out(
        self, proposal: Proposal, about: Mapping[str, Any], webhook: Webhook | None = None
    ) -> dict[str, Any]:
        """Apply a proposal; return the sync's final account.

        `about` is stored with the sync; `webhook` is called for each round's batch. Raises
        InvalidInputError with nothing submitted, or UnavailableError, after which the next sync
        resumes.
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
        """Finish the round in which an earlier sync was interrupted, if there is one."""
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
        """Check that all steps can be submitted. Raises InvalidInputError."""
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
        """Run one round; return whether there was anything to do."""
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
        self._ledger.batches.open(batch, said)
        self._note(run, planned=True)
        self._submit(run)
        self._settle(run)
        return True

    def _note(self, run: _Run, *, planned: bool) -> None:
        run.about["planned"] = planned
        self._source.note(run.id, run.about, self._who)

    def _submit(self, run: _Run) -> None:
        """Submit a round; its dedup keys keep what was submitted before from being doubled."""
        batch = run.about["batches"][-1]
        about = self._ledger.batches.info(batch)
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
        self._ledger.batches.close(batch)

    def _submit_part(self, batch: str, part: Sequence[Step], *, tells: bool) -> list[str]:
        """Submit a chunk of steps; return each one's record id, empty for those without."""
        asked = [step for step in part if step.operation]
        # Records that a dead sync submitted are looked up, not submitted again: passwords may
        # differ now.
        ids = dict(self._ledger.find_ids(self._school, [step.key for step in asked]))
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
        """Wait until a round has settled, and apply its results."""
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
        """Summarise the sync, and release the source."""
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
    """Group failures by change and reason, the largest group first."""
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
