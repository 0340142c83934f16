"""The ledger in Redis: one Lua script for each change, plain reads for the rest."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import resources
from itertools import islice
from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from worker.classin.errors import Fault, InvalidInput, LeaseLost, NotFound, Unavailable
from worker.ledger import keys
from worker.ledger.ledger import Claim, Counts, Due, Filter, Page, Standing
from worker.ledger.lifecycle import Reason, State
from worker.ledger.record import Attempt, Record, Submission, clean

#: Records that one script call takes in.
CHUNK = 500

#: Bytes of files after which a script call takes in no further record.
HEAVIEST = 8 * 1024 * 1024

#: Bytes of a file that are kept, and read, together.
PIECE = 1024 * 1024

#: Records that one round of paging looks at.
WINDOW = 200

_SCRIPTS = ("submit", "claim", "advance", "due", "waiting", "hold")


def connect(url: str, *, patient: bool = False) -> Redis:
    """Open a client. A patient one (a worker's) sits out half a minute without Redis."""
    retry = (
        Retry(ExponentialWithJitterBackoff(base=0.1, cap=2), 20)
        if patient
        else Retry(NoBackoff(), 0)
    )
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=2,
        socket_timeout=5,
        retry=retry,
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )


class RedisLedger:
    """A Ledger in one Redis database. `clock` gives ms since 1970; None: Redis's own time."""

    def __init__(self, redis: Redis, clock: Callable[[], int] | None = None) -> None:
        self._redis = redis
        self._clock = clock
        folder = resources.files("worker.ledger") / "scripts"
        shared = (folder / "ledger.lua").read_text(encoding="utf-8")
        self._scripts = {
            name: redis.register_script(
                shared + (folder / f"{name}.lua").read_text(encoding="utf-8")
            )
            for name in _SCRIPTS
        }

    def submit(self, submissions: Sequence[Submission]) -> int:
        """Record new operations, a chunk in one step; see Ledger."""
        new = 0
        for chunk in chunks(submissions):
            arguments = [argument for submission in chunk for argument in _arguments(submission)]
            new += int(self._run("submit", self._now(), *arguments))
        return new

    def claim(self, record_id: str, lease: str, lasts: float) -> Claim | None:
        """Take the lease on a record; see Ledger."""
        found = self._run("claim", self._now(), record_id, lease, _ms(lasts))
        if found == "missing":
            raise NotFound(_missing(record_id))
        if found == "busy":
            return None
        return Claim(lease, _record(record_id, dict(zip(found[::2], found[1::2], strict=True))))

    def advance(
        self, claim: Claim, standing: Standing, attempt: Attempt | None, lasts: float = 0.0
    ) -> None:
        """Note an attempt and move the record; see Ledger."""
        held = self._run(
            "advance",
            self._now(),
            claim.record.id,
            claim.lease,
            standing.state.value,
            standing.reason.value if standing.reason else "",
            "" if standing.code is None else standing.code,
            clean(standing.message),
            _dump(standing.result) if standing.result else "",
            _flag(standing.already),
            _flag(standing.unread),
            attempt.encode() if attempt else "",
            attempt.n if attempt else 0,
            _ms(standing.due_in),
            _flag(standing.counts),
            _ms(lasts),
        )
        if not held:
            raise LeaseLost(f"another worker has {claim.record.id} now")

    def due(self, limit: int, again_after: float) -> Sequence[Due]:
        """Give what must be carried to a worker; see Ledger."""
        found = self._run("due", self._now(), limit, _ms(again_after))
        return [Due(*pair) for pair in zip(found[::2], found[1::2], strict=True)]

    def waiting(self, limit: int, longer_than: float) -> Sequence[Due]:
        """Give what has been queued for long; see Ledger."""
        found = self._run("waiting", self._now(), limit, _ms(longer_than))
        return [Due(*pair) for pair in zip(found[::2], found[1::2], strict=True)]

    def hold(self, what: str, who: str, seconds: float) -> bool:
        """Take, or renew, the sole right to something; see Ledger."""
        return bool(self._run("hold", what, who, _ms(seconds)))

    def holder(self, what: str) -> str | None:
        """Say who has the sole right to something now; see Ledger."""
        with _reaching_redis():
            holder = self._redis.get(keys.hold(what))
        return None if holder is None else str(holder)

    def find(self, record_id: str) -> Record:
        """Give one record; see Ledger."""
        found = self.find_all([record_id])
        if not found:
            raise NotFound(_missing(record_id))
        return found[0]

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Give those records that are there; see Ledger."""
        with _reaching_redis():
            pipeline = self._redis.pipeline(transaction=False)
            for record_id in record_ids:
                pipeline.hgetall(keys.record(record_id))
            found = pipeline.execute()
        return [
            _record(record_id, values)
            for record_id, values in zip(record_ids, found, strict=True)
            if values
        ]

    def piece(self, record_id: str, name: str, number: int) -> bytes:
        """Give a piece of a file; see Ledger."""
        with _reaching_redis():
            return base64.b64decode(
                self._redis.hget(keys.file(record_id), f"{name}:{number}") or ""
            )

    def page(self, chosen: Filter, limit: int, cursor: str | None = None) -> Page:
        """List records, newest first; see Ledger."""
        records = list(islice(self._walk(chosen, cursor), limit + 1))
        more = len(records) > limit
        return Page(records[:limit], str(records[limit - 1].place) if more else None)

    def counts(self) -> Counts:
        """Count the records; see Ledger."""
        with _reaching_redis():
            found = self._redis.hgetall(keys.COUNTS)
        counts: dict[tuple[str, State], int] = {}
        for name, number in found.items():
            operation, _, state = str(name).partition(" ")
            counts[operation, State(state)] = int(number)
        return Counts(counts)

    def batch(self, batch: str) -> Mapping[State, int]:
        """Count the records of a batch by state; see Ledger."""
        with _reaching_redis():
            found = self._redis.hgetall(keys.batch(batch))
        return {State(str(state)): int(number) for state, number in found.items()}

    def codes(self) -> Mapping[int, int]:
        """Count the records by code; see Ledger."""
        with _reaching_redis():
            found = self._redis.hgetall(keys.CODES)
        return {int(code): int(number) for code, number in found.items()}

    def _walk(self, chosen: Filter, cursor: str | None) -> Iterator[Record]:
        """Go through the smallest index that serves, and leave out what does not fit."""
        wanted = {
            name: str(value)
            for name, value in asdict(chosen).items()
            if name in keys.INDEXED and value is not None
        }
        index = self._smallest(wanted)
        lowest = "-inf" if chosen.since is None else str(chosen.since * 1000)
        highest = "+inf"
        if cursor is not None:
            if not (cursor.isascii() and cursor.isdecimal()):
                raise InvalidInput("cursor", [Fault("cursor", "should come from an earlier page")])
            highest = f"({cursor}"
        while True:
            with _reaching_redis():
                found = self._redis.zrevrangebyscore(
                    index, highest, lowest, start=0, num=WINDOW, withscores=True
                )
            if not found:
                return
            places = [(str(record_id), score) for record_id, score in found]  # type: ignore[str-unpack]  # pairs, with scores
            records = self.find_all([record_id for record_id, _ in places])
            yield from (record for record in records if _fits(record, wanted))
            highest = f"({float(places[-1][1]):.0f}"

    def _smallest(self, wanted: Mapping[str, str]) -> str:
        indexes = [keys.index(name, value) for name, value in wanted.items()] or [keys.ALL]
        with _reaching_redis():
            sizes = {index: self._redis.zcard(index) for index in indexes}
        return min(indexes, key=lambda index: sizes[index])

    def _run(self, name: str, *arguments: str | int) -> Any:  # noqa: ANN401  # as Redis answers
        with _reaching_redis():
            return self._scripts[name](args=arguments)

    def _now(self) -> str | int:
        return "" if self._clock is None else self._clock()


def chunks(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """Divide submissions into what one script call takes in, by number and weight."""
    chunk: list[Submission] = []
    weight = 0
    for submission in submissions:
        chunk.append(submission)
        weight += sum(map(len, submission.contents.values()))
        if len(chunk) == CHUNK or weight >= HEAVIEST:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


@contextmanager
def _reaching_redis() -> Iterator[None]:
    """Say in one line what keeps Redis from answering."""
    try:
        yield
    except RedisError as error:
        raise Unavailable(f"Redis does not answer as it should: {error}") from error


def _arguments(submission: Submission) -> tuple[str, ...]:
    """Give one record's share of submit.lua's ARGV."""
    pieces = list(_pieces(submission.contents))
    return (
        submission.id,
        submission.operation,
        clean(submission.school),
        _dump(submission.fields),
        clean(submission.lane or ""),
        clean(submission.batch or ""),
        clean(submission.source or ""),
        _flag(submission.accepts_existing),
        submission.retry_of or "",
        str(len(pieces)),
        *(text for piece in pieces for text in piece),
    )


def _pieces(contents: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Cut files into pieces: `NAME:NUMBER` and base 64."""
    for name, content in contents.items():
        for number, start in enumerate(range(0, len(content), PIECE)):
            piece = base64.b64encode(content[start : start + PIECE]).decode()
            yield f"{name}:{number}", piece


def _record(record_id: str, values: Mapping[str, str]) -> Record:
    """Read a record's hash."""
    return Record(
        id=record_id,
        operation=values["operation"],
        school=values["school"],
        fields=json.loads(values["fields"]),
        state=State(values["state"]),
        place=int(values["place"]),
        enqueued_at=int(values["enqueued_at"]),
        reason=Reason(values["reason"]) if "reason" in values else None,
        code=_whole(values.get("code")),
        message=values.get("message"),
        result=json.loads(values["result"]) if "result" in values else None,
        already="already" in values,
        attempts=tuple(map(Attempt.decode, values.get("attempts", "").split("\n")[:-1])),
        batch=values.get("batch"),
        lane=values.get("lane"),
        source=values.get("source"),
        accepts_existing="accepts" in values,
        retry_of=values.get("retry_of"),
        retried_by=values.get("retried_by"),
        unread="unread" in values,
        deferrals=int(values.get("deferrals", 0)),
        started_at=_whole(values.get("started_at")),
        finished_at=_whole(values.get("finished_at")),
        due_at=_whole(values.get("due_at")),
    )


def _fits(record: Record, wanted: Mapping[str, str]) -> bool:
    return all(str(getattr(record, name)) == value for name, value in wanted.items())


def _missing(record_id: str) -> str:
    return f"there is no record {record_id!r}"


def _dump(value: object) -> str:
    return clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _flag(value: bool) -> str:  # noqa: FBT001  # it writes one
    return "1" if value else ""


def _whole(text: str | None) -> int | None:
    return int(text) if text else None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
