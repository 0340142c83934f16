"""The doctor's judgements."""

import pytest

from ops.doctor import CLOSE_ENOUGH, TOO_FAR, Health, clock, credentials
from tests.unit.stage import said
from worker.classin.operations.cloud import GetTopFolderId
from worker.classin.reply import Reply


@pytest.mark.parametrize(
    ("skew", "health", "words"),
    [
        (0.0, Health.WELL, "0.0 s behind"),
        (0.04, Health.WELL, "0.0 s ahead"),
        (CLOSE_ENOUGH, Health.WELL, "5.0 s ahead"),
        (-CLOSE_ENOUGH, Health.WELL, "5.0 s behind"),
        (CLOSE_ENOUGH + 0.1, Health.WARNING, "5.1 s ahead"),
        (-CLOSE_ENOUGH - 0.1, Health.WARNING, "5.1 s behind"),
        (TOO_FAR, Health.ILL, "120.0 s ahead"),
        (-TOO_FAR, Health.ILL, "120.0 s behind"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(skew: float, health: Health, words: str) -> None:
    """A little does not matter, more is a warning, and near ClassIn's window it is ill."""
    finding = clock("clock", skew)
    assert (finding.subject, finding.health, finding.said) == ("clock", health, words)
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
    finding = credentials("school main", GetTopFolderId(), reply)
    assert (finding.health, finding.said) == (health, words)
    assert bool(finding.todo) == (health is not Health.WELL)
