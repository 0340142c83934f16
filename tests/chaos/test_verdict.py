"""What the verdict finds, told by invented records and journals: its own checks can fail."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from ops.simulator import Entry
from tests.chaos.receiver import News
from tests.chaos.verdict import Evidence, Verdict, judge, longest_stall, things
from tests.chaos.work import SCHOOLS, Step
from worker.ledger.record import Record
from worker.ledger.states import Reason, State

NORTH, SOUTH = SCHOOLS["north"].sid, SCHOOLS["south"].sid
NUMBERS = count(77_000_001)


def folder(lane: str | None = "a") -> Step:
    """Make a folder: its repeat tells that it is there."""
    number = next(NUMBERS)
    return Step(number, "north", "create_folder", {"folderName": f"Box {number}"}, lane)


def edit(lane: str | None = "a") -> Step:
    """Edit a course, which leads to the same place as often as it is done."""
    number = next(NUMBERS)
    return Step(number, "north", "edit_course", {"courseName": f"Course {number}"}, lane)


def talk(lane: str | None = "a") -> Step:
    """Make an activity: done twice, there are two."""
    number = next(NUMBERS)
    return Step(number, "north", "create_activity_no_class", {"name": f"Talk {number}"}, lane)


@dataclass
class Invented:
    """A trial that went well, told step by step; then something is made wrong with it."""

    steps: list[Step] = field(default_factory=list)
    receipts: dict[int, str] = field(default_factory=dict)
    records: dict[int, Record] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    held: list[dict[str, object]] = field(default_factory=list)
    batches: dict[str, int] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    retries: dict[int, set[str]] = field(default_factory=dict)
    #: The next second.
    now: int = 1000

    def happens(self, *steps: Step) -> "Invented":
        """Let these be handed in, carried out and settled, one after the other."""
        for step in steps:
            self.steps.append(step)
            self.receipts[step.number] = f"r{step.number}"
            self.records[step.number] = Record(
                id=f"r{step.number}",
                operation=step.operation,
                school=step.school,
                fields=step.fields,
                state=State.SUCCEEDED,
                sequence=step.number,
                enqueued_at=self.now * 1000,
                finished_at=self.now * 1000 + 500,
            )
            self.is_sent(step)
            if step.makes:
                self.held.append(dict(step.fields))
        return self

    def is_sent(self, step: Step, *, applied: bool = True) -> Entry:
        """Let a request for it arrive now, and be carried out or not."""
        turn = len(self.entries) + 1 if applied else None
        entry = Entry(
            n=len(self.entries) + 1,
            at=self.now,
            operation=step.operation,
            school=NORTH,
            fields=dict(step.fields),
            timestamp=self.now,
            applied=applied,
            turn=turn,
        )
        self.entries.append(entry)
        self.now += 1
        return entry

    def stands(self, step: Step, **changes: Any) -> None:  # noqa: ANN401  # of any field
        """Change a step's record."""
        self.records[step.number] = replace(self.records[step.number], **changes)

    def never_reached(self, step: Step) -> None:
        """Take back that it was carried out."""
        self.entries = [entry for entry in self.entries if entry.fields != step.fields]
        self.held = [thing for thing in self.held if thing != step.fields]

    @property
    def verdict(self) -> Verdict:
        """What is judged of all this."""
        held = {"schools": {NORTH: {"things": self.held, "owner": 1}}}
        evidence = Evidence(
            self.receipts,
            list(self.records.values()),
            self.entries,
            held,
            batches=self.batches,
            news=self.news,
            retries=self.retries,
        )
        return judge(self.steps, evidence)

    @property
    def offences(self) -> list[str]:
        """What is found wrong."""
        return [offence.what for offence in self.verdict.offences]


def test_nothing_is_wrong_with_what_went_well() -> None:
    """Two lanes and one operation beside them, each carried out once, in order."""
    told = Invented().happens(folder(), edit(), talk("b"), folder(None), edit())
    verdict = told.verdict
    assert verdict.offences == []
    assert (verdict.submitted, verdict.states, verdict.applied) == (5, {"succeeded": 5}, {1: 5})
    assert (verdict.lanes, verdict.lanes_out_of_order, verdict.repeats) == (2, 0, 0)


def test_a_lost_one() -> None:
    """The submitter has a receipt, and the ledger has nothing."""
    told = Invented().happens(folder(), step := edit())
    del told.records[step.number]
    (offence,) = told.verdict.offences
    assert (offence.record, offence.what) == (step.key, "is lost: there is no record of it")


def test_one_that_was_never_taken_in() -> None:
    """The submitter has not even a receipt."""
    told = Invented().happens(step := folder())
    del told.receipts[step.number], told.records[step.number]
    assert told.offences == ["was never taken in", "is lost: there is no record of it"]


def test_one_with_two_records() -> None:
    """Saying it again made it another operation."""
    told = Invented().happens(step := edit(None))
    told.records[0] = replace(told.records[step.number], id="second")
    assert told.offences == [f"is doubled: its records are r{step.number}, second"]


def test_a_receipt_for_something_else() -> None:
    """The id that the submitter was told leads elsewhere."""
    told = Invented().happens(step := edit())
    told.receipts[step.number] = "other"
    assert told.offences == ["has a receipt for another record, other"]


def test_what_nobody_handed_in() -> None:
    """Neither a record nor a request may be there that belongs to nothing."""
    told = Invented().happens(edit())
    told.records[0] = replace(next(iter(told.records.values())), id="x", fields={"courseId": 1})
    told.is_sent(edit())
    assert told.offences == ["nobody handed it in", "was sent 1 times for no record"]


@pytest.mark.parametrize("make", [folder, talk])
def test_one_that_was_made_twice(make: Callable[[], Step]) -> None:
    """ClassIn holds two things of the same number."""
    told = Invented().happens(step := make())
    told.is_sent(step)
    told.held.append(dict(step.fields))
    assert told.offences == ["was applied 2 times"]
    assert told.verdict.applied == {2: 1}


def test_an_edit_may_be_repeated() -> None:
    """Also what ClassIn answers with "already" is none too many."""
    told = Invented().happens(changed := edit())
    told.is_sent(changed)
    told.happens(made := folder())
    told.is_sent(made, applied=False)
    assert (told.offences, told.verdict.repeats) == ([], 1)


@pytest.mark.parametrize("make", [folder, edit, talk])
def test_one_that_succeeded_and_was_never_applied(make: Callable[[], Step]) -> None:
    """The ledger says what ClassIn does not know."""
    told = Invented().happens(step := make())
    told.never_reached(step)
    assert told.offences == ["succeeded, but was never applied"]
    assert told.verdict.applied == {0: 1}


def test_an_overtaking_one() -> None:
    """It was carried out after a later one of its lane; that of other lanes does not matter."""
    told = Invented().happens(first := edit(), edit("b"), second := edit())
    told.entries[0].turn, told.entries[2].turn = 3, 1
    verdict = told.verdict
    (offence,) = verdict.offences
    assert offence.record == f"r{first.number}"
    assert offence.what == f"was carried out after r{second.number} of its lane"
    assert (verdict.lanes, verdict.lanes_out_of_order) == (2, 1)


def test_a_repeat_that_comes_too_late() -> None:
    """What was in order at first goes back when an earlier one is carried out once more."""
    told = Invented().happens(first := edit(), second := edit())
    told.is_sent(first)
    assert told.offences == [f"was carried out after r{second.number} of its lane"]


def test_a_late_read() -> None:
    """It was given up and carried out after all: that changes nothing, and overtakes nothing."""
    number = next(NUMBERS)
    read = Step(number, "north", "get_cloud_list", {"folderId": number}, "a")
    told = Invented().happens(read, edit())
    told.is_sent(read)
    assert told.offences == []


def test_a_late_repeat_that_does_nothing() -> None:
    """ClassIn was asked, and answered that it is so already."""
    told = Invented().happens(first := folder(), edit())
    told.is_sent(first, applied=False)
    assert told.offences == []


def test_one_that_did_not_wait() -> None:
    """It was sent while an earlier one of its lane was under way, and arrived in order by luck."""
    told = Invented().happens(first := edit(), edit("b"), edit(), edit())
    told.stands(first, finished_at=(told.now - 1) * 1000)
    assert told.offences == [f"was sent before r{first.number} of its lane was settled"]


def test_one_that_is_not_settled() -> None:
    """All is over, and it still waits."""
    told = Invented().happens(step := edit())
    told.stands(step, state=State.DEFERRED, finished_at=None)
    assert told.offences == ["is not settled: deferred"]


def test_a_failure_that_nobody_expects() -> None:
    """ClassIn refused what it had to take."""
    told = Invented().happens(step := edit())
    told.never_reached(step)
    told.stands(step, state=State.FAILED, reason=Reason.REFUSED, code=144, message="no course")
    assert told.offences == ["ended as failed/refused, code 144, 'no course'"]


def test_a_refusal_that_must_be() -> None:
    """It may not be carried out, nor succeed."""
    refused = replace(edit(), refused=True)
    told = Invented().happens(refused)
    assert told.offences == ["succeeded, though ClassIn refuses it"]
    told.stands(refused, state=State.FAILED, reason=Reason.REFUSED)
    assert told.offences == ["was refused, but was applied"]
    told.never_reached(refused)
    assert told.offences == []


def test_who_may_stay_uncertain() -> None:
    """Only what could be doubled by a repeat; whether it was carried out is open then."""
    told = Invented().happens(edited := edit(), done := talk("b"), undone := talk("b"))
    told.never_reached(undone)
    for step in (edited, done, undone):
        told.stands(step, state=State.UNCERTAIN)
    (offence,) = told.verdict.offences
    assert offence.operation == "edit_course"
    assert offence.what.startswith("ended as uncertain")


def test_what_was_taken_for_poison() -> None:
    """An operation during which worker after worker dies is given up, applied or not."""
    told = Invented().happens(step := edit())
    told.stands(step, state=State.FAILED, reason="poison")
    assert told.offences == []


def test_one_that_was_sent_for_another_school() -> None:
    """Schools have nothing to do with each other."""
    told = Invented().happens(edit())
    told.entries[0].school = SOUTH
    assert told.offences == [f"was sent in the name of another school: {SOUTH}"]


def refused_talk() -> Step:
    """Make an activity that ClassIn refuses until a field of it is set anew."""
    return replace(talk(None), refused=True, mended={"unitId": 7})


def is_retried(told: Invented, step: Step, *names: str) -> None:
    """Let a refused step be tried again, each time to the end."""
    told.stands(step, state=State.FAILED, reason=Reason.REFUSED)
    for place, name in enumerate(names):
        again = replace(told.records[step.number], id=name, state=State.SUCCEEDED, reason=None)
        told.records[-step.number - place] = replace(again, retry_of=f"r{step.number}")
        told.retries.setdefault(step.number, set()).add(name)


def test_what_several_retry_is_retried_once() -> None:
    """All of them are told the same record, and it went well."""
    told = Invented().happens(step := refused_talk())
    is_retried(told, step, "again")
    assert told.offences == []


def test_what_is_retried_twice() -> None:
    """Two who ask at the same moment make two, which both are carried out."""
    told = Invented().happens(step := refused_talk())
    is_retried(told, step, "again", "twice")
    told.is_sent(step)
    told.held.append(dict(step.fields))
    assert told.offences == [
        "was tried again 2 times by several who asked at the same moment",
        "was applied 2 times",
    ]


def test_what_nobody_retries() -> None:
    """What is to be retried is not, or somebody was told of a retry that is not there."""
    told = Invented().happens(step := refused_talk())
    told.never_reached(step)
    is_retried(told, step)
    told.retries[step.number] = {"ghost"}
    assert told.offences == [
        "was tried again 0 times by several who asked at the same moment",
        "is said to be tried again as ghost, which is no record",
    ]


def test_a_retry_that_does_not_help() -> None:
    """ClassIn takes it now; it may not fail again."""
    told = Invented().happens(step := refused_talk())
    told.never_reached(step)
    is_retried(told, step, "again")
    told.records[-step.number] = replace(
        told.records[-step.number], state=State.FAILED, reason=Reason.REFUSED
    )
    assert told.offences == ["was tried again, and ended as failed/refused, applied 0 times"]


def test_one_that_waits_for_what_fails() -> None:
    """It fails with it, and is never sent."""
    told = Invented().happens(step := replace(edit(None), doomed=True))
    assert told.offences == [
        "ended as succeeded, though what it waits for failed",
        "was sent, though what it waits for failed",
    ]
    told.never_reached(step)
    told.stands(step, state=State.FAILED, reason=Reason.DEPENDENCY)
    assert told.offences == []


@pytest.mark.parametrize(
    ("told_of", "offences"),
    [
        ([3, 3], []),
        ([], ["has settled, and its webhook was not told"]),
        ([2, 3], ["was told of with 2 of 3 operations"]),
    ],
)
def test_the_webhook_of_a_batch(told_of: list[int], offences: list[str]) -> None:
    """It is told at least once, and always of all."""
    told = Invented(batches={"b": 3})
    counts = [{"batch": "b", "total": n, "counts": {"succeeded": n}} for n in told_of]
    told.news = [News("batch.incomplete", counts[0] | {"total": 1})] if counts else []
    told.news += [News("batch.settled", data) for data in counts]
    assert told.offences == offences


def test_a_school_that_is_asked_too_fast() -> None:
    """Over a minute; a few more may come together."""
    told = Invented()
    steps = [edit(None) for _ in range(72)]
    told.happens(*steps[:71])
    for entry in told.entries:
        entry.at = 5000 + entry.n % 60
    assert told.offences == []
    told.happens(steps[71])
    told.entries[-1].at = 5000
    assert told.offences == [f"was sent 72 times in a minute for {NORTH}"]


def test_things_are_counted_by_kind_and_school() -> None:
    """A registered student is a user and a student, and users are everybody's."""
    user, twice = {"nickname": "Pupil 77000001"}, {"name": "Unit 77000002"}
    school = {"users": [user], "students": [user], "units": [twice, twice], "owner": 77000003}
    assert things({"schools": {"1": school, "2": {"users": [user]}}}) == {77000001: 1, 77000002: 2}
    assert things({"schools": {"1": {"units": [twice]}, "2": {"units": [twice]}}}) == {77000002: 2}


def test_the_longest_stall() -> None:
    """Only time with something under way counts."""
    told = Invented().happens(first := edit(), second := edit(), third := edit())
    for step, begins, ends in ((first, 10, 11), (second, 20, 24), (third, 21, 30)):
        told.stands(step, enqueued_at=begins * 1000, finished_at=ends * 1000)
    assert longest_stall(list(told.records.values())) == 6.0
    assert longest_stall([]) == 0.0
