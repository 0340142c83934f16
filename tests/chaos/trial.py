"""A trial by fire: everything at once, until all is settled; then what became of it."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from redis import RedisError

from tests.chaos.mender import Mender
from tests.chaos.producer import Producer, hand_in, handfuls
from tests.chaos.shape import Shape
from tests.chaos.system import System, system
from tests.chaos.trouble import Kind, Trouble, schedule
from tests.chaos.verdict import Verdict, judge
from tests.chaos.work import SCHOOLS, Step, crowd, retried_steps, steps_of, world_of
from worker.errors import UnavailableError

#: Seconds between two looks.
_TICK = 0.1

#: Messages sent once more each time, half of them of late; and when all is over.
_AGAIN, _LATELY, _AGAIN_AT_LAST = 6, 20, 200

_DAY = 86400


@dataclass(slots=True)
class Account:
    """How far a trial is, and what was done to the system."""

    of: int
    #: From the first operation handed in on, until all was settled.
    seconds: float = 0.0
    handed_in: int = 0
    settled: int = 0
    workers_killed: int = 0
    #: Workers that ended by themselves.
    workers_gave_up: int = 0
    redis_restarts: int = 0
    messages_lost: int = 0
    messages_sent_again: int = 0
    #: How often the producer had to say something again.
    said_again: int = 0
    #: Those who looked after what is due, one after the other.
    rescuers: set[str] = field(default_factory=set)


def trial(
    shape: Shape, seed: int, home: Path, show: Callable[[Account], None]
) -> tuple[Verdict, Account]:
    """Live through a trial, with data and logs in `home`, and judge it.

    The same seed gives the same operations, and the same troubles at the same times. Raises
    UnavailableError if a part of the system does not start.
    """
    root = Random(seed)  # noqa: S311  # a pattern to repeat, no secret
    for_work, for_trouble, for_moments, for_luck = (
        Random(root.getrandbits(64))  # noqa: S311  # the same
        for _ in range(4)
    )
    schools = list(SCHOOLS.values())[: shape.schools]
    work = work_of(shape, for_work, tomorrow=int(time.time()) + _DAY)
    steps = [step for handful in work for step in handful]
    busy = [school.sid for school in schools[: shape.busy_schools]]
    troubles = schedule(shape, busy, for_trouble)
    with system(home, schools, world_of(shape, steps), shape.workers, for_luck) as here:
        door = partial(hand_in, here.submitter, here.receiver.url)
        producer = Producer(door, work, shape.submitting)
        mender = Mender(
            [step for step in steps if step.mended], producer.taken_in, here.ledger, here.retry
        )
        account = Account(of=len(steps) + shape.retried)
        ordeal = _Ordeal(here, producer, mender, for_moments, account, lambda: show(account))
        ordeal.live_through(troubles, shape, lambda: here.all_told(work))
        here.crew.stop()
        return judge(steps, here.evidence(producer, work, mender)), account


def work_of(shape: Shape, random: Random, tomorrow: int) -> list[Sequence[Step]]:
    """Choose all that is handed in, handful by handful: the crowds come early on."""
    steps = steps_of(shape, random, tomorrow)
    number = steps[-1].number + 1
    retried = retried_steps(shape, number)
    number += len(retried)
    following = crowd(number, shape.followers, doomed=False)
    number += len(following)
    doomed = crowd(number, shape.doomed, doomed=True)
    work = list(handfuls(steps, random))
    for step in retried:
        work.insert(random.randrange(len(work) // 2), [step])
    work.insert(len(work) // 4, following)
    work.insert(len(work) // 3, doomed)
    return work


class _Ordeal:
    """What happens between the start of the system and its end."""

    def __init__(
        self,
        here: System,
        producer: Producer,
        mender: Mender,
        random: Random,
        account: Account,
        show: Callable[[], None],
    ) -> None:
        self._here = here
        self._producer = producer
        self._mender = mender
        self._random = random
        self._account = account
        self._show = show
        self._began = time.monotonic()

    def live_through(
        self, troubles: Sequence[Trouble], shape: Shape, all_told: Callable[[], bool]
    ) -> None:
        """Hand everything in, let everything go wrong, and wait until all is settled and told.

        Nothing is waited for longer than patience lasts: what is missing then, the verdict finds.
        """
        here, ahead = self._here, deque(troubles)
        self._look_until(lambda: len(here.crew.ready) == shape.workers, shape.patience)
        self._began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            busy = [pool.submit(self._producer.run), pool.submit(self._mender.run)]
            try:
                self._look_until(lambda: self._all_happened(ahead), shape.patience)
                here.simulator.clear_faults()
                self._look_until(
                    lambda: all(one.done() for one in busy) and here.is_quiet() and all_told(),
                    shape.patience,
                )
            finally:
                self._producer.stop()
                self._mender.stop()
            for one in busy:
                one.result()
        self._account.seconds = time.monotonic() - self._began
        self._send_again(_AGAIN_AT_LAST)
        self._look_until(here.is_quiet, shape.patience)

    def _look_until(self, condition: Callable[[], bool], patience: float) -> None:
        """Look again and again until it is so: keep workers running, and tell how far it is."""
        ends = time.monotonic() + patience
        while not condition() and time.monotonic() < ends:
            self._here.crew.tend()
            self._take_account()
            self._show()
            time.sleep(_TICK)

    def _take_account(self) -> None:
        account, crew = self._account, self._here.crew
        account.seconds = time.monotonic() - self._began
        account.handed_in = len(self._producer.receipts)
        account.said_again = self._producer.said_again
        account.workers_killed, account.workers_gave_up = crew.killed, crew.gave_up
        with suppress(UnavailableError):
            counts = self._here.ledger.counts().by_state()
            account.settled = sum(n for state, n in counts.items() if state.settled)
            if holder := self._here.ledger.holder("rescue"):
                account.rescuers.add(holder)

    def _all_happened(self, ahead: deque[Trouble]) -> bool:
        """Let happen what is due; what needs Redis while it is dead does not."""
        while ahead and ahead[0].at <= time.monotonic() - self._began:
            trouble = ahead.popleft()
            with suppress(UnavailableError, RedisError):
                self._strike(trouble)
        return not ahead

    def _strike(self, trouble: Trouble) -> None:
        here, account = self._here, self._account
        match trouble.kind:
            case Kind.WORKER_DIES:
                if ready := here.crew.ready:
                    here.crew.kill([self._random.choice(ready)])
            case Kind.RESCUER_DIES:
                here.kill_rescuer()
            case Kind.ALL_WORKERS_DIE:
                here.crew.kill(here.crew.alive)
            case Kind.REDIS_DIES:
                here.kill_redis()
            case Kind.REDIS_COMES_BACK:
                here.start_redis()
                account.redis_restarts += 1
            case Kind.MESSAGES_ARE_LOST:
                account.messages_lost += here.lose_messages()
            case Kind.MESSAGES_COME_TWICE:
                self._send_again(_AGAIN)
            case Kind.WEATHER:
                here.simulator.clear_faults()
                here.simulator.faults(*trouble.rules)

    def _send_again(self, number: int) -> None:
        """Put messages on the queue once more: half of them of late, half of any time."""
        known = list(self._producer.receipts.values())
        half = min(number // 2, len(known))
        chosen = [
            *self._random.sample(known[-max(_LATELY, half) :], half),
            *self._random.sample(known, half),
        ]
        self._here.send_again(chosen)
        self._account.messages_sent_again += len(chosen)
