"""What a worker does every few seconds, whatever happens."""

import logging
import threading

import pytest

from worker.errors import UnavailableError
from worker.periodic import PeriodicThread

#: Seconds until a thread that does not end is given up: a limit, not a measure.
LIMIT = 60


class Doing:
    """Goes through a script, then stops the rounds that it is part of."""

    def __init__(self, *script: Exception | None) -> None:
        self._script = list(script)
        self.rounds = PeriodicThread("beat", self, every=0.001)
        self.threads = set[threading.Thread]()

    def __call__(self) -> None:
        """Do what comes next."""
        self.threads.add(threading.current_thread())
        act = self._script.pop(0)
        if not self._script:
            self.rounds.stop()
        if act is not None:
            raise act

    def to_the_end(self) -> None:
        """Go round until the script is over."""
        self.rounds.start()
        self.rounds.join(LIMIT)
        assert not self.rounds.is_alive()
        assert self._script == []


def test_it_is_done_again_and_again() -> None:
    """In a thread of its own, which keeps no process from ending."""
    doing = Doing(None, None, None)
    doing.to_the_end()
    assert doing.threads == {doing.rounds}
    assert doing.rounds.daemon


def test_trouble_is_told_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """And the next round comes."""
    Doing(UnavailableError("Redis is away"), UnavailableError("still"), None).to_the_end()
    told = [(record.levelno, record.message) for record in caplog.records]
    assert told == [(logging.WARNING, "beat: Redis is away"), (logging.WARNING, "beat: still")]


def test_trouble_that_lasts_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """And that it is over; the same trouble later is news again."""
    caplog.set_level(logging.INFO)
    away = [UnavailableError("Redis is away") for _ in range(3)]
    Doing(*away, None, None, away[0], ZeroDivisionError(), ZeroDivisionError(), None).to_the_end()
    told = [(record.levelno, record.message) for record in caplog.records]
    assert told == [
        (logging.WARNING, "beat: Redis is away"),
        (logging.INFO, "beat goes on"),
        (logging.WARNING, "beat: Redis is away"),
        (logging.ERROR, "beat: the next round comes all the same"),
        (logging.INFO, "beat goes on"),
    ]


def test_what_nobody_foresaw_is_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    """And the next round comes all the same."""
    Doing(ZeroDivisionError("what?"), None).to_the_end()
    (record,) = caplog.records
    assert (record.levelno, record.message) == (
        logging.ERROR, "beat: the next round comes all the same",
    )  # fmt: skip
    assert record.exc_info is not None


def test_the_wait_for_the_next_round_ends_with_a_stop() -> None:
    """Nobody waits an hour for a worker to leave."""
    begun = threading.Event()
    rounds = PeriodicThread("beat", begun.set, every=3600)
    rounds.start()
    assert begun.wait(LIMIT)
    rounds.stop()
    rounds.join(LIMIT)
    assert not rounds.is_alive()


def test_what_was_stopped_before_it_began_does_nothing() -> None:
    """Its worker left at once."""
    begun = threading.Event()
    rounds = PeriodicThread("beat", begun.set, every=3600)
    rounds.stop()
    rounds.start()
    rounds.join(LIMIT)
    assert not begun.is_set()
