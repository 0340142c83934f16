"""The intake: who may come in, how much at once, how slowly; before anything else is looked at."""

import asyncio
import logging
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.gateway.admission import Admission
from producers.gateway.problems import LAST, LATER, Problem, problem_of
from worker.classin.errors import ClassinError

log = logging.getLogger(__name__)

#: What begins so is for those with a key.
GUARDED = "/v1/"

#: So many times the largest body is read of one that is too large, before the connection is cut.
_MOST_DRAINED = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken in."""

    #: Bytes of a body, and seconds until all of it has come.
    body: int = 10 * 1024 * 1024
    patience: float = 30.0
    #: Requests at once: in all, and of one key; those that wait for something count.
    requests: int = 300
    of_a_key: int = 100


class _Left(Exception):
    """Whoever asked is gone."""


class Intake:
    """Lets in who has a key, with bodies that came whole and in time; and says what became of it.

    Neither keys nor bodies, nor paths as they came, stand in the log.
    """

    def __init__(self, app: ASGIApp, admission: Admission, limits: Limits | None = None) -> None:
        self._app = app
        self._admission = admission
        self._limits = limits or Limits()
        self._busy: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = scope["state"]["headers"].items()
                more = [(name.encode(), value.encode()) for name, value in said]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        try:
            await self._let_in(scope, receive, note)
        except _Left:
            status = 499
        except Exception as error:  # noqa: BLE001  # whatever it is, it is answered in good form
            problem = _problem(error)
            if status:
                log.warning("an answer broke off")
            else:
                await problem.response()(scope, receive, note)
        finally:
            _note(scope, status, time.monotonic() - began)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["access"], state["headers"] = None, {}
        with self._room("", self._limits.requests, 503):
            if scope["path"].startswith(GUARDED) or scope["path"] == GUARDED.rstrip("/"):
                state["access"], state["headers"] = await self._admission.admit(scope)
                with self._room(state["access"].key.prefix, self._limits.of_a_key, 429):
                    await self._pass_on(scope, receive, send)
            else:
                await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes | None = await self._body(scope, receive)

        async def once() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = {"type": "http.request", "body": body, "more_body": False}, None
            return message

        await self._app(scope, once, send)

    @contextmanager
    def _room(self, whose: str, most: int, status: int) -> Iterator[None]:
        if self._busy[whose] >= most:
            raise Problem(status, f"{most} requests are under way already.", headers=LATER)
        self._busy[whose] += 1
        try:
            yield
        finally:
            self._busy[whose] -= 1
            if not self._busy[whose]:
                del self._busy[whose]

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        declared = _header(scope, b"content-length")
        too_large = declared.isdecimal() and int(declared[:20]) > self._limits.body
        if too_large and _header(scope, b"expect"):
            raise self._too_large()  # it has not been sent yet
        body, came = bytearray(), 0
        try:
            async with asyncio.timeout(self._limits.patience):
                async for piece in _pieces(receive):
                    came += len(piece)
                    too_large = too_large or came > self._limits.body
                    if came > _MOST_DRAINED * self._limits.body:
                        break
                    if too_large:
                        # Whoever is still sending when we hang up does not read our answer.
                        body.clear()
                    else:
                        body += piece
        except TimeoutError:
            raise Problem(408, "The body did not come in time.", headers=LAST) from None
        if too_large:
            raise self._too_large()
        return bytes(body)

    def _too_large(self) -> Problem:
        return Problem(413, f"A body has at most {self._limits.body:,} bytes.", headers=LAST)


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    """Give a body piece by piece. Raises _Left."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _header(scope: Scope, name: bytes) -> str:
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found.decode("latin-1")


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ClassinError):
        return problem_of(error)
    # Not the error's own words: there may be fields in them.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s at\n%s", type(error).__name__, where)
    return Problem(500, "Something is wrong here; the log says what.")


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "-")
    access = scope["state"].get("access")
    whose = access.key.prefix if access else "-"
    log.info("%s %s %d, %.0f ms, key %s", scope["method"], route, status, seconds * 1000, whose)
