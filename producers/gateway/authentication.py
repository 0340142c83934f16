"""Authenticate a request by its API key: scope, rate limit, expiry."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.types import Scope

from producers.gateway.client_address import client_of
from producers.gateway.problems import ProblemError
from producers.gateway.wrong_keys import WrongKeys
from producers.intake.thread_pool import Pool
from worker.errors import UnavailableError
from worker.ledger.api_keys import ApiKey, ApiKeys, Spent
from worker.ledger.record import iso

_WHO = {"www-authenticate": 'Bearer realm="classin"'}
_INVALID = {"www-authenticate": f'{_WHO["www-authenticate"]}, error="invalid_token"'}

#: Seconds between checks that a key in use is still valid.
_LOOK_AGAIN = 2.0

#: The public prefix of a token that looks like a key.
_PUBLIC = re.compile(r"cq_[0-9a-f]{8}(?=_)")


@dataclass(slots=True)
class Access:
    """Access under an API key; it ends when the key does."""

    key: ApiKey
    #: Read the key from the ledger. Raises UnavailableError.
    opens_still: Callable[[], Awaitable[bool]]
    _looked_at: float = field(default_factory=time.monotonic)
    _lasts: bool = True

    async def lasts(self) -> bool:
        """Return whether the key is still valid, as of at most a few seconds ago."""
        now = time.monotonic()
        if self._lasts and now - self._looked_at >= _LOOK_AGAIN:
            self._looked_at = now
            with suppress(UnavailableError):  # nobody can tell now
                self._lasts = await self.opens_still()
        return self._lasts

    async def must_last(self) -> None:
        """Raise ProblemError if the key is no longer valid."""
        if not await self.lasts():
            raise ProblemError(401, "This API key was revoked, or has ended.", headers=_INVALID)


class Admitted(NamedTuple):
    """An authenticated request: its access, and the rate-limit headers for its response."""

    access: Access
    headers: Mapping[str, str]


class Admission:
    """Authenticate API keys, and slow down clients with wrong ones."""

    def __init__(
        self,
        keys: ApiKeys,
        pool: Pool,
        *,
        behind_proxy: bool = False,
        clock: Callable[[], float] = time.time,
        wrong: WrongKeys | None = None,
    ) -> None:
        self._keys = keys
        self._pool = pool
        self._behind_proxy = behind_proxy
        self._clock = clock
        self._wrong = WrongKeys(time.monotonic) if wrong is None else wrong

    async def admit(self, scope: Scope) -> Admitted:
        """Authenticate a request. Raises ProblemError."""
        scheme, _, token = _authorization(scope).partition(" ")
        if scheme.lower() != "bearer":
            raise ProblemError(
                401, "An API key is needed: Authorization: Bearer KEY.", headers=_WHO
            )
        token = token.strip()
        key, spent = await self._pool.ask(self._find, token)
        if key is None:
            client = client_of(scope, behind_proxy=self._behind_proxy)
            await self._wrong.shown(client, _public_half(token))
            raise ProblemError(401, "There is no such API key.", headers=_INVALID)
        headers = {} if spent is None else _headers(spent)
        if spent is not None and spent.over:
            later = {**headers, "retry-after": str(spent.resets_in)}
            raise ProblemError(429, f"This API key may ask {key.rate}.", headers=later)
        return Admitted(Access(key, lambda: self._opens_still(key)), headers)

    def _find(self, token: str) -> tuple[ApiKey | None, Spent | None]:
        """Look up a key and count its use. Raises ProblemError for an expired one."""
        key = self._keys.find(token)
        if key is None:
            return None, None
        now = self._now()
        if key.ended(now):
            when = iso(key.ends_at or 0)
            raise ProblemError(
                401, f"This API key ended at {when}: ask for another.", headers=_INVALID
            )
        self._keys.note_use(key, now)
        return key, self._keys.spend(key)

    async def _opens_still(self, key: ApiKey) -> bool:
        return await self._pool.ask(lambda: self._keys.opens_still(key, self._now()))

    def _now(self) -> int:
        return round(self._clock() * 1000)


def _headers(spent: Spent) -> dict[str, str]:
    return {
        "ratelimit-limit": str(spent.limit),
        "ratelimit-remaining": str(spent.left),
        "ratelimit-reset": str(spent.resets_in),
    }


def _public_half(token: str) -> str:
    """Return the part of a wrong key that can be logged."""
    found = _PUBLIC.match(token)
    return found[0] if found else "of no form of ours"


def _authorization(scope: Scope) -> str:
    found: bytes = next((value for key, value in scope["headers"] if key == b"authorization"), b"")
    return found.decode("latin-1")
