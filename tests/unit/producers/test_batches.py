"""Batches that somebody is to be told of: handed in, broken off, gone on with."""

from functools import partial

import pytest

from producers.intake.checked import Checked, Position
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from tests.redis_server import SharedRedis
from worker.classin.operations.cloud import CreateFolder
from worker.errors import InvalidInputError, UnavailableError
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.states import WebhookState
from worker.ledger.store import CHUNK, RedisLedger


def test_a_batch_that_breaks_off_counts_as_no_whole(
    submitter: Submitter, ledger: RedisLedger, server: SharedRedis
) -> None:
    """Redis went away after the first chunk: nobody is told that the batch is over."""
    operations = [CreateFolder(folder_id=n, folder_name="a") for n in range(1, CHUNK + 11)]
    checked = submitter.check_all(
        [(Position(str(n)), partial(lambda each: each, each)) for n, each in enumerate(operations)],
        "test",
    )

    def cut_off(_: int) -> None:
        server.connected = False

    with pytest.raises(UnavailableError):
        submitter.enter_batch(
            checked, BatchInfo(webhook=Webhook(url="https://sis.example/h")), cut_off
        )
    server.connected = True

    about = ledger.batches.info(checked.batch)
    assert about is not None
    assert about.webhook is not None
    assert (about.webhook.told, about.expected) == (WebhookState.OPEN, CHUNK + 10)


def lines_of(submitter: Submitter, number: int) -> Checked:
    """A file's lines, each with a dedup key."""
    lines = [
        SubmitRequest(
            operation="create_folder",
            fields={"folderId": n, "folderName": "a"},
            dedup_key=str(n),
        )
        for n in range(1, number + 1)
    ]
    return submitter.check_all(
        [(Position(str(n)), partial(lambda each: each, each)) for n, each in enumerate(lines)],
        "test",
    )


@pytest.mark.parametrize(
    ("digest", "url", "same"),
    [
        ("d", "https://sis.example/h", True),
        ("other", "https://sis.example/h", False),
        ("d", "https://sis.example/other", False),
    ],
)
def test_a_file_that_is_handed_in_again_goes_on_with_its_batch(  # each says one thing
    submitter: Submitter,
    ledger: RedisLedger,
    server: SharedRedis,
    digest: str,
    url: str,
    *,
    same: bool,
) -> None:
    """Then one webhook tells of all of it; another file, or webhook, makes a batch of its own."""
    about = BatchInfo(digest="d", webhook=Webhook(url="https://sis.example/h"))
    first = lines_of(submitter, CHUNK + 5)

    def cut_off(_: int) -> None:
        server.connected = False

    with pytest.raises(UnavailableError):
        submitter.enter_batch(first, about, cut_off)
    server.connected = True

    about = BatchInfo(digest=digest, webhook=Webhook(url=url))
    again = submitter.resumed(lines_of(submitter, CHUNK + 5), about)
    submitter.enter_batch(again, about)

    assert (again.batch == first.batch) is same
    assert sum(ledger.batch_counts(again.batch).values()) == (CHUNK + 5 if same else 5)
    found = ledger.batches.info(again.batch)
    assert found is not None
    assert found.webhook is not None
    assert found.webhook.told is WebhookState.WAITING


def test_a_refused_rest_of_a_batch_counts_as_no_whole(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """Somebody used a dedup key for something else meanwhile; what was recorded is a part."""
    lines = [
        SubmitRequest(
            operation="create_folder", fields={"folderId": n, "folderName": "a"}, dedup_key=str(n)
        )
        for n in range(1, CHUNK + 3)
    ]
    checked = submitter.check_all(
        [(Position(str(n)), partial(lambda each: each, each)) for n, each in enumerate(lines)],
        "test",
    )
    other = SubmitRequest(
        operation="create_folder", fields={"folderId": 5, "folderName": "b"}, dedup_key="501"
    )
    submitter.enter(submitter.check(other))

    with pytest.raises(InvalidInputError, match="only 500 of 502"):
        submitter.enter_batch(checked, BatchInfo(webhook=Webhook(url="https://sis.example/h")))

    about = ledger.batches.info(checked.batch)
    assert about is not None
    assert about.webhook is not None
    assert about.webhook.told is WebhookState.OPEN
