"""Nobody comes in too slowly, or too many at once."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from producers.gateway.auth_middleware import AuthMiddleware, Limits
from producers.gateway.authentication import Admission
from producers.intake.thread_pool import Pool
from worker.ledger.api_keys import ApiKeys


class Caller:
    """Asks the intake directly, as a server would."""

    def __init__(self, keys: ApiKeys, **limits: Any) -> None:  # noqa: ANN401  # as Limits takes them
        self.token, _ = keys.add("sis", 0)
        self.pool = Pool(2)
        self.inside = asyncio.Event()
        self.go_on = asyncio.Event()
        self.intake = AuthMiddleware(self._app, Admission(keys, self.pool), Limits(**limits))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await scope["state"]["incoming"].read()
        self.inside.set()
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def ask(self, receive: Receive) -> tuple[int, dict[str, Any]]:
        """Ask; gives status and answer."""
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        headers = [(b"authorization", f"Bearer {self.token}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/operations", "headers": headers}
        await self.intake(scope, receive, send)
        return said[0]["status"], json.loads(said[1]["body"])


async def nothing_more() -> Message:
    """An empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def never() -> Message:
    """A body that does not come."""
    await asyncio.Event().wait()
    raise AssertionError


def test_a_body_that_does_not_come_is_not_waited_for(keys: ApiKeys) -> None:
    """After a while the request is refused."""

    async def story() -> tuple[int, dict[str, Any]]:
        return await Caller(keys, patience=0.01).ask(never)

    status, problem = asyncio.run(story())
    assert (status, problem["title"]) == (408, "Request Timeout")


def test_a_key_has_only_so_many_requests_at_once(keys: ApiKeys) -> None:
    """One more is refused; when one has ended, there is room again."""

    async def story() -> list[int]:
        caller = Caller(keys, of_a_key=1)
        first = asyncio.create_task(caller.ask(nothing_more))
        await caller.inside.wait()
        second, _ = await caller.ask(nothing_more)
        caller.go_on.set()
        return [second, (await first)[0], (await caller.ask(nothing_more))[0]]

    assert asyncio.run(story()) == [429, 200, 200]


def test_there_is_room_for_so_many_in_all(keys: ApiKeys) -> None:
    """Whoever they are."""

    async def story() -> int:
        return (await Caller(keys, requests=0).ask(nothing_more))[0]

    assert asyncio.run(story()) == 503
