"""Trouble that lasts is told once, and that it is over is told, too."""

import logging


class TroubleLog:
    """Logs what keeps something from its work, unless that is what it said last.

    Any thread may call; should two meet with the same trouble at once, it may be said twice.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last: object = None

    def trouble(self, said: str, error: Exception, *, in_full: bool = False) -> None:
        """Tell what is the matter; with a traceback where nobody foresaw it."""
        told = said, type(error), str(error)
        if told != self._last:
            self._last = told
            if in_full:
                self._log.error("%s", said, exc_info=error)
            else:
                self._log.warning("%s: %s", said, error)

    def over(self, said: str) -> None:
        """Tell that it goes on, if there was trouble."""
        if self._last is not None:
            self._last = None
            self._log.info("%s", said)
