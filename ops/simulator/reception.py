"""From an HTTP request to what was received, in either dialect."""

import json

from aiohttp import web

from ops.simulator.admission import Received
from worker.classin.call import Dialect
from worker.classin.fields import File
from worker.classin.operation import Operation


async def receive(request: web.Request, dialect: Dialect, kind: type[Operation] | None) -> Received:
    """Read a request to the end and take it apart."""
    match dialect:
        case Dialect.V1:
            return await _receive_form(request, kind)
        case Dialect.V2:
            return await _receive_json(request, kind)


async def _receive_form(request: web.Request, kind: type[Operation] | None) -> Received:
    legible = request.method == "POST"
    try:
        # PHP lets the last of several equal names win.
        form = {name: _value(value) for name, value in (await request.post()).items()}
    except (ValueError, LookupError):
        form, legible = {}, False
    sid, proof, timestamp = (_text(form.get(name)) for name in ("SID", "safeKey", "timeStamp"))
    return Received(Dialect.V1, kind, sid, proof, timestamp, form, legible)


async def _receive_json(request: web.Request, kind: type[Operation] | None) -> Received:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    headers = request.headers
    return Received(
        Dialect.V2,
        kind,
        headers.get("X-EEO-UID"),
        headers.get("X-EEO-SIGN"),
        headers.get("X-EEO-TS"),
        body if isinstance(body, dict) else {},
        isinstance(body, dict),
    )


def _value(value: str | bytes | bytearray | web.FileField) -> str | File:
    """Take a form's value for text or a file; limits are checked later."""
    match value:
        case str():
            return value
        case bytes() | bytearray():  # a part of another type than text, yet without a name
            return value.decode(errors="replace")
        case _:
            return File.model_construct(name=value.filename, content=value.file.read())


def _text(value: str | File | None) -> str | None:
    return value if isinstance(value, str) else None
