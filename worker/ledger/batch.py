"""Batches: operations that were submitted together, and the webhook that is called at their end."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from redis import Redis

from worker.keyring import KeyRing, canonical
from worker.ledger.clock import LedgerClock
from worker.ledger.codec import dump, flag, ms, whole
from worker.ledger.decoding import decoding
from worker.ledger.record import clean, iso
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.script_runner import ScriptRunner
from worker.ledger.states import State, WebhookState

#: Seconds without a submission after which a batch that is not closed counts as broken off.
OPEN_LASTS = 3600.0

#: Seconds after which a batch without records is deleted.
EMPTY_LASTS = 86_400

#: What the keys of this purpose sign.
_PURPOSE = "webhook"

#: Ends the host and port of a URL.
_PATH = re.compile("[/?#]")


def mark_of_file(keyring: KeyRing, content: bytes) -> str:
    """Return the keyed digest of a submitted file, from which its content cannot be guessed."""
    return keyring.mark("file", hashlib.sha256(content).hexdigest())


def vouched(batch: str, url: str) -> bytes:
    """Return what is signed of a webhook: its batch and its URL."""
    return canonical([batch, url])


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The webhook of a batch, and its progress. Times are ms since 1970."""

    url: str = field(repr=False)
    told: WebhookState = WebhookState.OPEN
    #: Whether all of the batch was submitted; else the webhook tells of a part.
    complete: bool = False
    #: How often the webhook started again because the batch was resumed.
    tellings: int = 0
    #: Requests so far, and deferrals.
    tries: int = 0
    deferrals: int = 0
    #: When the batch settled, when the first request went out, and when the next is due.
    settled_at: int | None = None
    first_at: int | None = None
    due_at: int | None = None
    #: The result of the last request, in words.
    said: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that is shown as JSON; the URL without its query, a possible secret."""
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
    """What is stored of a batch when it is submitted."""

    source: str | None = None
    #: When it was opened (ms since 1970); the ledger sets it.
    at: int | None = None
    #: The name, path and digest (see mark_of_file) of the file that it came in.
    file: str | None = None
    path: str | None = None
    digest: str | None = None
    #: Of a sheet: its columns by field, and its name in the workbook.
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    #: Digest of the request that named the batch, so that no other request resumes it.
    asks: str | None = None
    #: Number of operations that will be submitted, if known.
    expected: int | None = None
    webhook: Webhook | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that is shown as JSON."""
        return {
            "source": self.source,
            "at": iso(self.at),
            "file": self.file,
            "webhook": self.webhook.to_dict() if self.webhook else None,
        }


class WebhookCall(NamedTuple):
    """A webhook that whoever took it is to call."""

    batch: str
    about: BatchInfo
    webhook: Webhook
    counts: Mapping[State, int]
    #: Number of this take: a later one ends all earlier ones.
    token: int
    #: When it was taken, in ms since 1970 by the ledger's clock.
    at: int
    #: Whether its URL is signed with the key ring; else somebody wrote it into Redis by hand.
    signed: bool

    @property
    def receiver(self) -> str:
        """Scheme, host and port of its URL."""
        scheme, _, rest = self.webhook.url.partition("//")
        return f"{scheme}//{_PATH.split(rest, maxsplit=1)[0]}"


class DeliveryResult(NamedTuple):
    """The result of calling a webhook."""

    told: WebhookState
    tries: int
    said: str
    #: Of a deferred one: seconds until the next call, and whether the next deferral is longer.
    due_in: float = 0.0
    counts: bool = False


class BatchStore:
    """The batches in one Redis database. Each method raises UnavailableError.

    `keyring` signs the addresses of webhooks and tells those that are signed.
    """

    def __init__(self, redis: Redis, scripts: ScriptRunner, keyring: KeyRing) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._scripts = scripts
        self._keyring = keyring

    def open(self, batch: str, info: BatchInfo) -> bool:
        """Store a new batch, before its operations; return False if it exists."""
        values = {
            "source": info.source,
            "file": info.file,
            "path": info.path,
            "digest": info.digest,
            "columns": dump(dict(info.columns)) if info.columns else None,
            "sheet": info.sheet,
            "asks": info.asks,
            "expected": str(info.expected) if info.expected else None,
            **self._webhook_of(batch, info.webhook),
        }
        pairs = [text for name, value in values.items() if value for text in (name, clean(value))]
        return bool(self._scripts.run("batch", "open", batch, ms(OPEN_LASTS), EMPTY_LASTS, *pairs))

    def _webhook_of(self, batch: str, webhook: Webhook | None) -> Mapping[str, str]:
        """Return the address of a webhook, and the signature without which nobody calls it."""
        if webhook is None:
            return {}
        url = clean(webhook.url)
        return {"webhook": url, "mac": self._keyring.mac(_PURPOSE, vouched(batch, url))}

    def close(self, batch: str) -> None:
        """Mark a batch as complete: all its operations were submitted. An empty one is deleted.

        A producer that breaks off does not close its batch: the webhook then tells of a part, an
        hour after the last operations came, and of the whole once the batch was resumed and closed.
        """
        self._scripts.run("batch", "close", batch)

    def drop(self, batch: str) -> None:
        """Delete a batch that has no records."""
        self._scripts.run("batch", "drop", batch)

    def info(self, batch: str) -> BatchInfo | None:
        """Return what was stored of a batch; None if there is no such batch."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hgetall(self._keys.batch_about(batch))
            pipeline.hgetall(self._keys.clock)
            found, clock = pipeline.execute()
        return _info_of(found, LedgerClock.of(clock).told) if found else None

    @decoding("the kinds of a batch")
    def kinds(self, batch: str) -> Collection[tuple[str, str]]:
        """Return (school, operation) of each kind of record that a batch has, or had."""
        with translate_redis_errors():
            found = self._redis.smembers(self._keys.batch_kinds(batch))
        return [(school, operation) for school, operation in map(json.loads, found)]

    @decoding("a webhook")
    def take_webhook(self, lasts: float, called: Collection[str] = ()) -> WebhookCall | None:
        """Take a webhook that is due, for `lasts` seconds; None if there is none.

        Receivers (scheme, host and port) in `called` are passed over.
        """
        found = self._scripts.run("webhook", "take", ms(lasts), *called)
        if not found:
            return None
        batch, now, values, counts = found
        values = _pairs(values)
        info = _info_of(values)
        webhook = info.webhook or Webhook(url="")
        by_state = {State(state): int(number) for state, number in _pairs(counts).items()}
        said = vouched(batch, webhook.url)
        signed = self._keyring.verify(_PURPOSE, said, values.get("mac", ""))
        return WebhookCall(batch, info, webhook, by_state, int(values["takes"]), int(now), signed)

    def record_delivery(self, call: WebhookCall, result: DeliveryResult) -> bool:
        """Record the result of a call; return False if the call has been taken over since."""
        told, tries, said, due_in, counts = result
        arguments = (call.batch, call.token, told.value, tries, clean(said), ms(due_in))
        return bool(self._scripts.run("webhook", "note", *arguments, flag(counts)))


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


@decoding("what was said of a batch")
def _info_of(values: Mapping[str, str], told: Callable[[int], int] = int) -> BatchInfo:
    """Read what was said of a batch. Raises UnreadableValueError."""
    info = _fields_of(values)
    if "webhook" not in values:
        return info
    return replace(info, webhook=_webhook_in(values, told))


def _fields_of(values: Mapping[str, str]) -> BatchInfo:
    return BatchInfo(
        source=values.get("source"),
        at=whole(values.get("at")),
        file=values.get("file"),
        path=values.get("path"),
        digest=values.get("digest"),
        columns=json.loads(values.get("columns", "{}")),
        sheet=values.get("sheet"),
        asks=values.get("asks"),
        expected=whole(values.get("expected")),
    )


def _webhook_in(values: Mapping[str, str], told: Callable[[int], int]) -> Webhook:
    return Webhook(
        url=values["webhook"],
        told=WebhookState(values["told"]),
        complete="complete" in values,
        tellings=int(values.get("tellings", 0)),
        tries=int(values.get("tries", 0)),
        deferrals=int(values.get("deferrals", 0)),
        settled_at=whole(values.get("settled_at")),
        first_at=whole(values.get("first_at")),
        due_at=told(int(values["due_at"])) if "due_at" in values else None,
        said=values.get("said", ""),
    )


def without_query(url: str) -> str:
    """Return a URL without its query and fragment, which may be secrets; "" if it is malformed."""
    try:
        return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
    except ValueError:
        return ""
