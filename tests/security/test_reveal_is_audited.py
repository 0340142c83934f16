"""Who sees what is masked leaves an entry in the audit trail first, or sees nothing."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from producers import Submitter
from producers.oneroster.applying.passwords import Passwords, Rule
from tests.stage import Command, Environment
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger

NAME, WORD, PHONE = "Zz Nobody Canary", "canary-word-7", "13800009999"


@pytest.fixture
def classin(environment: Environment) -> Command:
    """The command, with the test's environment."""
    return Command(environment)


@pytest.fixture
def record(submitter: Submitter, ledger: RedisLedger) -> str:
    """A registration of a batch that was called off."""
    line = {
        "operation": "register",
        "fields": {"telephone": PHONE, "nickname": NAME, "password": WORD},
    }
    (receipt,) = submitter.submit_many([line])
    ledger.cancel(receipt.id)
    return receipt.id


@pytest.fixture
def read_only(environment: Environment) -> Iterator[Callable[[], object]]:
    """Lets Redis take no more writes."""
    redis = connect(environment.settings.ledger_url)
    yield lambda: redis.config_set("min-replicas-to-write", 1)
    redis.config_set("min-replicas-to-write", 0)


def trail(classin: Command) -> list[dict[str, object]]:
    """What was noted, the newest first."""
    return [json.loads(line) for line in classin("audit", "--json").stdout.splitlines()]


def test_showing_what_is_masked_is_noted_first(classin: Command, record: str) -> None:
    """Anybody with a shell read children's names and passwords, and nobody ever knew."""
    shown = classin("show", record, "--reveal").stdout
    assert NAME in shown
    assert WORD in shown
    (deed,) = trail(classin)
    assert deed["what"] == "reveal"
    assert deed["ids"] == [record]
    assert deed["who"]
    assert not any(each in json.dumps(deed) for each in (NAME, WORD, PHONE))


def test_showing_what_stays_masked_is_not_noted(classin: Command, record: str) -> None:
    """The trail is for what others cannot see."""
    assert NAME not in classin("show", record).stdout
    assert trail(classin) == []


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nothing_is_shown_where_the_trail_takes_no_entry(
    more: list[str], classin: Command, record: str, read_only: Callable[[], object]
) -> None:
    """Whoever fills Redis, or makes it read-only, looked around without a trace."""
    read_only()
    done = classin("show", record, "--reveal", *more)
    assert done.returncode == 1
    assert not any(each in done.stdout + done.stderr for each in (NAME, WORD, PHONE))


def test_a_table_of_failures_is_noted_first(
    classin: Command, record: str, ledger: RedisLedger, tmp_path: Path
) -> None:
    """It has whole rows: all that a school knows of who failed."""
    batch, path = str(ledger.find(record).batch), tmp_path / "mend.csv"
    classin("watch", batch, "--failures", str(path))
    assert NAME in path.read_text(encoding="utf-8-sig")
    (deed,) = trail(classin)
    assert (deed["what"], deed["ids"]) == ("failures", [record])
    assert batch in str(deed["about"])


def test_no_table_of_failures_is_written_without_an_entry(
    classin: Command,
    record: str,
    ledger: RedisLedger,
    tmp_path: Path,
    read_only: Callable[[], object],
) -> None:
    """Not even an empty one."""
    batch, path = str(ledger.find(record).batch), tmp_path / "mend.csv"
    read_only()
    assert classin("watch", batch, "--failures", str(path)).returncode == 1
    assert not path.exists()


def test_passwords_are_handed_out_after_their_entry(tmp_path: Path) -> None:
    """A trail that fails leaves the file empty, and the passwords where they were."""

    class FullError(Exception):  # of this test
        """The trail takes nothing."""

    class Kept:
        """A source with one password."""

        def passwords(self) -> dict[str, str]:
            return {}

        def drop_passwords(self, people: list[str]) -> None:
            raise AssertionError(people)

    def note(number: int) -> None:
        raise FullError(number)

    class Known:
        """Nobody."""

        people: ClassVar[dict[str, object]] = {}

    path = tmp_path / "accounts.csv"
    passwords = Passwords(Kept(), None, Rule())  # type: ignore[arg-type]  # asked for no more
    with path.open("w", encoding="utf-8") as file, pytest.raises(FullError):
        passwords.hand_out(file, None, Known(), note)  # type: ignore[arg-type]  # the same
    assert not path.stat().st_size
