"""Changing a running system by hand: calling operations off, pausing schools and opening them."""

from collections.abc import Sequence

from producers.submission import Submitter
from worker.classin.errors import Unavailable
from worker.ledger.ledger import Due, Filter, Ledger
from worker.ledger.lifecycle import State
from worker.queues import Queues
from worker.settings import Settings

#: Records that one round of cancelling a batch looks at.
WINDOW = 500


class Mending:
    """What an administrator may change. Each method raises Unavailable."""

    def __init__(self, settings: Settings, ledger: Ledger, queues: Queues) -> None:
        self._settings = settings
        self._ledger = ledger
        self._queues = queues

    def cancel(self, record_id: str) -> State:
        """Call one operation off, as Submitter.cancel does. Raises NotFound."""
        return Submitter(self._settings, self._ledger, self._queues).cancel(record_id)

    def unsettled(self, batch: str) -> Sequence[str]:
        """Name what of a batch can still be called off, the last submitted first."""
        found: list[str] = []
        cursor = None
        while True:
            page = self._ledger.page(Filter(batch=batch), WINDOW, cursor)
            found += [record.id for record in page.records if not record.state.settled]
            if page.cursor is None:
                return found
            cursor = page.cursor

    def pause(self, school: str, why: str) -> bool:
        """Let a school's operations wait; False if somebody had paused it before.

        Raises InvalidInput for a school that the settings do not name.
        """
        return self._ledger.pause(self._settings.school(school).name, why)

    def resume(self, school: str) -> bool:
        """Open a school, whatever closed it; False if it was open. Raises InvalidInput.

        A school that the settings no longer name can be opened, too.
        """
        if school not in {closure.school for closure in self._ledger.closures()}:
            school = self._settings.school(school).name
        was_closed = self._ledger.resume(school)
        self._publish(self._ledger.unpark(WINDOW, school))
        return was_closed

    def _publish(self, due: Sequence[Due]) -> None:
        """Send messages for who can go on now; where that fails, rescue does it later."""
        try:
            self._queues.publish(due)
        except Unavailable:
            return
