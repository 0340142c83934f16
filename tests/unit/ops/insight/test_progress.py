"""Batches followed to their end."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ops.insight.progress import LOOK_EVERY, Look, Pauses, follow
from tests.unit.ledger.hands import DONE, ENTRY, REFUSED, settled
from worker.ledger.store import RedisLedger


@dataclass
class Hours:
    """Time in which something happens in each pause."""

    happenings: list[Callable[[], object]] = field(default_factory=list)
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Let the next happen."""
        self.now += seconds
        if self.happenings:
            self.happenings.pop(0)()

    @property
    def pauses(self) -> Pauses:
        """As `follow` takes it."""
        return Pauses(lambda: self.now, self.sleep)


def failed(look: Look) -> list[str]:
    """What it tells of."""
    return [record.id for record in look.failures]


def test_failures_are_told_once_as_they_come(ledger: RedisLedger) -> None:
    """Those of before first; other batches do not matter."""
    ledger.submit([replace(ENTRY, id=each) for each in "abcd"])
    ledger.submit([replace(ENTRY, id="x", batch="other")])
    settled(ledger, "a", REFUSED)
    hours = Hours(
        [
            lambda: (settled(ledger, "b", DONE), settled(ledger, "x", REFUSED)),
            lambda: settled(ledger, "c", REFUSED),
            lambda: settled(ledger, "d", DONE),
        ]
    )

    looks = list(follow(ledger, ["b"], pauses=hours.pauses))

    assert [failed(look) for look in looks] == [["a"], [], ["c"], []]
    assert [look.settled for look in looks] == [1, 2, 3, 4]
    assert looks[-1].done


def test_rate_and_time_left(ledger: RedisLedger) -> None:
    """From what has settled lately."""
    ledger.submit([replace(ENTRY, id=each) for each in "abc"])
    hours = Hours([lambda each=each: settled(ledger, each, DONE) for each in "abc"])  # type: ignore[misc]  # one each

    looks = list(follow(ledger, ["b"], pauses=hours.pauses))

    assert (looks[0].rate, looks[0].left) == (None, None)
    assert [look.rate for look in looks[1:]] == [1 / LOOK_EVERY] * 3
    assert looks[1].left == 2 * LOOK_EVERY


def test_patience_ends(ledger: RedisLedger) -> None:
    """The last look says that it is not done."""
    ledger.submit([ENTRY])
    looks = list(follow(ledger, ["b"], patience=1.0, pauses=Hours().pauses))
    assert not looks[-1].done


def test_batches_may_come_along(ledger: RedisLedger) -> None:
    """They are followed with the others."""
    ledger.submit([ENTRY, replace(ENTRY, id="x", batch="second")])
    batches = ["b"]
    hours = Hours(
        [
            lambda: batches.append("second"),
            lambda: (settled(ledger), settled(ledger, "x", REFUSED)),
        ]
    )

    looks = list(follow(ledger, batches, pauses=hours.pauses))

    assert [look.total for look in looks] == [1, 2, 2]
    assert failed(looks[-1]) == ["x"]
