"""Message check: what a message, or a command to all workers, may look like. Pure.

Celery and kombu crash, some of them for good, on messages that are not shaped like Celery's own.
Whoever may write to the broker could stop every worker by one. So nothing reaches them unchecked.
What is checked is read as kombu reads it: where two parsers differ, one of them is fooled.
"""

import base64
import json
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard
from uuid import UUID

from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads

from worker.broker.messages import IDS, MOST, SEVERAL
from worker.ledger.decoding import UNREADABLE

#: Bytes of a message with its fields. Ours have some hundred; files do not travel in messages.
MOST_BYTES = 1024 * 1024

#: Bytes of a command to all workers.
MOST_COMMAND_BYTES = 64 * 1024

#: Characters of a task's id, of a school's name, of what else names something.
LONGEST_NAME = 200

#: How far ahead, in seconds, another Celery's countdown or ETA may lie.
FURTHEST = 24 * 3600

_JSON = "application/json"

_NOT_SHAPED = "it is not shaped like a message of Celery's"
_KINDS = "its parts are not of the right kinds"
_NO_COMMAND = "it is not shaped like a command of Celery's"


def is_name(value: object) -> TypeGuard[str]:
    """Whether something can name a record, a school or a node: printable, and not too long."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def fault_of(item: bytes | str, tasks: Container[str]) -> str | None:
    """Return what is wrong with a message as it lies in Redis, or None if it is well formed."""
    if len(item) > MOST_BYTES:
        return f"it has more than {MOST_BYTES} bytes"
    try:
        message = loads(bytes_to_str(item))
        fits = _fits_envelope(message)
        headers, kind, text = message["headers"], message.get("content-type"), _text_of(message)
        return fault_within(headers, kind, text, tasks, fits=fits)
    except UNREADABLE:
        return _NOT_SHAPED


def fault_within(
    headers: Mapping[str, Any],
    content_type: object,
    body: bytes | str,
    tasks: Container[str],
    *,
    fits: bool = True,
) -> str | None:
    """Return what is wrong with a message's headers and body, or None.

    `fits`: whether its envelope does.
    """
    if len(body) > MOST_BYTES:
        return f"it has more than {MOST_BYTES} bytes"
    try:
        task, task_id = headers["task"], headers["id"]
        args, kwargs, embed = loads(bytes_to_str(body))
        json.dumps((args, kwargs, embed))  # none of the types that kombu makes of its own marks
    except UNREADABLE:
        return _NOT_SHAPED
    shapes = ((task, str), (args, list), (kwargs, dict), (embed, dict | None))
    if not (fits and is_name(task_id) and all(isinstance(value, kind) for value, kind in shapes)):
        return _KINDS
    if content_type != _JSON or headers.get("compression"):
        return "it is not JSON"
    if task not in tasks:
        return "it names no operation of the catalogue"
    return fault_of_ids(headers.get(IDS)) if task == SEVERAL else None


def fault_of_ids(ids: object) -> str | None:
    """Return what is wrong with the records that a message for several names, or None."""
    if not (isinstance(ids, list) and all(map(is_name, ids))):
        return "it does not name its records by their ids"
    return None if 0 < len(ids) <= MOST else f"it names none, or more than {MOST} records"


def fault_of_broadcast(item: bytes | str) -> str | None:
    """Return what is wrong with a command to all workers as Redis publishes it, or None."""
    if len(item) > MOST_COMMAND_BYTES:
        return f"it has more than {MOST_COMMAND_BYTES} bytes"
    try:
        message = loads(bytes_to_str(item))
        headers = message["headers"]
        fits = _fits_envelope(message) and message.get("content-type") == _JSON
        fits = fits and isinstance(headers, dict) and not headers.get("compression")
        command = loads(bytes_to_str(_text_of(message)))
        return fault_of_command(command, headers) if fits else _NO_COMMAND
    except UNREADABLE:
        return _NO_COMMAND


def fault_of_command(command: object, headers: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a command to all workers, read from its message, or None."""
    clock = headers.get("clock")
    if not (isinstance(command, dict) and (clock is None or _is_count(clock))):
        return _NO_COMMAND
    for name, kind in (("method", str), ("arguments", dict | None), ("destination", list | None)):
        if not isinstance(command.get(name), kind):
            return _NO_COMMAND
    if command.get("pattern") or command.get("matcher"):
        return "it names its nodes by a pattern"
    ticket, reply_to = command.get("ticket"), command.get("reply_to")
    if not (ticket is None or is_name(ticket)) or not (reply_to is None or _is_reply_to(reply_to)):
        return "its reply is to go where none may go"
    return None


def moment_of(value: object) -> datetime | None:
    """Read a moment as Celery writes it, in UTC where it does not say; None: it is none."""
    try:
        if not is_name(value):
            return None
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def faults_of_times(headers: Mapping[str, Any], now: float) -> list[str]:
    """Return what is wrong with the eta and expiry of a message. `now`: seconds since 1970."""
    eta, expires = headers.get("eta"), headers.get("expires")
    begins, ends = moment_of(eta), moment_of(expires)
    faults = []
    if eta is not None and begins is None:
        faults.append("eta: should be a time like 2030-01-31T08:00:00+00:00")
    elif begins is not None and begins.timestamp() > now + FURTHEST:
        faults.append("eta: lies more than a day ahead; `classin schedule` plans what is later")
    if expires is not None and ends is None:
        faults.append("expires: should be a time like 2030-01-31T08:00:00+00:00")
    elif ends is not None and ends.timestamp() < max(now, begins.timestamp() if begins else 0.0):
        faults.append("expires: that was over before its turn came")
    return faults


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_reply_to(value: Any) -> bool:  # noqa: ANN401  # whatever JSON holds
    """Whether a reply may go there, by its shape: an exchange, and a mark that Celery has made."""
    try:
        return (
            is_name(value["exchange"]) and str(UUID(value["routing_key"])) == value["routing_key"]
        )
    except UNREADABLE:
        return False


def _fits_envelope(message: Any) -> bool:  # noqa: ANN401  # whatever JSON holds
    """Whether kombu can take apart what is around a message's body."""
    properties = message["properties"]
    shapes = (
        (properties["delivery_tag"], str),
        (properties["delivery_info"], dict),
        (properties.get("priority"), int | None),
        (message.get("content-encoding"), str | None),
    )
    known = properties.get("body_encoding") in {None, "base64", "utf-8"}
    return known and all(isinstance(value, kind) for value, kind in shapes)


def _text_of(message: Any) -> bytes | str:  # noqa: ANN401  # whatever JSON holds
    """Take a message's body out of its encoding."""
    body: bytes | str = message["body"]
    encoded = message["properties"].get("body_encoding") == "base64"
    return base64.b64decode(body, validate=True) if encoded else body
