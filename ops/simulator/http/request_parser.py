"""Parse an HTTP request of either API version."""

import hashlib
import json

from aiohttp import BodyPartReader, web

from ops.simulator.http.auth import Received
from worker.classin.endpoint import ApiVersion
from worker.classin.field_types import LARGEST_FILE, File
from worker.classin.operation import Operation

#: Bytes of a file that are read at once.
PIECE = 256 * 1024


async def receive(
    request: web.Request, dialect: ApiVersion, kind: type[Operation] | None
) -> Received:
    """Read and parse a whole request."""
    match dialect:
        case ApiVersion.V1:
            return await _receive_form(request, kind)
        case ApiVersion.V2:
            return await _receive_json(request, kind)


async def _receive_form(request: web.Request, kind: type[Operation] | None) -> Received:
    legible = request.method == "POST"
    try:
        form = await _form(request)
    except (ValueError, LookupError):
        form, legible = {}, False
    sid, proof, timestamp = (_text(form.get(name)) for name in ("SID", "safeKey", "timeStamp"))
    return Received(ApiVersion.V1, kind, sid, proof, timestamp, form, legible)


async def _receive_json(request: web.Request, kind: type[Operation] | None) -> Received:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    headers = request.headers
    return Received(
        ApiVersion.V2,
        kind,
        headers.get("X-EEO-UID"),
        headers.get("X-EEO-SIGN"),
        headers.get("X-EEO-TS"),
        body if isinstance(body, dict) else {},
        isinstance(body, dict),
    )


async def _form(request: web.Request) -> dict[str, str | File]:
    """Parse a form; limits are checked later. As in PHP, the last of equal names wins."""
    if request.method != "POST" or request.content_type != "multipart/form-data":
        return {name: str(value) for name, value in (await request.post()).items()}
    form: dict[str, str | File] = {}
    parts = await request.multipart()
    while (part := await parts.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise ValueError("a part that is none of a form's")
        if part.filename:
            form[part.name] = await _file(part, part.filename)
        else:  # perhaps of another type than text
            form[part.name] = (await part.read(decode=True)).decode(errors="replace")
    return form


async def _file(part: BodyPartReader, name: str) -> File:
    """Read a file, keeping only its size and digest."""
    size, digest = 0, hashlib.sha256()
    while chunk := await part.read_chunk(PIECE):
        async for piece in part.decode_iter(chunk):
            size += len(piece)
            digest.update(piece)
        if size > LARGEST_FILE:
            raise web.HTTPRequestEntityTooLarge(LARGEST_FILE, size)
    return File.model_construct(
        name=name, size=size, sha256=digest.hexdigest(), at="simulator:received"
    )


def _text(value: str | File | None) -> str | None:
    return value if isinstance(value, str) else None
