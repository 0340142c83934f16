"""Messages and commands as a Celery writes them, and as nobody should."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

#: Where Redis publishes what Celery tells all workers.
PIDBOX = "/0.celery.pidbox"

#: Text that no log, reply or error may repeat.
CANARY = "canary-3f81"


def encoded(body: object) -> str:
    """A body as it lies in the envelope."""
    return base64.b64encode(json.dumps(body).encode()).decode()


def envelope(
    body: object,
    headers: object = None,
    properties: Mapping[str, object] | None = None,
    **changes: object,
) -> dict[str, Any]:
    """What kombu puts around a body; `changes` with _ for - replace parts of it."""
    usual = {
        "delivery_mode": 1,
        "delivery_info": {"exchange": "", "routing_key": "classin"},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
    }
    return {
        "body": encoded(body),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {} if headers is None else headers,
        "properties": {**usual, **(properties or {})},
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }


def command(method: object, **parts: object) -> str:
    """A command to all workers, as Celery's control publishes it."""
    return json.dumps(envelope({"method": method, "arguments": {}, **parts}))


def message(kwargs: object = None, headers: Mapping[str, Any] | None = None, **more: Any) -> str:  # noqa: ANN401  # parts of an envelope
    """A message of another Celery that asks for a folder."""
    asked = {"folderId": 747759, "folderName": "tools"} if kwargs is None else kwargs
    task_id = str(uuid4())
    usual = {"lang": "py", "task": "classin.create_folder", "id": task_id, "retries": 0}
    body = [[], asked, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    return json.dumps(envelope(more.pop("body", body), {**usual, **(headers or {})}, **more))
