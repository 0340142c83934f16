"""Everything that may happen to a ledger, in any order: a state machine for Hypothesis."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from tests.ledger_books import Books
from tests.ledger_model import LEASE, SCHOOLS, WORKERS, LedgerModel, Wish
from worker.ledger.pruner import Retention
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.types import Claim, SchoolSignal, Transition, TurnList

MOST_RECORDS = 24
#: Looks after which the last record has to be settled.
MOST_LOOKS = 300
LOOKS = (60.0, 120.0)

DONE = Transition(state=State.SUCCEEDED, code=1, access=SchoolSignal.LET_IN)
LOST = Transition(state=State.RUNNING, maybe_applied=True, late=True)
LATER = Transition(state=State.DEFERRED, code=253, due_in=60, counts=True)
STANDINGS = (
    DONE,
    replace(DONE, state=State.PARTIAL, code=103),
    replace(DONE, state=State.FAILED, reason=Reason.REFUSED, code=193),
    Transition(state=State.UNCERTAIN, maybe_applied=True, late=True),
    LOST,
    Transition(state=State.RUNNING, code=104, maybe_applied=True),
    Transition(state=State.QUEUED),
    LATER,
    replace(LATER, code=460, due_in=5, counts=False, slow_down=5),
    replace(LATER, code=901, access=SchoolSignal.MAINTENANCE, probe_intervals=LOOKS),
    replace(
        LATER, state=State.QUEUED, code=102, access=SchoolSignal.LOCKED_OUT, probe_intervals=LOOKS
    ),
)

#: Seconds for which what settled is kept.
AGES = Retention(succeeded=LEASE, others=130)

#: What happens now and then, to some record or to all.
MISHAPS: dict[str, Callable[[LedgerModel, str], object]] = {
    "all messages are lost": lambda model, _: model.messages.clear(),
    "lost messages are looked for": lambda model, _: model.look_for_lost_messages(),
    "an answer is lost": lambda model, _: model.submit_again(),
    "a worker takes what was put aside": lambda model, _: model.take_what_was_put_aside("w1"),
    "a worker takes those whose turn it is": lambda model, _: model.take_turns("w1"),
    "a worker dies": lambda model, _: model.die("w1"),
    "a person calls a record off": lambda model, record_id: model.cancel(record_id),
    "a person pauses a school": lambda model, _: model.ledger.pause("main", "why"),
    "a person opens a school": lambda model, _: model.ledger.resume("main"),
    "requests keep their distance": lambda model, _: model.ledger.set_paces(
        {"main": 400, "main create_folder": 3000}
    ),
    "requests need no distance": lambda model, _: model.ledger.set_paces({}),
    "old records are pruned": lambda model, _: model.prune(AGES),
    "all that is settled is pruned": lambda model, _: model.prune(Retention(-1, -1)),
    "a person finds that it was done": lambda model, record_id: model.decide(
        record_id, State.SUCCEEDED
    ),
    "a person finds that it was not": lambda model, record_id: model.decide(
        record_id, State.FAILED
    ),
}

rarely = st.sampled_from([False, False, False, True])
wishes = st.builds(
    Wish,
    lane=st.sampled_from([None, None, "l", "m"]),
    after=st.lists(st.integers(0, MOST_RECORDS), max_size=2).map(tuple),
    key=st.sampled_from([None, None, None, "k"]),
    stops=rarely,
    school=st.sampled_from([SCHOOLS[0], *SCHOOLS]),
    operation=st.sampled_from(["create_folder", "create_folder", "edit_course"]),
    batch=st.sampled_from([None, "x"]),
    priority=st.sampled_from(Priority),
    retry=st.none() | st.integers(0, MOST_RECORDS),
    looked=st.sampled_from([True, True, False]),
    refused=rarely,
)
numbers = st.integers(0, 10**6)
workers = st.sampled_from(WORKERS)
standings = st.sampled_from(STANDINGS)
#: Seconds that go by; a clock may be set back.
spans = st.sampled_from([0, 3, LEASE, LEASE, 61, 61, 130, 3700, -0.05, -2, -7200])


class LedgerMachine(RuleBasedStateMachine):
    """Producers, workers that die, rescue and persons, at one ledger."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        self.model = LedgerModel(redis)

    @initialize(wished=st.lists(wishes, min_size=2, max_size=6))
    def begin(self, wished: Sequence[Wish]) -> None:
        """Some records are there from the beginning, unless they are refused."""
        self.model.submit(wished)

    @precondition(lambda self: len(self.model.before) < MOST_RECORDS)
    @rule(wished=st.lists(wishes, min_size=1, max_size=5), mailed=st.booleans())
    def submit(self, wished: Sequence[Wish], *, mailed: bool) -> None:
        """Hand some in, together."""
        self.model.submit(wished, mailed=mailed)

    @precondition(lambda self: self.model.messages)
    @rule(turns=st.lists(st.tuples(workers, st.none() | standings), min_size=1, max_size=5))
    def work(self, turns: Sequence[tuple[str, Transition | None]]) -> None:
        """Take messages as they come, and say at once what came of it, unless it takes longer."""
        for worker, standing in turns:
            if self.model.messages:
                claim = self.model.deliver(self.model.messages.pop(0), worker)
                if claim is not None and standing is not None:
                    self.model.say(claim, standing)
                self.model.check()

    @precondition(lambda self: self.model.before)
    @rule(
        said=st.lists(st.tuples(numbers, standings), max_size=4),
        asked=st.lists(numbers, max_size=4),
        worker=workers,
        room=st.sampled_from([1, 9]),
    )
    def exchange(
        self, said: Sequence[tuple[int, Transition]], asked: Sequence[int], worker: str, room: int
    ) -> None:
        """Several at once: of claims what came of them, of records whether they may be had."""
        known = said if self.model.claims else []
        notes = [(self._some_claim(number), standing) for number, standing in known]
        self.model.exchange(worker, notes, [self._some_record(each) for each in asked], room)

    @precondition(lambda self: self.model.before)
    @rule(number=numbers, worker=workers, full=rarely, crash=rarely)
    def deliver(self, number: int, worker: str, *, full: bool, crash: bool) -> None:
        """Any record: too late, twice, or out of order; Redis may crash after that."""
        record_id = self._some_record(number)
        if crash:
            self.model.deliver_and_crash(record_id, worker)
        else:
            self.model.deliver(record_id, worker, SCHOOLS[:1] if full else ())

    @precondition(lambda self: self.model.claims)
    @rule(number=numbers, standing=st.none() | standings, again=rarely)
    def say(self, number: int, standing: Transition | None, *, again: bool) -> None:
        """Of one who has the lease, or believes so: a request goes out, or what came of one."""
        claim = self._some_claim(number)
        for _ in range(1 + again):
            if standing is None:
                self.model.announce(claim)
            else:
                self.model.say(claim, standing)
            self.model.check()

    @rule(
        seconds=spans,
        alive=st.sets(workers),
        orphans=st.booleans(),
        limit=st.sampled_from([1, 100, 100]),
    )
    def go_on(self, seconds: float, alive: set[str], limit: int, *, orphans: bool) -> None:
        """After some time those who live say so; then somebody looks for what must come back."""
        self.model.clock.forward(seconds)
        for worker in sorted(alive):
            self.model.beat(worker)
        self.model.rescue(limit, orphans=orphans)

    @precondition(lambda self: self.model.before)
    @rule(what=st.sampled_from(sorted(MISHAPS)), number=numbers)
    def meet_with(self, what: str, number: int) -> None:
        """What happens now and then, to some record or to all."""
        MISHAPS[what](self.model, self._some_record(number))

    @invariant()
    def all_is_in_order(self) -> None:
        """After each step."""
        self.model.check()

    def teardown(self) -> None:
        """With healthy workers and all schools open, every record comes to its end.

        Each loses a reply on its way, so that its lane has to wait.
        """
        self.model.ledger.set_paces({})
        for school in SCHOOLS:
            self.model.ledger.resume(school)
        for _ in range(MOST_LOOKS):
            self._work_off()
            if not self.model.is_unsettled():
                break
        self.model.rescue(100, orphans=True)
        self.model.clock.forward(LEASE)
        assert self.model.ledger.turns(1) == TurnList([], None)
        Books.read(self.model.redis).check_done()

    def _work_off(self) -> None:
        self.model.clock.forward(LEASE)
        self.model.rescue(100, orphans=True)
        self.model.look_for_lost_messages()
        self.model.check()
        self.model.messages += [due.id for due in self.model.ledger.turns(MOST_RECORDS).ready]
        while self.model.messages:
            claim = self.model.deliver(self.model.messages.pop(0), WORKERS[0])
            if claim is not None:
                self.model.say(claim, LOST)  # its repeat is answered
                self.model.say(claim, DONE)
            self.model.check()

    def _some_record(self, number: int) -> str:
        return list(self.model.before)[-1 - number % len(self.model.before)]

    def _some_claim(self, number: int) -> Claim:
        """One of the last."""
        return self.model.claims[-1 - number % min(len(self.model.claims), 8)]


def whatever_happens(redis: Redis, *, examples: int, steps: int) -> None:
    """Run so many stories; the same ones each time."""
    run_state_machine_as_test(
        lambda: LedgerMachine(redis),  # type: ignore[arg-type]  # whatever makes one will do
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
