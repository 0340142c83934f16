"""The ASGI application: routes, middleware and error responses."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from http import HTTPStatus
from typing import Self

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from producers.gateway.auth_middleware import AuthMiddleware, Limits
from producers.gateway.authentication import Admission
from producers.gateway.docs_page import ASSETS
from producers.gateway.event_feed import Feed
from producers.gateway.problems import ProblemError, problem_of
from producers.gateway.routes import Routes
from producers.gateway.service import GatewayService
from producers.intake.submitter import Submitter
from producers.intake.thread_pool import Pool
from worker.config.settings import Settings
from worker.errors import ClassinError
from worker.ledger.api_keys import ApiKeys
from worker.ledger.audit import Audit
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger

#: Threads for ledger calls. More would not help: Redis executes one command at a time.
THREADS = 16

log = logging.getLogger(__name__)


class GatewayApp:
    """The gateway as an ASGI application. `close` ends all open waits and streams."""

    def __init__(
        self,
        settings: Settings,
        ledger: RedisLedger,
        submitter: Submitter,
        keys: ApiKeys,
        audit: Audit,
        limits: Limits | None = None,
    ) -> None:
        pool = Pool(THREADS)
        feed = Feed(ledger, pool)
        desk = GatewayService(settings, ledger, submitter, audit)
        routes = Routes(desk, feed, pool, ledger, settings.gateway.stuck_after)
        self.asgi = FastAPI(
            title="classin-queue",
            description="Operations for ClassIn, handed in over HTTP.",
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=_following(feed),
        )
        self.asgi.include_router(routes.router)
        # Only the package's static files are used; it is not imported.
        assets = StaticFiles(packages=[("fastapi_offline", "static")])
        self.asgi.mount(f"/docs/{ASSETS}", assets)
        admission = Admission(keys, pool, behind_proxy=settings.gateway.behind_proxy)
        self.asgi.add_middleware(
            AuthMiddleware,
            admission=admission,
            limits=limits,
            behind_proxy=settings.gateway.behind_proxy,
        )
        for kind in (ProblemError, ClassinError, HTTPException, RequestValidationError):
            self.asgi.add_exception_handler(kind, _answer)
        self.close = feed.close

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build a gateway with its own connections."""
        redis = connect(settings.ledger_url, settings.redis_prefix)
        ledger = RedisLedger(redis, keyring=settings.keyring)
        keys = ApiKeys(redis, settings.keyring)
        return cls(settings, ledger, Submitter(settings, ledger), keys, Audit(redis))


def _following(feed: Feed) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def following(app: FastAPI) -> AsyncIterator[None]:
        del app
        task = asyncio.create_task(feed.run())
        try:
            yield
        finally:
            feed.close()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return following


async def _answer(request: Request, error: Exception) -> Response:
    """Return an exception as a problem document."""
    del request
    match error:
        case ProblemError():
            problem = error
        case ClassinError():
            problem = problem_of(error)
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                log.warning("%s", error)  # what the answer keeps to itself
        case HTTPException():  # no such route, or another method
            problem = ProblemError(error.status_code, str(error.detail), headers=error.headers)
        case RequestValidationError():
            errors = [
                {"detail": str(each["msg"]), "parameter": str(each["loc"][-1])}
                for each in error.errors()
            ]
            problem = ProblemError(422, "The parameters are not right: see errors.", errors)
        case _:
            raise error
    return problem.response()
