"""Client of the simulator's control API, for tests and demonstrations."""

import json
import time
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from ops.simulator.faults import FaultRule
from ops.simulator.journal import Counts, Entry, carries
from worker.errors import FieldError, InvalidInputError, UnavailableError

#: Seconds between two attempts to reach the simulator.
INTERVAL = 0.02


class SimulatorClient:
    """Query a running simulator, and inject faults.

    Every method raises UnavailableError when it does not answer.
    """

    def __init__(self, base_url: str, timeout: float = 10.0) -> None:
        """Take the simulator's base URL, and the timeout of a request in seconds."""
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout

    def faults(self, *rules: FaultRule) -> list[FaultRule]:
        """Add rules; return all rules."""
        given = [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]
        return [FaultRule.model_validate(rule) for rule in self._ask("POST", "faults", given)]

    def clear_faults(self) -> None:
        """Remove all rules."""
        self._ask("DELETE", "faults")

    def journal(self, operation: str | None = None, *, applied: bool | None = None) -> list[Entry]:
        """Return the requests in order of arrival, of one operation, or only the applied ones."""
        query: dict[str, str | int] = {} if operation is None else {"operation": operation}
        if applied is not None:
            query["applied"] = int(applied)
        return [Entry(**entry) for entry in self._ask("GET", f"journal?{urlencode(query)}")]

    def applied(self, operation: str, **fields: object) -> int:
        """Return how often an operation was carried out with these fields, by ClassIn's names."""
        entries = self.journal(operation, applied=True)
        return sum(carries(entry.fields, fields) for entry in entries)

    def state(self) -> dict[str, Any]:
        """Return the state of all schools: `{"schools": {SID: {"courses": [...], ...}}}`."""
        held: dict[str, Any] = self._ask("GET", "state")
        return held

    def counts(self) -> dict[str, Counts]:
        """Return requests, and those carried out, by operation."""
        return {name: Counts(**one) for name, one in self._ask("GET", "counts").items()}

    def maintenance(self, *, on: bool) -> None:
        """Switch maintenance on or off; meanwhile every operation answers 901."""
        self._ask("POST", "maintenance", {"on": on})

    def reset(self) -> None:
        """Reset state, journal and faults."""
        self._ask("POST", "reset")

    def wait_until_ready(self, seconds: float = 10.0) -> None:
        """Wait until it answers. Raises UnavailableError after so many seconds."""
        until = time.monotonic() + seconds
        while True:
            try:
                self._ask("GET", "health")
            except UnavailableError:
                if time.monotonic() >= until:
                    raise
                time.sleep(INTERVAL)
            else:
                return

    def _ask(self, method: str, path: str, given: object = None) -> Any:  # noqa: ANN401  # JSON
        """Send one control request, and return its JSON."""
        body = None if given is None else json.dumps(given)
        # http.client ignores proxies of the environment.
        with closing(HTTPConnection(urlsplit(self.base_url).netloc, timeout=self._timeout)) as link:
            try:
                link.request(method, f"/simulator/{path}", body)
                reply = link.getresponse()
                answer = json.loads(reply.read())
            except (OSError, HTTPException, ValueError) as error:
                text = f"The simulator at {self.base_url} does not answer: {error!r}."
                raise UnavailableError(text) from error
        if reply.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            faults = [FieldError(**fault) for fault in answer["faults"]]
            raise InvalidInputError("The simulator refuses these rules:", faults)
        return answer
