"""Which changes of a plan are done, judged by the results of its steps."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from producers.oneroster.applying.operations import Step
from producers.oneroster.id_map import IdMap, KnownCourse, KnownPerson
from producers.oneroster.planning.diff import (
    Change,
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
)
from producers.oneroster.roster import Person, Role
from worker.classin.bulk_results import item_results
from worker.classin.classify import classify_item
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.classin.references import referenced
from worker.classin.response import whole
from worker.classin.verdicts import Verdict
from worker.ledger.record import Record
from worker.ledger.states import Reason, State


@dataclass(frozen=True, slots=True)
class Failure:
    """An effect of a step that failed, and why."""

    operation: str
    why: str
    effect: Change | None
    #: The record with the details.
    record: str
    #: Only a dependency failed: the next round may succeed.
    follows: bool = False


@dataclass(slots=True)
class Outcome:
    """The outcome of a step."""

    achieved: list[Change] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    #: People whose accounts existed before: our passwords are not theirs.
    old_accounts: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Part:
    """The result of one effect."""

    effect: Change
    verdict: Verdict
    why: str
    #: The reply's entry, or its whole result.
    told: Mapping[str, Any]


_STANDS = {State.SUCCEEDED: Verdict.DONE, State.PARTIAL: Verdict.PARTIAL}

#: Codes by which an already ended course may answer to its end.
_OVER = frozenset(
    {
        Code.COURSE_ENDED,
        Code.COURSE_FINISHED,
        Code.COURSE_OVER,
        Code.COURSE_EXPIRED,
        Code.COURSE_DELETED,
    }
)

#: Codes that refuse a course because of its main teacher alone.
_OF_THE_MAIN_TEACHER = frozenset(
    {
        Code.HEAD_TEACHER_NOT_ADDED,
        Code.BAD_HEAD_TEACHER,
        Code.HEAD_TEACHER_NOT_HERE,
        Code.HEAD_TEACHER_DEACTIVATED,
        Code.HEAD_TEACHER_LEAVING,
        Code.HEAD_TEACHER_CANCELLED,
    }
)

#: Codes that refuse membership to a person who was registered all the same.
_WELL = frozenset({Verdict.DONE, Verdict.ALREADY})


def outcome_of(
    step: Step,
    record: Record | None,
    directory: IdMap,
    owners: dict[int, str],
    operation_of: Callable[[Record], Operation],
) -> Outcome:
    """Judge a step by its record (None: it has none), and update the id map.

    `owners` holds the sourcedIds by UID, and is updated with the id map.
    """
    outcome = Outcome()
    if record is None:
        outcome.achieved += step.effects
        return outcome
    learner = _ResultApplier(step, record, directory, owners, outcome)
    for part in _parts(step, record, operation_of):
        learner.take(part)
    if not step.effects and record.state is not State.SUCCEEDED:
        learner.fail(None, _why(record))
    return outcome


def _parts(
    step: Step, record: Record, operation_of: Callable[[Record], Operation]
) -> Iterator[_Part]:
    """Pair a step's effects with their results."""
    entries = _told_of_items(operation_of(record), record) if record.result else {}
    whole = _STANDS.get(record.state, Verdict.REFUSED)
    over = step.operation == "end_course" and record.code in _OVER
    verdict = Verdict.ALREADY if record.already or over else whole
    for position, effect in enumerate(step.effects):
        if position in entries:
            yield _Part(effect, *entries[position])
        elif entries and record.state is not State.SUCCEEDED:
            yield _Part(effect, Verdict.REFUSED, "the answer does not mention it", {})
        else:
            yield _Part(effect, verdict, _why(record), record.result or {})


def _told_of_items(
    operation: Operation, record: Record
) -> dict[int, tuple[Verdict, str, Mapping[str, Any]]]:
    """Return the entries of a bulk reply by item position."""
    return {
        item.position: (
            classify_item(operation, item, expected=True),
            _told(item.code, record.redact(item.message)),
            item.entry,
        )
        for item in item_results(operation, record.result)
    }


class _ResultApplier:
    """Apply what one step has achieved."""

    def __init__(
        self,
        step: Step,
        record: Record,
        directory: IdMap,
        owners: dict[int, str],
        outcome: Outcome,
    ) -> None:
        self._step, self._record, self._outcome = step, record, outcome
        self._directory, self._owners = directory, owners

    def fail(self, effect: Change | None, why: str) -> None:
        """Record a failure."""
        follows = _lacked(self._record) or self._may_do_otherwise(effect)
        failure = Failure(self._step.operation, why, effect, self._record.id, follows)
        self._outcome.failures.append(failure)

    def _may_do_otherwise(self, effect: Change | None) -> bool:
        """Return whether only the main teacher was refused: another may be accepted."""
        refused = self._step.operation == "add_course" and isinstance(effect, CourseChange)
        return refused and self._record.code in _OF_THE_MAIN_TEACHER

    def take(self, part: _Part) -> None:
        """Apply one effect, or record why it failed."""
        effect = part.effect
        operation, well = self._step.operation, part.verdict in {*_WELL, Verdict.PARTIAL}
        match effect:
            case PersonChange(after=Person() as after) if operation == "register_multiple":
                self._take_account(effect, after, part)
            case _ if not well:
                self.fail(effect, part.why)
            case PersonChange():
                self._take_person(effect, part.verdict)
            case CourseChange():
                self._take_course(effect, part)
            case TeacherChange(course=course) if operation == "add_course" and (
                part.verdict is Verdict.ALREADY or self._directory.running(course) is None
            ):
                pass  # who teaches in a course that was there is not known
            case _ if not self._directory.people.keys() >= _coming(effect):
                self.fail(effect, "has no account that is nobody else's")
            case _:
                self._outcome.achieved.append(effect)

    def _take_account(self, effect: PersonChange, after: Person, part: _Part) -> None:
        """Store a UID, also of a registered person whom the institution refused."""
        uid = whole(part.told.get("data"))
        if part.verdict not in {*_WELL, Verdict.PARTIAL}:
            self.fail(effect, part.why)
            return
        if not uid:
            self.fail(effect, "no UID came back")
            return
        if self._owners.setdefault(uid, after.id) != after.id:
            what = f"the account is that of {self._owners[uid]}, too: a UID has one person"
            self.fail(effect, what)
            return
        joined = part.verdict in _WELL
        roles = frozenset({after.role} if joined else ())
        older = part.verdict is Verdict.ALREADY
        self._directory.people[after.id] = KnownPerson(
            uid, roles, older=older, account=after.account
        )
        if older and len(self._record.attempts) == 1:  # else an earlier attempt may have made it
            self._outcome.old_accounts.add(after.id)
        if joined:
            self._outcome.achieved.append(_as_known(effect, part.verdict))

    def _take_person(self, effect: PersonChange, verdict: Verdict) -> None:
        name = effect.id
        known = self._directory.people[name]
        match self._step.operation:
            case "add_school_student":
                known = replace(known, roles=known.roles | {Role.STUDENT})
            case "add_teacher":
                known = replace(known, roles=known.roles | {Role.TEACHER}, stopped=False)
            case "restart_using_teacher":
                known = replace(known, stopped=False)
            case "stop_using_teacher":
                known = replace(known, stopped=True)
        self._directory.people[name] = known
        self._outcome.achieved.append(_as_known(effect, verdict))

    def _take_course(self, effect: CourseChange, part: _Part) -> None:
        name = effect.id
        known = self._directory.courses.get(name)
        if self._step.operation == "add_course":
            course_id = whole(part.told.get("data"))
            if not course_id:
                self.fail(effect, "no course id came back")
                return
            number = 0 if known is None else known.number + 1
            self._directory.courses[name] = KnownCourse(course_id, number)
        elif self._step.operation == "end_course" and known is not None:
            self._directory.courses[name] = replace(known, ended=True)
        self._outcome.achieved.append(_as_known(effect, part.verdict))


def _coming(effect: Change) -> set[str]:
    """Return the people who enter a course."""
    match effect:
        case TeacherChange(before=before, after=after):
            return set(after) - set(before)
        case StudentChange(added=added):
            return set(added)
        case _:
            return set()


def _as_known(effect: Change, verdict: Verdict) -> Change:
    """Return an existing entry without its name, which ClassIn does not tell."""
    if verdict is Verdict.ALREADY:
        match effect:
            case PersonChange(before, after) if after is not None:
                return PersonChange(before, replace(after, name=""))
            case CourseChange(before=was, after=now) if now is not None and not now.ended:
                return CourseChange(was, replace(now, name=""))
    return effect


def _lacked(record: Record) -> bool:
    """Return whether a record lacked the result of an earlier one."""
    if record.reason is Reason.DEPENDENCY:
        return True
    return record.state is State.FAILED and bool(referenced(record.fields))


def _why(record: Record) -> str:
    """Return why a record did not succeed."""
    if _lacked(record):
        return "something that it needs did not succeed"
    if record.state is State.CANCELLED:
        return "was called off"
    if record.state is State.UNCERTAIN:
        return f"may have been done: {_told(record.code, record.message or '')}"
    return _told(record.code, record.message or "")


def _told(number: int | None, message: str) -> str:
    """Return ClassIn's words for a code, or the reply's own."""
    code = Code.known(number)
    if code is not None:
        return f"{code.phrase} ({number})"
    if number is None:
        return message or "no answer"
    return f"{message or 'a code that no page lists'} ({number})"
