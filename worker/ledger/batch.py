"""Batch: what is known of operations that were handed in together, as a whole."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

from worker.keyring import KeyRing, canonical
from worker.ledger.record import iso
from worker.ledger.states import State

#: Where the path of an address begins, behind its host.
_PATH = re.compile("[/?#]")


def mark_of_file(keyring: KeyRing, content: bytes) -> str:
    """Return what tells a file that was handed in; a short one cannot be guessed from it."""
    return keyring.mark("file", hashlib.sha256(content).hexdigest())


def vouched(batch: str, url: str) -> bytes:
    """Return what a key ring signs of a webhook: whom to tell, and of which batch."""
    return canonical([batch, url])


class WebhookState(StrEnum):
    """Where a batch's webhook stands."""

    #: Operations of the batch are still being handed in.
    OPEN = "open"
    #: Some of them are not settled.
    WAITING = "waiting"
    #: All are, and it is to be called.
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Whom to tell that a batch has settled, and how far that is. Times are ms since 1970."""

    url: str = field(repr=False)
    told: WebhookState = WebhookState.OPEN
    #: Whether all of the batch was handed in; else it is told of as a part.
    complete: bool = False
    #: How often it was begun to tell anew, because the batch went on.
    tellings: int = 0
    #: Requests so far, and how often it was put off.
    tries: int = 0
    deferrals: int = 0
    #: When the batch settled, when the first request went out, and when the next is due.
    settled_at: int | None = None
    first_at: int | None = None
    due_at: int | None = None
    #: What came of the last request.
    said: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give it as people and programs see it: of the address no query, which may be a secret."""
        return {
            "url": without_query(self.url),
            "state": self.told.value,
            "complete": self.complete,
            "tries": self.tries,
            "settled_at": iso(self.settled_at),
            "due_at": iso(self.due_at),
            "said": self.said or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """What was said of a batch when it was handed in."""

    source: str | None = None
    #: When, in ms since 1970; the ledger sets it.
    at: int | None = None
    #: The name of the file that it came in, where that lay, and the mark of what it held.
    file: str | None = None
    path: str | None = None
    digest: str | None = None
    #: Of a sheet: its columns by field, and its name in the workbook.
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    #: Sums up the request that the batch was named by, so that no other one goes on with it.
    asks: str | None = None
    #: How many operations are to be handed in, if that is known.
    expected: int | None = None
    webhook: Webhook | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as people and programs see it."""
        return {
            "source": self.source,
            "at": iso(self.at),
            "file": self.file,
            "webhook": self.webhook.to_dict() if self.webhook else None,
        }


class WebhookCall(NamedTuple):
    """A webhook that is to be called, by whoever took it."""

    batch: str
    about: BatchInfo
    webhook: Webhook
    counts: Mapping[State, int]
    #: Which taking it is: a later one ends all earlier ones.
    token: int
    #: When it was taken, in ms since 1970 by the ledger's clock.
    at: int
    #: Whether the key ring vouches for its address; else somebody wrote that into Redis by hand.
    signed: bool

    @property
    def receiver(self) -> str:
        """Whom it goes to: scheme, host and port."""
        scheme, _, rest = self.webhook.url.partition("//")
        return f"{scheme}//{_PATH.split(rest, maxsplit=1)[0]}"


class DeliveryResult(NamedTuple):
    """What came of calling a webhook."""

    told: WebhookState
    tries: int
    said: str
    #: Of one that is put off: for how long (seconds), and whether that lengthens the next pause.
    due_in: float = 0.0
    counts: bool = False


class Batches(Protocol):
    """What a store of records knows of batches as a whole."""

    def open_batch(self, batch: str, about: BatchInfo) -> bool:
        """Keep what is said of a batch, before its operations; False if that is known already."""

    def close_batch(self, batch: str) -> None:
        """Say that all of a batch is handed in; one without any operation is forgotten.

        Whoever breaks off does not: then it is told of as a part, an hour after its last
        operations came, and as a whole once it is gone on with and closed.
        """

    def drop_batch(self, batch: str) -> None:
        """Forget a batch that broke off before anything of it was recorded."""

    def about(self, batch: str) -> BatchInfo | None:
        """Give what was said of a batch; None if nothing was."""

    def kinds_of(self, batch: str) -> Collection[tuple[str, str]]:
        """Return the school and operation of each kind of which a batch has, or had, records."""

    def take_webhook(self, lasts: float, called: Collection[str] = ()) -> WebhookCall | None:
        """Take a webhook that is to be called now; after so many seconds others may.

        None of those receivers that are `called` already.
        """

    def note_webhook(self, call: WebhookCall, word: DeliveryResult) -> bool:
        """Note what came of a call; False if another took it meanwhile."""


def without_query(url: str) -> str:
    """Return an address without what may be a secret of it; "" if it is none."""
    try:
        return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
    except ValueError:
        return ""
