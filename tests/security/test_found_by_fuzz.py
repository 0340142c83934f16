"""What the fuzz of all doors found: each as small as it was narrowed down, mended since."""

import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from redis import Redis

from ops.cli.job_check import faults_of
from ops.processes.supervisor import classin as command_line
from ops.scheduling.jobs_file import read_timetable
from producers import Submitter
from producers.files.jsonl import check_lines
from producers.oneroster.reading.csv_rows import Sheet
from producers.oneroster.reading.schema import USERS_1_1
from tests.raw_server import answering, request, server
from tests.security.fuzz.canaries import CHILD, PHONE
from tests.security.fuzz.place import a_place
from tests.stage import PATIENCE, Environment
from worker.classin.endpoint import ApiVersion
from worker.config.settings import Timeouts, from_env
from worker.errors import (
    InvalidInputError,
    InvalidSettingsError,
    ReplyLostError,
    UnreadableValueError,
)
from worker.execution.http_client import Transport
from worker.keyring import NO_KEYS
from worker.ledger.audit import Audit
from worker.ledger.keys import Keys
from worker.ledger.pruner import Pruner, Retention
from worker.ledger.queries import LedgerQueries, Order
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import SyncStore
from worker.ledger.types import Filter

KEYS = Keys()

#: Seconds since 1970, later than anything here.
_LATER = 4_000_000_000

_FOLDER = {"folderId": 5, "folderName": "x"}


@pytest.mark.parametrize(
    "line",
    [
        f'{{"operation": "register", "fields": [{{"nickname": "{CHILD}", "email": "{PHONE}"}}]}}',
        f'{{"operation": "register", "fields": "{CHILD} {PHONE}"}}',
        f'{{"operation": "register_multiple", "fields": {{"userJson": ["{CHILD} {PHONE}"]}}}}',
        f'{{"operation": "register_multiple", "fields": {{"userJson": [["{CHILD}", "{PHONE}"]]}}}}',
    ],
)
def test_a_fault_does_not_quote_people_whose_fields_are_of_another_shape(
    line: str,
) -> None:
    """Whoever reads the answer or the log of a submission would read names and phone numbers."""
    with a_place() as place:
        checked = check_lines([line.encode()], place.submitter, "a file")
    said = "\n".join(map(str, checked.faults))
    assert said
    assert CHILD not in said
    assert PHONE not in said


HUGE = ("9" * 5000, "0x" + "f" * 5000, "[" * 3000, "{a=" * 3000)


@pytest.mark.parametrize("value", HUGE)
def test_a_schools_file_with_huge_values_is_refused_in_one_line(value: str, tmp_path: Path) -> None:
    """Whoever may write that file would end every worker and command with a traceback."""
    path = tmp_path / "schools.toml"
    path.touch(0o600)
    path.write_text(f"[main]\nsid = {value}\n", encoding="utf-8")
    with pytest.raises(InvalidSettingsError) as refused:
        from_env({"CLASSIN_SCHOOLS": str(path), "CLASSIN_HOME": str(tmp_path)})
    (fault,) = refused.value.faults
    assert fault.what.startswith(f"{path} cannot be read: it ")


@pytest.mark.parametrize("value", HUGE)
def test_a_jobs_file_with_huge_values_is_refused_in_one_line(value: str, tmp_path: Path) -> None:
    """Whoever may write that file would end `classin schedule apply` with a traceback."""
    path = tmp_path / "jobs.toml"
    path.write_text(f"[nightly]\nrun = {value}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        read_timetable(path, faults_of)
    (fault,) = refused.value.faults
    assert fault.what.startswith("cannot be read: it ")


def test_a_reply_whose_chunk_has_a_negative_length_is_no_error_in_the_worker() -> None:
    """Who answers in ClassIn's place would fill the log with tracebacks; it counts as unread."""
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-14\r\nabc\r\n0\r\n\r\n"
    with server(answering(reply)) as url, pytest.raises(ReplyLostError, match="not HTTP"):
        Transport(url, Timeouts()).send(request(), ApiVersion.V1)


def test_a_word_of_a_command_that_is_no_text_is_refused_in_one_line() -> None:
    """Who can give a script a name to pass on would get a traceback out of Redis's client."""
    done = subprocess.run(
        [*command_line("show"), b"\xff"], capture_output=True, check=False, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"The words of a command should be UTF-8.\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enqueued_at", ""),
        ("state", "\x1b[2J"),
        ("fields", "["),
        ("fields", "5"),
        ("result", "9" * 5000),
    ],
)
def test_a_record_that_was_changed_in_redis_is_refused_in_one_line(name: str, value: str) -> None:
    """Who may write to Redis would end each command that meets the record with a traceback."""
    with a_place() as place:
        receipt = place.submitter.submit("create_folder", {"folderId": 5, "folderName": "x"})
        place.redis.hset(KEYS.record(receipt.id), name, value)
        with pytest.raises(UnreadableValueError, match="cannot be read") as refused:
            place.ledger.find(receipt.id)
    assert "\n" not in str(refused.value)


def test_bytes_in_redis_that_are_no_text_are_refused_in_one_line(environment: Environment) -> None:
    """Who may write to Redis would end each command that reads the record with a traceback."""
    url = environment.settings.ledger_url
    submitter = Submitter.from_settings(environment.settings)
    receipt = submitter.submit("create_folder", {"folderId": 5, "folderName": "x"})
    Redis.from_url(url).hset(KEYS.record(receipt.id), "message", b"\xff")
    with pytest.raises(UnreadableValueError, match="cannot be read"):
        RedisLedger(connect(url)).find(receipt.id)


@pytest.mark.parametrize("row", [f"{CHILD},{PHONE},colour", f"{CHILD},{CHILD},{PHONE}"])
def test_a_roster_without_its_header_does_not_quote_its_first_child(row: str) -> None:
    """Whoever reads the faults of an export would read the cells of a child as unknown columns."""
    said = "\n".join(map(str, Sheet(BytesIO(row.encode()), USERS_1_1).faults()))
    assert "users.csv row 1: column 1: " in said
    assert CHILD not in said
    assert PHONE not in said


def test_a_record_that_cannot_be_read_is_named_and_the_list_goes_on() -> None:
    """Who may write to Redis would take lists from everybody by one broken record."""
    with a_place() as place:
        ids = [place.submitter.submit("create_folder", _FOLDER).id for _ in range(3)]
        place.redis.hset(KEYS.record(ids[1]), "fields", "[")
        queries = LedgerQueries(place.redis)
        for order in (Order.NEWEST, Order.OLDEST):
            listing = queries.listing(Filter(), order, 5)
            assert {each.record.id for each in listing.found} == {ids[0], ids[2]}
            assert listing.unreadable == [ids[1]]
        page = place.ledger.page(Filter(), 5)
        assert [each.id for each in page.records] == [ids[2], ids[0]]
        with pytest.raises(UnreadableValueError, match=f"record {ids[1]} cannot be read"):
            page.complete()


def _sync(redis: Redis) -> object:
    return SyncStore(redis).about("f6qirykeam6nkbnh")


def _prune(redis: Redis) -> object:
    return Pruner(redis, NO_KEYS).run(Retention(-1, -1), _LATER * 1000, who="ada")


#: What somebody may write to Redis, and what then reads it.
_BROKEN: dict[str, tuple[Callable[[Redis], object], Callable[[Redis], object]]] = {
    "batch": (
        lambda it: it.hset(KEYS.batch("b"), "queued", "y"),
        lambda it: LedgerQueries(it).batch_counts("b"),
    ),
    "codes": (lambda it: it.hset(KEYS.codes, "x", "y"), lambda it: LedgerQueries(it).code_counts()),
    "clock": (
        lambda it: it.hset(KEYS.clock, "offset", "x"),
        lambda it: LedgerQueries(it).workers(),
    ),
    "workers": (
        lambda it: it.zadd(KEYS.workers, {"x": "inf"}),
        lambda it: LedgerQueries(it).workers(),
    ),
    "pace": (lambda it: it.hset(KEYS.paces, "x", "y"), lambda it: LedgerQueries(it).paces()),
    "schools": (
        lambda it: it.hset(KEYS.schools, "x", "y"),
        lambda it: LedgerQueries(it).schools([]),
    ),
    "event": (
        lambda it: it.xadd(KEYS.events, {"x": "y"}),
        lambda it: LedgerQueries(it).events.after("0", 5),
    ),
    "deed": (lambda it: it.xadd(KEYS.audit, {"x": "y"}), lambda it: Audit(it).deeds(5)),
    "sync": (lambda it: it.hset(KEYS.sync("f6qirykeam6nkbnh"), "about", "[]"), _sync),
    "sequence": (lambda it: it.set(KEYS.sequence, " "), _prune),
    "aside": (
        lambda it: it.hset(KEYS.aside, "x", "y"),
        lambda it: RedisLedger(it).quarantine.records(),
    ),
}


@pytest.mark.parametrize("name", _BROKEN)
def test_what_somebody_changed_in_redis_is_told_of_in_one_line(name: str) -> None:
    """Who may write to Redis would end stats, lanes, audit and the like with a traceback."""
    write, read = _BROKEN[name]
    with a_place() as place:
        write(place.redis)
        with pytest.raises(UnreadableValueError, match="it was changed in Redis") as refused:
            read(place.redis)
    assert "\n" not in str(refused.value)


def test_prune_leaves_a_record_whose_end_cannot_be_read() -> None:
    """The records beside it go; a person can look at the one that stays."""
    with a_place() as place:
        ids = [place.submitter.submit("create_folder", _FOLDER).id for _ in range(2)]
        for record_id in ids:
            place.ledger.cancel(record_id)
        place.redis.hset(KEYS.record(ids[0]), "finished_at", " ")
        pruned = Pruner(place.redis, NO_KEYS).run(Retention(-60, -60), _LATER * 1000, who="ada")
        assert pruned.records == {State.CANCELLED: 1}
        assert place.redis.exists(KEYS.record(ids[0]), KEYS.record(ids[1])) == 1
