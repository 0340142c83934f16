"""The door of webhook answers: whatever a receiver says."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from tests.raw_server import server, take
from tests.security.fuzz.canaries import CHILD
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.http_answers import answers
from tests.security.fuzz.oracle import BrokenError, Take
from tests.security.fuzz.place import a_place
from tests.unit.clock import Clock
from tests.unit.ledger.hands import ENTRY, settled
from tests.unit.stage import RING
from worker.config.settings import RetrySettings, Timeouts
from worker.execution.http_client import post_once
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.store import RedisLedger
from worker.runtime.webhooks import Webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@contextmanager
def _opened() -> Iterator[Take]:
    said = [b""]

    def behave(connection: socket.socket) -> None:
        with suppress(OSError):
            take(connection)
            connection.sendall(said[0])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    with a_place() as place, server(behave) as url:

        def try_out(answer: bytes) -> Iterable[str]:
            place.clear()
            said[0] = answer
            clock = Clock()
            ledger = RedisLedger(place.redis, clock.millis, keyring=RING)
            webhook = Webhook(url=f"{url}/hook?key={CHILD.replace(' ', '')}")
            ledger.batches.open("b", BatchInfo(source="http", file="rows.csv", webhook=webhook))
            ledger.submit([replace(ENTRY, tells=True)])
            ledger.batches.close("b")
            settled(ledger)
            webhooks = Webhooks(
                ledger.batches,
                post_once,
                secret=SECRET,
                patience=RetrySettings(attempts=2),
                deadlines=Timeouts(connect=10, reply=10),
                stopping=threading.Event(),
                start=lambda do: do(),
                clock=clock,
                sleep=clock.sleep,
            )
            webhooks.run_once()
            about = ledger.batches.info("b")
            if about is None or about.webhook is None or not about.webhook.tries:
                raise BrokenError("no try was noted")
            yield str(about.webhook.said)

        yield try_out


DOOR = Door("webhook_answers", answers(), _opened, examples=40)


def test_whatever_a_receiver_answers_is_noted() -> None:
    """Whoever is called: no error in a worker, no memory for nothing, no address with its query."""
    passes(DOOR)
