"""Wrong API keys, tried over HTTP by whoever reaches the gateway."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis import Redis
from starlette.types import Scope

from producers.gateway.authentication import Admission
from producers.gateway.client_address import client_of
from producers.gateway.problems import ProblemError
from producers.gateway.wrong_keys import WrongKeys
from producers.intake.thread_pool import Pool
from tests.redis_server import SharedRedis
from worker.keyring import KeyRing
from worker.ledger.api_keys import ApiKeys

ATTACKER, OTHER = "192.0.2.66", "192.0.2.1"

#: Of the form of a key, and none.
WRONG = "cq_0badc0de_" + "A" * 43


class CountingRing(KeyRing):
    """A key ring that counts what it is asked to verify."""

    verified = 0

    def verify(self, purpose: str, data: bytes, mac: str) -> bool:
        """Verify, and count."""
        self.verified += 1
        return super().verify(purpose, data, mac)


class CountingRedis(Redis):
    """A Redis that counts what it is asked."""

    asked = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # as redis-py
        """Ask, and count."""
        self.asked += 1
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # untyped in redis-py


class Door:
    """An admission whose clock stands still; nobody really waits, but all waits are noted."""

    def __init__(self, server: SharedRedis, *, behind_proxy: bool = False) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.laters: list[Callable[[], None]] = []
        #: As long as it is not set, who waits goes on waiting.
        self.go_on: asyncio.Event | None = None
        self.wrong = WrongKeys(
            lambda: self.now, self._sleep, lambda _, act: self.laters.append(act)
        )
        self.ring = CountingRing(lambda: b"k" * 32)
        self.redis = server.client_of(CountingRedis)
        self.keys = ApiKeys(self.redis, self.ring)
        self.token, _ = self.keys.add("sis", 0)
        self._admission = Admission(self.keys, Pool(1), behind_proxy=behind_proxy, wrong=self.wrong)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.go_on is not None:
            await self.go_on.wait()

    async def show(self, token: str, client: str = ATTACKER, forwarded: str = "") -> int:
        """Show a key; returns the status of the answer."""
        headers = [(b"authorization", f"Bearer {token}".encode())]
        if forwarded:
            headers.append((b"x-forwarded-for", forwarded.encode()))
        scope: Scope = {"type": "http", "client": (client, 50_000), "headers": headers}
        try:
            await self._admission.admit(scope)
        except ProblemError as problem:
            return int(problem.status)
        return 200


async def _several(door: Door, tokens: Sequence[str], client: str = ATTACKER) -> list[int]:
    return [await door.show(token, client) for token in tokens]


def test_wrong_keys_of_an_address_are_answered_more_and_more_slowly(server: SharedRedis) -> None:
    """Who tries keys one after the other soon waits for seconds; who mistypes waits for nothing."""
    door = Door(server)

    assert asyncio.run(_several(door, [WRONG] * 13)) == [401] * 13
    assert door.waits == [0.25, 0.5, 1, 2, 4, 8, 8, 8]


def test_wrong_keys_tried_side_by_side_are_refused(server: SharedRedis) -> None:
    """Who tries many at once gets 429 for all but a few, so that nobody's place is taken."""
    door = Door(server)

    async def story() -> list[int]:
        await _several(door, [WRONG] * 5)
        door.go_on = asyncio.Event()
        trying = [asyncio.create_task(door.show(WRONG)) for _ in range(50)]
        await asyncio.wait(trying[4:])
        door.go_on.set()
        return sorted(await asyncio.gather(*trying))

    assert asyncio.run(story()) == [401] * 4 + [429] * 46


def test_a_right_key_is_let_in_whoever_tries_wrong_ones_at_its_address(server: SharedRedis) -> None:
    """An attacker behind a school's NAT or proxy locks none of its clients out."""
    door = Door(server)

    async def story() -> int:
        await _several(door, [WRONG] * 30)
        door.go_on = asyncio.Event()
        trying = [asyncio.create_task(door.show(WRONG)) for _ in range(50)]
        await asyncio.wait(trying[4:])
        door.waits.clear()
        status = await door.show(door.token)
        door.go_on.set()
        await asyncio.gather(*trying)
        return status

    assert asyncio.run(story()) == 200
    assert door.waits == []


def test_a_mistake_is_forgotten(server: SharedRedis) -> None:
    """Some minutes after its last wrong key an address waits for nothing."""
    door = Door(server)

    async def story() -> None:
        await _several(door, [WRONG] * 20)
        door.now += 601
        door.waits.clear()
        await _several(door, [WRONG] * 5)

    asyncio.run(story())
    assert door.waits == []


def test_a_provider_of_ipv6_is_one_address(server: SharedRedis) -> None:
    """Who has a /64 of addresses has no more tries than who has one."""
    door = Door(server)

    async def story() -> None:
        for number in range(7):
            await door.show(WRONG, f"2001:db8:1:2::{number:x}")
        await door.show(WRONG, "2001:db8:1:3::1")
        await door.show(WRONG, "::ffff:192.0.2.1")

    asyncio.run(story())
    assert door.waits == [0.25, 0.5]
    assert len(door.wrong) == 3


def test_a_flood_of_addresses_takes_bounded_memory(server: SharedRedis) -> None:
    """Who comes from ever new addresses fills no memory: only the last are remembered."""
    door = Door(server)

    async def story() -> None:
        for number in range(10_050):
            await door.wrong.shown(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", "")

    logging.disable()
    try:
        asyncio.run(story())
    finally:
        logging.disable(logging.NOTSET)
    assert len(door.wrong) == 10_000


def test_wrong_keys_are_logged_once_a_minute_without_their_secret_half(
    server: SharedRedis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log names the address, how many, and a public half; no secret, and no line for each."""
    door = Door(server)

    async def story() -> None:
        await _several(door, [WRONG] * 5)
        await door.show("not-a-key-canary")
        for act in door.laters[:1]:  # the minute is over
            act()

    asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == [
        "1 wrong API keys from 192.0.2.66, last cq_0badc0de",
        "5 wrong API keys from 192.0.2.66, last cq_0badc0de",
    ]
    assert "canary" not in caplog.text
    assert "AAAA" not in caplog.text


def test_a_header_does_not_tell_who_asks() -> None:
    """Without a proxy anybody may write it; with one only its last entry is the proxy's own."""
    headers = [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.7")]
    scope: Scope = {"client": (ATTACKER, 1), "headers": headers}

    assert client_of(scope, behind_proxy=False) == ATTACKER
    assert client_of(scope, behind_proxy=True) == "198.51.100.7"
    forged = {**scope, "headers": [(b"x-forwarded-for", b"evil\x1b[2J")]}
    assert client_of(forged, behind_proxy=True) == ATTACKER


def test_clients_of_a_proxy_are_told_apart(server: SharedRedis) -> None:
    """One client of the proxy that tries keys slows down none of the others."""
    door = Door(server, behind_proxy=True)

    async def story() -> None:
        for _ in range(10):
            await door.show(WRONG, "127.0.0.1", "203.0.113.9")
        door.waits.clear()
        await door.show(WRONG, "127.0.0.1", "203.0.113.10")

    asyncio.run(story())
    assert door.waits == []


def test_an_unknown_public_half_costs_as_much_as_a_wrong_secret(server: SharedRedis) -> None:
    """Who measures answers does not learn which public halves there are."""
    door = Door(server)
    wrong_secret = door.token[:12] + "A" * 43

    async def work(token: str) -> tuple[int, int]:
        asked, verified = door.redis.asked, door.ring.verified
        assert await door.show(token, OTHER) == 401
        return door.redis.asked - asked, door.ring.verified - verified

    async def story() -> Sequence[tuple[int, int]]:
        await door.show(WRONG, OTHER)  # what is made at the first use is there
        return [await work(WRONG), await work(wrong_secret)]

    assert asyncio.run(story()) == [(1, 1), (1, 1)]
