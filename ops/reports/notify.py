"""Send reports by Apprise (imported only here). Target addresses hold secrets."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from worker.execution.retry_policy import retry_until_true

#: Attempts per target, and the first wait in seconds.
ATTEMPTS, FIRST_WAIT = 4, 2.0


class Sent(NamedTuple):
    """The result of sending a report to one target."""

    #: The target's scheme, which is safe to show.
    to: str
    #: Why it failed, if it did.
    trouble: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        return {"to": self.to, "sent": not self.trouble, "trouble": self.trouble or None}


def send(
    addresses: Sequence[str],
    title: str,
    page: str,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Sent]:
    """Send a Markdown page to each target; a failing one does not affect the others."""
    return [_send_to(address, title, page, sleep) for address in addresses]


def shown(address: str) -> str:
    """Return a target without its secrets."""
    scheme, found, _ = address.partition("://")
    return f"{scheme}://***" if found else "***"


def _send_to(address: str, title: str, page: str, sleep: Callable[[float], None]) -> Sent:
    from apprise import Apprise, NotifyFormat  # noqa: PLC0415  # who sends nothing needs none of it

    # Apprise's log may quote a target; `Sent` says the same in short.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    post: Any = Apprise()
    if not post.add(address):
        return Sent(shown(address), "Apprise does not understand this address")

    def deliver() -> bool:
        return bool(post.notify(body=page, title=title, body_format=NotifyFormat.MARKDOWN))

    arrived = retry_until_true(deliver, ATTEMPTS, FIRST_WAIT, sleep)
    return Sent(shown(address), "" if arrived else f"not taken, in {ATTEMPTS} attempts")
