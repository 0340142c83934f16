"""Drives a published SDK, imported as `eeo`: for each line of JSON on stdin, one on stdout.

It runs in a process of its own, with the SDK's folder on PYTHONPATH and nothing of ours. The first
line out lists the calls that the SDK has. Then each line in names a call, its arguments, the
school, the base URL, the time to sign for, and whether to send; the line out has the request and
either the answer or what the SDK raised.
"""

import base64
import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import HTTPAdapter

api = importlib.import_module("eeo.api")
utils = importlib.import_module("eeo.utils")


class Recorder(HTTPAdapter):
    """Keeps the request; sends it, or has an empty answer for it."""

    def __init__(self, *, send: bool) -> None:
        super().__init__()
        self.kept: dict[str, Any] | None = None
        self._send = send

    def send(self, request: requests.PreparedRequest, *args: Any, **how: Any) -> requests.Response:  # noqa: ANN401  # handed on as they come
        """Keep it first, in case that it fails."""
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        self.kept = {
            "url": request.url,
            "headers": dict(request.headers),
            "body": base64.b64encode(body).decode(),
        }
        if self._send:
            return super().send(request, *args, **how)
        answer = requests.Response()
        answer.status_code, answer._content = 200, b"{}"  # noqa: SLF001  # it has no other way in
        return answer


def perform(order: dict[str, Any]) -> dict[str, Any]:
    """Do one call; whatever the SDK raises is told as text."""
    vars(utils)["time"] = SimpleNamespace(time=lambda: order["at"])  # whence the SDK has the time
    recorder = Recorder(send=order["send"])
    with api.ClassInAPI(order["sid"], order["secret"], order["base_url"]) as client:
        client.session.trust_env = False  # no proxy comes between
        for scheme in ("http://", "https://"):
            client.session.mount(scheme, recorder)
        try:
            told = {"reply": getattr(client, order["call"])(**order["arguments"])}
        except Exception as error:  # noqa: BLE001  # the SDK raises the plainest of all
            told = {"failure": f"{type(error).__name__}: {error}"}
    return {"sent": recorder.kept, **told}


def say(line: object) -> None:
    """Write one line at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer until stdin ends."""
    say([name for name in vars(api.ClassInAPI) if not name.startswith("_") and name != "close"])
    for line in sys.stdin:
        say(perform(json.loads(line)))


if __name__ == "__main__":
    main()
