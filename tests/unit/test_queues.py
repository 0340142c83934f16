"""The queues: where they are, and what a message holds."""

import base64
import json
from pathlib import Path

import pytest
from celery import current_app
from kombu.utils.url import url_to_parts

from tests.unit.broker import taken_from
from tests.unit.stage import Stage
from worker.classin.operations.courses import EditCourse
from worker.ledger.ledger import Due
from worker.queues import Queues, broker_url, build_queues, task_name
from worker.settings import Settings

HOME = Path("/srv/classin")


@pytest.mark.parametrize(
    ("redis_url", "broker", "url"),
    [
        ("redis://example/3", None, "redis://example/3"),
        ("rediss://:pw@example/3", None, "rediss://:pw@example/3"),
        ("redis://example/3", "amqp://example", "amqp://example"),
        (None, None, "redis+socket:///srv/classin/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock", None, "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix:///run/redis.sock?db=2", None, "redis+socket:///run/redis.sock?virtual_host=2"),
        ("unix://:pw@/run/r.sock?db=2", None, "redis+socket://:pw@/run/r.sock?virtual_host=2"),
        ("unix://me:pw@/run/r.sock", None, "redis+socket://me:pw@/run/r.sock?virtual_host=0"),
    ],
)
def test_the_broker_is_the_ledger_s_redis_unless_another_is_named(
    redis_url: str | None, broker: str | None, url: str
) -> None:
    """Each library writes a socket in its own way; user, password and database come along."""
    assert broker_url(Settings(home=HOME, redis_url=redis_url, broker_url=broker)) == url


@pytest.mark.parametrize("home", ["/srv/a b", "/srv/a%20b", "/srv/a?b", "/srv/a#b", "/srv/é"])
def test_the_socket_is_found_under_any_name(home: str) -> None:
    """Kombu reads the same path that Redis listens on."""
    settings = Settings(home=Path(home))
    path = url_to_parts(broker_url(settings)).path
    assert f"/{path}" == str(settings.socket)


def test_a_message_names_its_record_and_nothing_else(queues: Queues, stage: Stage) -> None:
    """No field of the operation passes through the broker."""
    course = stage.submit(EditCourse(course_id=352861, course_name="Today is a good day"))
    queues.publish([Due(course, "edit_course")])

    (message,) = taken_from(queues)

    assert message["headers"]["id"] == course
    assert message["headers"]["task"] == "classin.edit_course"
    args, kwargs, embed = json.loads(base64.b64decode(message["body"]))
    assert (args, kwargs) == ([], {})
    assert not any(embed.values())
    whole = json.dumps(message) + base64.b64decode(message["body"]).decode()
    assert [field for field in ("352861", "Today", "courseName") if field in whole] == []


def test_messages_keep_their_order(queues: Queues) -> None:
    """First in, first out."""
    queues.publish([Due(record_id, "create_folder") for record_id in "abc"])
    assert [message["headers"]["id"] for message in taken_from(queues)] == ["a", "b", "c"]


def test_a_queue_is_empty_until_something_is_on_it(queues: Queues) -> None:
    """Also one that nobody has used yet."""
    assert queues.is_empty()
    queues.publish([])
    assert queues.is_empty()
    queues.publish([Due("a", "create_folder")])
    assert not queues.is_empty()
    taken_from(queues)
    assert queues.is_empty()


def test_a_task_is_named_for_its_operation() -> None:
    """Others send by this name."""
    assert task_name("edit_course") == "classin.edit_course"


def test_the_queues_have_no_tasks_of_ours(queues: Queues) -> None:
    """A producer needs none; they are the worker's."""
    assert [name for name in queues.tasks if name.startswith("classin.")] == []


def test_building_queues_leaves_another_celery_in_place(settings: Settings) -> None:
    """A program with a Celery of its own keeps it."""
    assert build_queues(settings).main == "classin"
    assert current_app.main != "classin"
