"""The ledger in Redis: one Lua script for each change; reading.py has the rest."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from worker.classin.errors import Fault, InvalidInput, LeaseLost
from worker.ledger import keys
from worker.ledger.encoding import arguments_of, dues, dump, flag, ms, pairs, record_of
from worker.ledger.ledger import Advanced, Claim, Due, Entered, Standing
from worker.ledger.lifecycle import State
from worker.ledger.reading import RedisReader, no_record, reaching_redis
from worker.ledger.record import Attempt, Submission, clean

#: Records that one script call takes in.
CHUNK = 500

#: Bytes of files after which a script call takes in no further record.
HEAVIEST = 8 * 1024 * 1024

#: Seconds that a worker would rather wait for its pace than put a record off.
SHORT_WAIT = 0.25

#: A record whose workers fell silent so often is what kills them.
DEATHS = 3

#: Put in front of every script, in this order.
SHARED = ("ledger", "followers", "schools")

#: One for each change.
SCRIPTS = (
    "submit", "claim", "begin", "advance", "beat", "due", "adrift", "unpark", "gate",
    "cancel", "hold",
)  # fmt: skip


def connect(url: str, *, patient: bool = False, submits: bool = False) -> Redis:
    """Open a client. A patient one (a worker's) sits out half a minute without Redis.

    One that `submits` sits out a few seconds, in which Redis may start again.
    """
    retries = 20 if patient else 5 if submits else 0
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=2,
        socket_timeout=5,
        retry=Retry(ExponentialWithJitterBackoff(base=0.1, cap=2), retries),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )


class RedisLedger(RedisReader):
    """A Ledger in one Redis database. `clock` gives ms since 1970; None: Redis's own time."""

    def __init__(self, redis: Redis, clock: Callable[[], int] | None = None) -> None:
        super().__init__(redis)
        self._clock = clock
        folder = resources.files("worker.ledger") / "scripts"
        texts = {
            name: (folder / f"{name}.lua").read_text(encoding="utf-8")
            for name in (*SHARED, *SCRIPTS)
        }
        shared = "".join(texts[name] for name in SHARED)
        self._scripts = {name: redis.register_script(shared + texts[name]) for name in SCRIPTS}

    def submit(self, submissions: Sequence[Submission]) -> Sequence[Entered]:
        """Record new operations, a chunk in one step; see Ledger."""
        entered: list[Entered] = []
        for chunk in chunks(submissions):
            arguments = [argument for each in chunk for argument in arguments_of(each)]
            found = self._run("submit", *arguments)
            if found and found[0] in _REFUSALS:
                position = len(entered) + int(found[1])
                fault = Fault(str(position), _REFUSALS[found[0]].format(found[2]))
                raise InvalidInput("nothing was submitted", [fault])
            triples = zip(found[::3], found[1::3], found[2::3], strict=True)
            entered += [Entered(each, bool(new), bool(ready)) for each, new, ready in triples]
        return entered

    def claim(
        self, record_id: str, lease: str, worker: str, lasts: float, full: Iterable[str] = ()
    ) -> Claim | None:
        """Take the lease on a record; see Ledger."""
        schools = "".join(f" {school} " for school in full)
        found = self._run("claim", record_id, lease, worker, ms(lasts), ms(SHORT_WAIT), schools)
        if found == "missing":
            raise no_record(record_id)
        if isinstance(found, str):
            return None
        at, wait, values = found
        values = pairs(values)
        record = record_of(record_id, values)
        return Claim(lease, record, int(values["claims"]), int(at), int(wait) / 1000)

    def begin(self, claim: Claim, fields: Mapping[str, Any] | None = None) -> None:
        """Note that a request is about to be sent; see Ledger."""
        text = "" if fields is None else dump(fields)
        if not self._run("begin", claim.record.id, claim.lease, claim.token, text):
            raise _lease_lost(claim)

    def advance(
        self, claim: Claim, standing: Standing, attempt: Attempt | None, lasts: float = 0.0
    ) -> Advanced:
        """Note an attempt and move the record; see Ledger."""
        found = self._run(
            "advance",
            claim.record.id,
            claim.lease,
            claim.token,
            standing.state.value,
            standing.reason.value if standing.reason else "",
            "" if standing.code is None else standing.code,
            clean(standing.message),
            dump(standing.result) if standing.result else "",
            flag(standing.already),
            flag(standing.unread),
            attempt.encode() if attempt else "",
            attempt.n if attempt else 0,
            ms(standing.due_in),
            flag(standing.counts),
            ms(lasts),
            standing.access or "",
            "" if standing.slow_down is None else ms(standing.slow_down),
            " ".join(str(ms(pause)) for pause in standing.looks),
        )
        if not found:
            raise _lease_lost(claim)
        state, wait, *released = found
        return Advanced(State(state), int(wait) / 1000, dues(released))

    def beat(self, worker: str, lasts: float, in_hand: Sequence[Claim]) -> Sequence[str]:
        """Renew what a worker has in hand; see Ledger."""
        leases = [text for each in in_hand for text in (each.record.id, each.lease, each.token)]
        return list(self._run("beat", worker, ms(lasts), *leases))

    def unpark(self, limit: int, school: str = "") -> Sequence[Due]:
        """Give parked records back; see Ledger."""
        return dues(self._run("unpark", limit, school))

    def due(self, limit: int, *, orphans: bool) -> Sequence[Due]:
        """Give what must be carried to a worker; see Ledger."""
        return dues(self._run("due", limit, flag(orphans), DEATHS))

    def adrift(self, limit: int, slack: float, *, queue_empty: bool) -> Sequence[Due]:
        """Give what is queued without a message; see Ledger."""
        return dues(self._run("adrift", limit, ms(slack), flag(queue_empty)))

    def hold(self, what: str, who: str, seconds: float) -> bool:
        """Take, or renew, the sole right to something; see Ledger."""
        return bool(self._run("hold", what, who, ms(seconds)))

    def set_paces(self, paces: Mapping[str, float]) -> None:
        """Say how far apart requests must be; see Ledger."""
        with reaching_redis():
            pipeline = self._redis.pipeline()
            pipeline.delete(keys.PACES)
            for what, interval in paces.items():
                pipeline.hset(keys.PACES, what, str(round(interval)))
            pipeline.execute()

    def pause(self, school: str, why: str) -> bool:
        """Let a school's operations wait; see Ledger."""
        return bool(self._run("gate", school, "pause", clean(why)))

    def resume(self, school: str) -> bool:
        """Open a school; see Ledger."""
        return bool(self._run("gate", school, "resume", ""))

    def cancel(self, record_id: str) -> tuple[State, Sequence[Due]]:
        """Call a record off; see Ledger."""
        state, *released = self._run("cancel", record_id)
        if state == "missing":
            raise no_record(record_id)
        return State(state), dues(released)

    def _run(self, name: str, *arguments: str | int) -> Any:  # noqa: ANN401  # as Redis answers
        now = "" if self._clock is None else self._clock()
        with reaching_redis():
            return self._scripts[name](args=(now, *arguments))


#: What keeps a submission from being taken in, with the id that it is about.
_REFUSALS = {
    "conflict": "the dedup key is that of {}, which asks for something else",
    "unknown": "waits for {}, which is no record",
}


def _lease_lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"another worker has {claim.record.id} now")


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
