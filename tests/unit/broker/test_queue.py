"""The queues: where they are, and what a message holds."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from amqp.exceptions import ChannelError
from celery import current_app
from kombu.transport.memory import Channel, Transport
from kombu.utils.url import url_to_parts

from tests.unit.published import ids_in, taken_from
from tests.unit.stage import Stage
from worker.broker.messages import MOST, SEVERAL, task_name
from worker.broker.queue import Queues, broker_url, build_queues
from worker.classin.operations.courses import EditCourse
from worker.config.settings import Settings
from worker.errors import InvalidSettingsError, UnavailableError
from worker.ledger.record import Priority
from worker.ledger.types import ReadyRecord

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
    queues.publish([ReadyRecord(course, "edit_course")])

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
    for record_id in "abc":
        queues.publish([ReadyRecord(record_id, "create_folder")])
    assert [message["headers"]["id"] for message in taken_from(queues)] == ["a", "b", "c"]


def test_several_share_a_message(queues: Queues) -> None:
    """So many at most, in order; a single one has a message of its own kind."""
    names = [f"r{number}" for number in range(MOST + 1)]
    queues.publish([ReadyRecord(name, "create_folder") for name in names])
    queues.publish([ReadyRecord("alone", "create_folder")])
    messages = taken_from(queues)
    tasks = [message["headers"]["task"] for message in messages]
    assert tasks == [SEVERAL, SEVERAL, "classin.create_folder"]
    assert [ids_in(message) for message in messages] == [names[:MOST], names[MOST:], ["alone"]]


def test_a_suspect_shares_no_message(queues: Queues) -> None:
    """Its worker died, perhaps of it: whoever takes its message takes nobody else with it."""
    others = [ReadyRecord(each, "create_folder") for each in "ab"]
    suspects = [ReadyRecord(each, "create_folder", suspect=True) for each in "xy"]
    queues.publish([suspects[0], *others, suspects[1]])
    assert [ids_in(message) for message in taken_from(queues)] == [["x"], ["y"], ["a", "b"]]


def test_a_message_has_its_record_s_priority(queues: Queues) -> None:
    """As a number of Redis's kind: the least is taken first, and where none is given it is 0."""
    queues.publish([ReadyRecord(priority, "create_folder", priority) for priority in Priority])
    queues.publish([ReadyRecord("unsaid", "create_folder")])

    priorities = {
        message["headers"]["id"]: message["properties"]["priority"]
        for message in taken_from(queues)
    }
    assert priorities == {"high": 0, "normal": 3, "low": 6, "unsaid": 3}


@pytest.mark.parametrize("priority", range(10))
def test_another_celery_may_use_any_priority(priority: int) -> None:
    """Whatever its own steps are, the list that it puts the message into is looked at."""
    options = build_queues(Settings(home=HOME)).conf.broker_transport_options
    assert priority in options["priority_steps"]
    assert options["priority_steps"] == sorted(options["priority_steps"])


@pytest.mark.parametrize(
    ("broker", "own"),
    [
        (None, {"socket_timeout", "ack_emulation", "priority_steps"}),
        ("redis://example", {"socket_timeout", "ack_emulation", "priority_steps"}),
        ("rediss://example", {"socket_timeout", "ack_emulation", "priority_steps"}),
        ("amqp://example", {"connect_timeout", "on_open", "confirm_publish"}),
        ("amqps://example", {"connect_timeout", "on_open", "confirm_publish"}),
        ("memory://", set()),
    ],
)
def test_each_kind_of_broker_has_options_of_its_own(broker: str | None, own: set[str]) -> None:
    """They are its client's arguments, and mean nothing to another's."""
    options = build_queues(Settings(home=HOME, broker_url=broker)).conf.broker_transport_options
    known = {"socket_timeout", "ack_emulation", "priority_steps"}
    known |= {"connect_timeout", "on_open", "confirm_publish"}
    assert known & options.keys() == own


def test_a_connection_over_amqp_waits_for_nothing_for_good() -> None:
    """Once it is open its socket has a time limit, which amqp itself does not give it."""
    queues = build_queues(Settings(home=HOME, broker_url="amqp://example"))
    limits: list[float] = []
    transport = SimpleNamespace(sock=SimpleNamespace(settimeout=limits.append))
    queues.conf.broker_transport_options["on_open"](SimpleNamespace(transport=transport))
    assert limits == [5]


def test_a_worker_over_amqp_hears_at_once_and_shares_its_machine() -> None:
    """Its loop wakes up ten times a second; workers of one name do not lock each other out."""
    conf = build_queues(Settings(home=HOME, broker_url="amqp://example")).conf
    assert conf.broker_heartbeat / conf.broker_heartbeat_checkrate == pytest.approx(0.1)
    assert not conf.control_queue_exclusive


@pytest.mark.parametrize("broker", ["amqp://example", "redis://example", None])
def test_a_worker_fetches_no_more_after_a_reconnection(broker: str | None) -> None:
    """Celery would restore a prefetch of its own."""
    conf = build_queues(Settings(home=HOME, broker_url=broker)).conf
    assert not conf.worker_enable_prefetch_count_reduction


class Guarded(Channel):
    """A channel in memory that may not look."""

    def queue_declare(self, *_: object, **__: object) -> NoReturn:
        """Refuse."""
        raise ChannelError("ACCESS_REFUSED", (50, 10), "Channel.queue_declare", 403)


class GuardedTransport(Transport):
    """The broker in memory, which lets nobody look."""

    Channel = Guarded


def test_a_broker_that_refuses_is_not_an_empty_queue(settings: Settings) -> None:
    """Only a queue that is not there counts as empty."""
    queues = build_queues(settings)
    queues.conf.update(broker_url=None, broker_read_url=None, broker_transport=GuardedTransport)
    with pytest.raises(UnavailableError, match="ACCESS_REFUSED"):
        queues.is_empty()


def test_a_queue_is_empty_until_something_is_on_it(queues: Queues) -> None:
    """Also one that nobody has used yet."""
    assert queues.is_empty()
    queues.publish([])
    assert queues.is_empty()
    queues.publish([ReadyRecord("a", "create_folder")])
    assert not queues.is_empty()
    assert [*queues.empty()] == []
    taken_from(queues)
    assert queues.is_empty()
    assert [*queues.empty()] == [*Priority]


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


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("foo://:hunter2@x", "'foo'"),
        ("sqs://:hunter2@x", "package"),
        ("confluentkafka://:hunter2@x", "'confluentkafka'"),
        ("redis://:hunter2@127.0.0.1:port/0", "an address like"),
        ("redis://:hunter2@127.0.0.1:66000/0", "an address like"),
        ("redis://[:hunter2@::1/0", "an address like"),
        ("hunter2", "an address like"),
        ("amqp://one//;//two", "an address like"),
    ],
)
def test_broker_address_that_celery_cannot_use(url: str, said: str) -> None:
    """It is refused before anything is sent, and no password is repeated."""
    with pytest.raises(InvalidSettingsError) as refused:
        build_queues(Settings(home=HOME, broker_url=url))
    assert "CLASSIN_BROKER_URL: " in str(refused.value)
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_brokers_one_for_the_other_are_taken() -> None:
    """Celery takes several, with ; between them."""
    url = "amqp://one:5672//;amqp://two:5672//"
    assert build_queues(Settings(home=HOME, broker_url=url)).conf.broker_url == url
