"""The doctor's judgements."""

import pytest

from ops.doctor import TOO_FAR, clock, clock_step, credentials, signing_clock
from ops.health.finding import Health
from ops.health.redis_server import server
from tests.unit.stage import said
from worker.classin.operations.cloud import GetTopFolderId
from worker.classin.response import Reply
from worker.execution.clock_skew import CLOSE_ENOUGH, CORRECTABLE, ClockSample
from worker.ledger.clock import TOLD_FOR, LedgerClock


@pytest.mark.parametrize(
    ("skew", "health", "words"),
    [
        (0.0, Health.WELL, "0 ms behind"),
        (0.04, Health.WELL, "40 ms ahead"),
        (CLOSE_ENOUGH, Health.WELL, "5.0 s ahead"),
        (-CLOSE_ENOUGH, Health.WELL, "5.0 s behind"),
        (CLOSE_ENOUGH + 0.1, Health.WARNING, "5.1 s ahead"),
        (-CLOSE_ENOUGH - 0.1, Health.WARNING, "5.1 s behind"),
        (TOO_FAR, Health.ILL, "2 min ahead"),
        (-TOO_FAR, Health.ILL, "2 min behind"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(skew: float, health: Health, words: str) -> None:
    """A little does not matter, more is a warning, and minutes are ill."""
    finding = clock("clock", skew)
    assert (finding.subject, finding.health, finding.said) == ("clock", health, words)
    assert bool(finding.todo) == (health is not Health.WELL)


@pytest.mark.parametrize(
    ("skew", "took", "health", "words"),
    [
        (0.0, 0, Health.WELL, "0 ms behind"),
        (CLOSE_ENOUGH, 0, Health.WELL, "5.0 s ahead"),
        (-14, 30, Health.WELL, "14 s behind"),
        (CLOSE_ENOUGH + 0.1, 0, Health.WARNING, "5.1 s ahead; the worker corrects that"),
        (-CORRECTABLE, 0, Health.WARNING, "10 min behind; the worker corrects that"),
        (
            CORRECTABLE + 1,
            0,
            Health.ILL,
            "10 min 1 s ahead; the worker corrects at most 10 min",
        ),
    ],
)
def test_what_the_worker_corrects_is_a_warning(
    skew: float, took: float, health: Health, words: str
) -> None:
    """What it does not is ill; what a slow reply leaves open is nothing."""
    middle = 1_800_000_000.5 + skew
    finding = signing_clock(ClockSample(middle - took / 2, middle + took / 2, 1_800_000_000))
    assert (finding.subject, finding.health) == ("clock against ClassIn", health)
    assert finding.said == words
    assert bool(finding.todo) == (health is not Health.WELL)


@pytest.mark.parametrize(
    ("reply", "health", "words"),
    [
        (said(1, data=5), Health.WELL, "SID and secret are accepted"),
        (said(106, "no data"), Health.WELL, "SID and secret are accepted"),
        (said(102, "no permission"), Health.ILL, "102 no permission"),
        (said(29057, "fees"), Health.ILL, "29057 fees"),
        (said(104, "unknown error"), Health.WARNING, "could not be tried: 104 unknown error"),
        (said(901, "maintenance"), Health.WARNING, "could not be tried: 901 maintenance"),
        (said(1, "ok", http=503), Health.WARNING, "could not be tried: 1 ok"),
        (
            said(None, "the answer is not JSON", http=403),
            Health.WARNING,
            "could not be tried: the answer is not JSON",
        ),
    ],
)
def test_credentials_are_judged_by_what_classin_says(
    reply: Reply, health: Health, words: str
) -> None:
    """Refused for another reason, we were let in all the same."""
    finding = credentials("school main", GetTopFolderId(), reply, 0.0)
    assert (finding.health, finding.said) == (health, words)
    assert bool(finding.todo) == (health is not Health.WELL)


def test_a_wrong_clock_is_not_taken_for_a_wrong_secret() -> None:
    """Both are answered by 102: two hours off, it is the clock that has to be set first."""
    finding = credentials("school main", GetTopFolderId(), said(102, "no permission"), 7200.0)
    assert finding.health is Health.ILL
    assert finding.said == "our time was not accepted: 102 no permission"
    assert "NTP" in finding.todo


@pytest.mark.parametrize(
    ("info", "health", "words"),
    [
        ({"redis_version": "6.0.16"}, Health.ILL, "Redis 6.0.16 is too old"),
        ({"redis_version": "6.2.14"}, Health.WELL, "Redis 6.2.14 answers"),
        ({"redis_version": "10.0.0"}, Health.WELL, "Redis 10.0.0 answers"),
        (
            {"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.2"},
            Health.WELL,
            "Valkey 9.1.2 answers",
        ),
    ],
)
def test_a_server_is_judged_by_its_own_version(
    info: dict[str, str], health: Health, words: str
) -> None:
    """Valkey's is not the one that it gives as Redis's."""
    finding = server(info)
    assert (finding.health, finding.said) == (health, words)
    assert bool(finding.todo) == (health is not Health.WELL)


def test_a_step_of_redis_s_clock_is_told() -> None:
    """With how far it went, when, and what that does not concern."""
    seen = LedgerClock(7_200_000, 1_800_000_000_000, 7_200_000)
    finding = clock_step(seen)
    assert finding.health is Health.WARNING
    assert finding.said.startswith("went back by 2 h at 2027-01-15T08:00:00")
    assert "leases and due times are not affected" in finding.said
    assert seen.stepped_lately(1_800_000_000_000 + TOLD_FOR - 1)
    assert not seen.stepped_lately(1_800_000_000_000 + TOLD_FOR)
    assert not LedgerClock(500).stepped_lately(1_800_000_000_000)
