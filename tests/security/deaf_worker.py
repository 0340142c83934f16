"""A worker whose consumer goes wrong once it is ready.

python -m tests.security.deaf_worker TROUBLE: `breaks` (its loop raises), `stands` (its loop hangs),
`cancelled` (its loop turns, and nothing is consumed).
"""

import sys
import threading
from typing import Any

from celery import bootsteps
from celery.worker.consumer.tasks import Tasks

from worker.app import app


class Trouble(bootsteps.StartStopStep):
    """Comes to the consumer as its loop begins to turn."""

    requires = (Tasks,)

    def register_with_event_loop(self, consumer: Any, hub: Any) -> None:  # noqa: ANN401  # Celery's
        """Wait for the first turn."""

        def strike() -> None:
            hub.on_tick.discard(strike)
            match sys.argv[1]:
                case "breaks":
                    raise ArithmeticError("whatever a message brought about")
                case "stands":
                    threading.Event().wait()
                case "cancelled":
                    consumer.task_consumer.cancel()

        hub.on_tick.add(strike)


def main() -> None:
    """Run the worker."""
    app.steps["consumer"].add(Trouble)
    app.worker_main(["worker", "--loglevel", "info"])
    raise SystemExit(1)  # Celery ends the process itself, with its own code


if __name__ == "__main__":
    main()
