"""Reports on their way: tried again, told of, and no secret in what is told."""

import pytest

from ops.reports import notify
from ops.reports.notify import ATTEMPTS, send, shown
from tests.unit.clock import Clock


class Reader:
    """Apprise, as far as it is asked: takes a message the so-maniest time."""

    def __init__(self, taken_at: int) -> None:
        self.taken_at = taken_at
        self.got: list[str] = []

    def add(self, address: str) -> bool:
        """Understand all addresses but one."""
        return "nonsense" not in address

    def notify(self, *, body: str, title: str, body_format: object) -> bool:
        """Take a message, at some time."""
        del body_format
        self.got.append(f"{title}\n{body}")
        return len(self.got) >= self.taken_at


@pytest.mark.parametrize(
    ("taken_at", "tries", "trouble"),
    [(1, 1, ""), (3, 3, ""), (99, ATTEMPTS, "not taken, in 4 attempts")],
)
def test_an_address_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, taken_at: int, tries: int, trouble: str
) -> None:
    """After longer and longer waits, and then it is told."""
    reader, clock = Reader(taken_at), Clock()
    monkeypatch.setattr("apprise.Apprise", lambda: reader)

    (sent,) = send(["slack://a/b/c"], "title", "page", clock.sleep)

    assert sent == notify.Sent("slack://***", trouble)
    assert reader.got == ["title\npage"] * tries
    assert len(clock.waits) == tries - 1
    assert all(wait >= notify.FIRST_WAIT for wait in clock.waits)


def test_one_that_does_not_take_it_hinders_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that is no address."""
    monkeypatch.setattr("apprise.Apprise", lambda: Reader(1))
    sent = send(["nonsense://x", "json://host"], "title", "page", Clock().sleep)
    assert [(each.to, bool(each.trouble)) for each in sent] == [
        ("nonsense://***", True),
        ("json://***", False),
    ]


@pytest.mark.parametrize(
    ("address", "what"),
    [("mailto://user:word@host?to=x", "mailto://***"), ("user:word@host", "***"), ("", "***")],
)
def test_an_address_is_never_shown_whole(address: str, what: str) -> None:
    """It may be all secret."""
    assert shown(address) == what
