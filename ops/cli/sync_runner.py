"""One sync from its settings to its end, with its progress shown."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TextIO

from ops.cli.audit_trail import audit_reveal
from ops.cli.output import err
from ops.cli.progress_bar import line_of, pace_of
from ops.insight.progress import follow
from producers.intake.submitter import Submitter
from producers.oneroster.applying.passwords import AT_RANDOM, Passwords, Rule
from producers.oneroster.applying.sync import HELD, Place, Sync, Watching
from producers.oneroster.planning.proposal import Proposal, propose
from producers.oneroster.planning.target import Options
from producers.oneroster.reading.row_errors import Report
from producers.webhook import webhook_to
from worker.config.settings import Settings, from_env
from worker.encryption import FieldCipher
from worker.errors import FieldError, InvalidInputError
from worker.ledger.batch import Webhook
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import NAME_OF_SOURCE, Source, SyncStore
from worker.printable import printable

#: Seconds between two renewals of what is held.
_LOOK_IN_EVERY = 10.0


class SyncRunner:
    """Where a sync is asked for."""

    def __init__(
        self, school: str | None, source: str, rule: str | None = None, *, quiet: bool
    ) -> None:
        """Open what a sync needs. Raises InvalidInputError."""
        from rich import progress  # noqa: PLC0415  # rich

        self._settings = settings = from_env()
        if not NAME_OF_SOURCE.fullmatch(source):
            what = f"should be up to 64 letters, digits, -, _ and .; got {source!r}"
            raise InvalidInputError("sync", [FieldError("--source", what)])
        its = settings.school(school)
        redis = connect(settings.ledger_url, settings.redis_prefix, submits=True)
        self._ledger = RedisLedger(redis, keyring=settings.keyring)
        #: Whose roster it is, and where that comes from: SCHOOL:SOURCE.
        self.place = f"{its.name}:{source}"
        place = Place(self._ledger, Source(redis, its.name, source), its.name)
        self._passwords = Passwords(
            place.source, FieldCipher(settings.keyring), Rule(rule or AT_RANDOM)
        )
        submitter = Submitter(settings, self._ledger)
        watching = Watching(self._submitted, self._settled)
        self._sync = Sync(place, submitter, self._passwords, watching, time.time)
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=err(),
            transient=True,
            disable=quiet or not err().is_terminal,
        )
        self._bars: dict[str, Any] = {}
        self._quiet = quiet

    @classmethod
    def of_sync(cls, run: str, *, quiet: bool) -> Self:
        """Open that of an earlier sync. Raises NotFoundError."""
        settings: Settings = from_env()
        about = SyncStore(connect(settings.ledger_url, settings.redis_prefix)).about(run)
        school, _, source = str(about["source"]).partition(":")
        return cls(school, source, quiet=quiet)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the source for oneself, and show progress. Raises InvalidInputError.

        Who was killed has it for a while yet: that long it is waited for.
        """
        ends = time.monotonic() + HELD + _LOOK_IN_EVERY

        def wait() -> bool:
            self._bar("waiting for another sync of it to end")
            time.sleep(1)
            return time.monotonic() < ends

        with self._progress, self._sync.held(wait):
            yield

    def propose(self, path: Path, options: Options, report: Report) -> Proposal:
        """Read an export, and say what has to change. Raises InvalidInputError."""
        with self._busy(f"reading {printable(path.name)}"):
            return propose(path, report, options, *self._sync.known())

    def undoing(self, run: str) -> Proposal:
        """Propose the opposite of what a sync did."""
        return self._sync.undoing(run)

    def resume(self) -> None:
        """Bring to its end what an earlier sync had begun."""
        with self._busy("looking for a sync that was interrupted"):
            about = self._sync.resume()
        if about is not None and not self._quiet:
            err().print(f"sync {about['id']} had been interrupted: what it had begun is done now")

    def webhook(self, url: str | None) -> Webhook | None:
        """Give the webhook at an address. Raises InvalidInputError."""
        return None if url is None else webhook_to(url, self._settings, "--webhook")

    def carry_out(
        self, proposal: Proposal, about: Mapping[str, Any], webhook: Webhook | None = None
    ) -> dict[str, Any]:
        """Bring it about, and give what is known of the sync."""
        return self._sync.carry_out(proposal, about, webhook)

    def hand_out(self, file: TextIO) -> None:
        """Write down the passwords of new accounts, and forget them."""
        number = self._passwords.hand_out(
            file,
            *self._sync.known(),
            lambda number: audit_reveal("passwords", f"{number:,} new accounts of {self.place}"),
        )
        err().print(f"{number:,} passwords were handed out; they are kept nowhere else")

    @contextmanager
    def _busy(self, what: str) -> Iterator[None]:
        task = self._progress.add_task(what, total=None)
        try:
            yield
        finally:
            self._progress.remove_task(task)

    def _bar(self, what: str) -> Any:  # noqa: ANN401  # a TaskID
        if what not in self._bars:
            self._bars[what] = self._progress.add_task(what, total=None)
        return self._bars[what]

    def _submitted(self, number: int) -> None:
        self._progress.advance(self._bar("submitting"), number)

    def _settled(self, batch: str, look_in: Callable[[], object]) -> None:
        """Wait until a batch is settled, and show how that goes."""
        bar, looked_in = self._progress.add_task("carrying out", total=None), time.monotonic()
        for look in follow(self._ledger, [batch]):
            for record in () if self._quiet else look.failures:
                self._progress.console.print(line_of(record))
            words = " ".join(["carrying out", *pace_of(look)])
            self._progress.update(bar, completed=look.settled, total=look.total, description=words)
            if time.monotonic() - looked_in > _LOOK_IN_EVERY:
                look_in()
                looked_in = time.monotonic()
