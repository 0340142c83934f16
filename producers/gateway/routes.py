"""Routes: each request is mapped to a service call and its response."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from producers.gateway.authentication import Access
from producers.gateway.body_reader import Incoming
from producers.gateway.docs_page import DOCS_PAGE, START, START_SCRIPT
from producers.gateway.event_feed import Feed
from producers.gateway.fair_share import Share
from producers.gateway.filters import Since, choose
from producers.gateway.health import AWAY, judged
from producers.gateway.openapi import catalogue, described, documents
from producers.gateway.problems import LATER, ProblemError
from producers.gateway.request_body import Asked, are_lines, read_body
from producers.gateway.service import GatewayService, Taken, must_read, must_write, names_files
from producers.intake.thread_pool import Pool
from worker.errors import UnavailableError
from worker.ledger.api_keys import ApiKey
from worker.ledger.events import SettledEvent, position_of
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

#: Maximum seconds of `wait`.
LONGEST_WAIT = 60

#: Threads for slow file servers; concurrent requests that need them, in total and per key.
FILE_THREADS, WITH_FILES = 4, (16, 8)

#: Seconds between keep-alive comments of an event stream, and until a client that does not read is
#: cut off.
HEARTBEAT, SEND_TIMEOUT = 15, 30

RecordId = Annotated[str, Path(max_length=200, description="As a submission names it.")]
BatchId = Annotated[str, Path(max_length=200, description="As a submission names it.")]
Wait = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait until it is settled.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(description="Your name for this request: sent again, it changes nothing."),
]
WebhookUrl = Annotated[
    str | None,
    Query(max_length=2000, description="Where to tell, signed, that all of it is settled."),
]
LastEventId = Annotated[
    str | None,
    Header(description="Go on after this event; without, with what settles from now on."),
]


class Routes:
    """The routes, over the service, the event feed and the thread pools."""

    def __init__(
        self, desk: GatewayService, feed: Feed, pool: Pool, ledger: RedisLedger, stuck_after: float
    ) -> None:
        self._desk = desk
        self._feed = feed
        self._pool = pool
        #: Separate pools: health must answer however busy the others are, and slow file servers
        #: must not block them.
        self._health = Pool(1, "health")
        self._slow = Pool(FILE_THREADS, "files")
        self._with_files = Share("requests with files", *WITH_FILES)
        self._ledger = ledger
        self._stuck_after = stuck_after
        self.router = APIRouter()
        self._route()

    def _route(self) -> None:
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "/v1/operations", self.submit),
            ("GET", "/v1/operations", self.page),
            ("GET", "/v1/operations/{record_id}", self.find),
            ("POST", "/v1/operations/{record_id}/retry", self.retry),
            ("POST", "/v1/operations/{record_id}/cancel", self.cancel),
            ("POST", "/v1/batches", self.submit_batch),
            ("GET", "/v1/batches/{batch}", self.batch),
            ("GET", "/v1/events", self.events),
            ("GET", "/v1/catalogue", self.catalogue),
            ("GET", "/healthz", self.health),
        )
        for method, path, endpoint in routes:
            self.router.add_api_route(
                path, endpoint, methods=[method], response_model=None, **documents(method, path)
            )
        self.router.add_api_route("/openapi.json", self.openapi, include_in_schema=False)
        self.router.add_api_route("/docs", self.docs, include_in_schema=False)
        self.router.add_api_route(f"/docs/{START}", self.start, include_in_schema=False)

    async def submit(self, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Submit one operation, or a list of them: all or none."""
        asked = await self._asked(request)
        taken = await self._submit(_key(request), asked, idempotency_key)
        if taken.batch is not None:
            return _batch_answer(taken)
        (operation,) = taken.operations
        place = {"location": f"/v1/operations/{operation['id']}"}
        return answer(operation, 201 if taken.new else 200, place)

    async def submit_batch(
        self,
        request: Request,
        idempotency_key: IdempotencyKey = None,
        webhook: WebhookUrl = None,
    ) -> Response:
        """Submit a list of operations, or lines of JSON, as a batch: all or none."""
        asked = await self._asked(request)
        asked = Asked(asked.objects, is_list=True)
        taken = await self._submit(_key(request), asked, idempotency_key, webhook)
        return _batch_answer(taken)

    async def _submit(self, key: ApiKey, asked: Asked, *given: str | None) -> Taken:
        """Submit in a thread; if files are named, in the pool for slow file servers.

        Raises ProblemError.
        """
        if not names_files(asked):
            return await self._pool.ask(self._desk.submit, key, asked, *given)
        with self._with_files.one(key.prefix):
            return await self._slow.ask(self._desk.submit, key, asked, *given)

    async def _asked(self, request: Request) -> Asked:
        """Read the body, after the checks that do not need it. Raises ProblemError."""
        must_write(_key(request))
        lines = are_lines(request.headers.get("content-type", ""))
        incoming: Incoming = request.state.incoming
        return await self._pool.ask(read_body, await incoming.read(), lines=lines)

    async def find(self, request: Request, record_id: RecordId, wait: Wait = 0) -> Response:
        """Tell what became of one operation; waits for its end if asked to."""
        key = _reader(request)
        record = await self._pool.ask(self._desk.find, key, record_id)
        if wait and not record.state.settled:
            access = _access(request)
            record = await self._feed.settled(record_id, wait, access.lasts)
            await access.must_last()
        (shown,) = await self._pool.ask(self._desk.shown, key, [record])
        return answer(shown)

    async def page(  # noqa: PLR0913  # each is a parameter of the question
        self,
        request: Request,
        *,
        state: Annotated[State | None, Query()] = None,
        operation: Annotated[str | None, Query(description="edit_course ...")] = None,
        school: Annotated[str | None, Query()] = None,
        code: Annotated[int | None, Query(description="ClassIn's last answer.")] = None,
        batch: Annotated[str | None, Query()] = None,
        since: Since = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
        cursor: Annotated[str | None, Query(description="Go on where a page ended.")] = None,
    ) -> Response:
        """List operations, newest first; filters combine."""
        chosen = choose(
            state=state, operation=operation, school=school, code=code, batch=batch, since=since
        )
        shown, following = await self._pool.ask(
            self._desk.page, _reader(request), chosen, limit, cursor
        )
        return answer({"operations": shown, "cursor": following})

    async def retry(
        self,
        request: Request,
        record_id: RecordId,
        *,
        mend: Annotated[bool, Query(description="Submit what does the rest.")] = False,
    ) -> Response:
        """Submit a settled operation anew; of a partial bulk operation, the items that failed."""
        taken = await self._pool.ask(self._desk.retry, _key(request), record_id, mend=mend)
        return answer({"batch": taken.batch, "operations": list(taken.operations)}, 201)

    async def cancel(self, request: Request, record_id: RecordId) -> Response:
        """Call an operation off: at once if it waits; what runs is not interrupted."""
        state = await self._pool.ask(self._desk.cancel, _key(request), record_id)
        if state.settled and state is not State.CANCELLED:
            raise ProblemError(409, f"It is {state.value}, and stays so: it was too late.")
        status = 200 if state is State.CANCELLED else 202
        return answer({"id": record_id, "state": state.value}, status)

    async def batch(self, request: Request, batch: BatchId) -> Response:
        """Count a batch's operations by state, and say whether all are settled."""
        return answer(await self._pool.ask(self._desk.batch, _reader(request), batch))

    async def events(
        self,
        request: Request,
        batch: Annotated[str | None, Query(description="Of this batch only.")] = None,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Tell what settles, as server-sent events: `settlement`, or `gap` where some are lost.

        `closed` is the last one, once the API key was revoked or has ended.
        """
        _reader(request)
        if last_event_id is not None:
            _must_be_event(last_event_id)
        after = last_event_id or await self._feed.last_event()
        events = self._settlements(_access(request), batch, after)
        return EventSourceResponse(
            events, ping=HEARTBEAT, send_timeout=SEND_TIMEOUT, headers={"cache-control": "no-store"}
        )

    async def _settlements(
        self, access: Access, batch: str | None, after: str
    ) -> AsyncIterator[ServerSentEvent]:
        if await self._feed.has_gap(after):
            yield ServerSentEvent(json.dumps({"after": after}), event="gap")
        # A client that is cut off before the first event knows where to resume.
        yield ServerSentEvent(id=after, comment="settlements follow")
        async for each in self._feed.after(after, access.lasts):
            key = access.key
            if batch not in {None, each.batch} or not key.covers(each.school, each.operation):
                continue
            if batch is None or await self._pool.ask(self._desk.sees_batch, key, batch):
                yield _event(each)
        if not await access.lasts():
            why = {"detail": "This API key was revoked, or has ended."}
            yield ServerSentEvent(json.dumps(why), event="closed")

    async def catalogue(self) -> Response:
        """Explain all that ClassIn can be asked: fields, limits, rules, codes, an example each."""
        return Response(await self._pool.ask(catalogue), media_type="application/json")

    async def health(self) -> Response:
        """Say whether work gets on; 503 when it is stuck."""
        try:
            pulse = await self._health.ask(self._ledger.health)
        except UnavailableError:
            return answer(AWAY, 503, LATER)
        health = judged(pulse, self._stuck_after)
        return answer(health.to_dict(), 503 if health.stuck else 200)

    async def openapi(self, request: Request) -> Response:
        """Describe all of this."""
        return Response(await self._pool.ask(described, request.app), media_type="application/json")

    async def docs(self) -> Response:
        """Show the documentation page. It loads nothing from elsewhere: users type keys there."""
        return Response(DOCS_PAGE, media_type="text/html")

    async def start(self) -> Response:
        """Return the start script of the documentation page."""
        return Response(START_SCRIPT, media_type="text/javascript")


def answer(
    value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON that caches must not store."""
    kept = {"cache-control": "no-store", **(headers or {})}
    return Response(json.dumps(value), status, kept, media_type="application/json")


def _batch_answer(taken: Taken) -> Response:
    said = {"batch": taken.batch, "operations": list(taken.operations)}
    place = {"location": f"/v1/batches/{taken.batch}"}
    return answer(said, 202 if taken.new else 200, place)


def _event(each: SettledEvent) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(each.to_dict()), id=each.event, event="settlement")


def _access(request: Request) -> Access:
    access: Access = request.state.access
    return access


def _key(request: Request) -> ApiKey:
    return _access(request).key


def _reader(request: Request) -> ApiKey:
    key = _key(request)
    must_read(key)
    return key


def _must_be_event(event: str) -> None:
    try:
        position_of(event)
    except ValueError:
        errors = [{"detail": "should be the id of an event", "parameter": "Last-Event-ID"}]
        raise ProblemError(422, "There is no such event.", errors) from None
