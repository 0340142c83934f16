"""Middleware before all routes: authentication, body size and read rate."""

import asyncio
import logging
import time
import traceback
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from producers.gateway.authentication import Admission
from producers.gateway.body_reader import ClientGoneError, Incoming
from producers.gateway.client_address import client_of, network_of
from producers.gateway.fair_share import Share
from producers.gateway.problems import LATER, ProblemError, problem_of
from producers.gateway.response_sender import Outgoing
from worker.errors import ClassinError

log = logging.getLogger(__name__)

#: Paths that need an API key.
GUARDED = "/v1/"

#: Paths with request slots of their own, so that load elsewhere does not block them.
HEALTH = "/healthz"


@dataclass(frozen=True, slots=True)
class Limits:
    """Admission limits. In each pair: the total, then the limit per key."""

    #: Maximum body size in bytes; minimum rate: so many bytes, or the end, within so many seconds.
    body: int = 10 * 1024 * 1024
    patience: float = 10.0
    least: int = 256 * 1024
    #: Concurrent requests by key, waiting ones included.
    requests: int = 300
    of_a_key: int = 100
    #: Concurrent key lookups by address.
    arriving: tuple[int, int] = (200, 100)
    #: Concurrent requests without a key by address, and those of them for health.
    unkeyed: tuple[int, int] = (60, 20)
    health: tuple[int, int] = (20, 20)
    #: Bytes of bodies in work and of responses not yet delivered, by key.
    bytes: tuple[int, int] = (64 * 1024 * 1024, 32 * 1024 * 1024)


class AuthMiddleware:
    """Authenticate requests, apply the limits of each key, and log the outcome.

    The body is not read here: a route reads it once it needs it. Keys, bodies and raw paths are
    never logged.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        limits: Limits | None = None,
        *,
        behind_proxy: bool = False,
    ) -> None:
        self._app = app
        self._admission = admission
        self._behind_proxy = behind_proxy
        self._limits = chosen = limits or Limits()
        self._keyed = Share("requests", chosen.requests, chosen.of_a_key)
        self._arriving = Share("requests", *chosen.arriving)
        self._unkeyed = Share("requests without a key", *chosen.unkeyed)
        self._health = Share("questions for the health", *chosen.health)
        self._bytes = Share("bytes", *chosen.bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, left = time.monotonic(), False
        limits = self._limits
        incoming = Incoming(
            scope,
            receive,
            self._bytes,
            most=limits.body,
            window=limits.patience,
            least=limits.least,
        )
        outgoing = Outgoing(scope, send, incoming)
        try:
            await self._let_in(scope, incoming, outgoing)
        except ClientGoneError:
            left = True
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # whatever it is, it is answered in good form
            problem = _problem(error)
            if outgoing.status:
                log.warning("an answer broke off")
            else:
                await problem.response()(scope, incoming, outgoing)
        finally:
            _note(scope, 499 if left else outgoing.status, time.monotonic() - began)
        await outgoing.end()

    async def _let_in(self, scope: Scope, incoming: Incoming, send: Send) -> None:
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["access"], state["headers"], state["incoming"] = None, {}, incoming
        path = scope["path"]
        client = network_of(client_of(scope, behind_proxy=self._behind_proxy))
        if not (path.startswith(GUARDED) or path == GUARDED.rstrip("/")):
            with (self._health if path == HEALTH else self._unkeyed).one(client):
                await self._app(scope, incoming, send)
            return
        with self._arriving.one(client):
            state["access"], state["headers"] = await self._admission.admit(scope)
        prefix = state["access"].key.prefix
        with self._keyed.one(prefix), incoming.of(prefix):
            await self._app(scope, incoming, send)


def _problem(error: Exception | asyncio.CancelledError) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, asyncio.CancelledError):  # the time of grace is over
        return ProblemError(503, "The gateway ends: ask again.", headers=LATER)
    if isinstance(error, ClassinError):
        return problem_of(error)
    # The error's own text could quote fields.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s at\n%s", type(error).__name__, where)
    return ProblemError(500, "Something is wrong here; the log says what.")


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "-")
    access = scope["state"].get("access")
    whose = access.key.prefix if access else "-"
    log.info("%s %s %d, %.0f ms, key %s", scope["method"], route, status, seconds * 1000, whose)
