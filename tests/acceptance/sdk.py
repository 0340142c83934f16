"""A published SDK, in a process of its own; and what a request carries, whoever made it."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from ops.simulator import DEFAULT_SCHOOL
from worker.classin.request import Request
from worker.config.settings import CLASSIN

DRIVER = Path(__file__).with_name("sdk_driver.py")

Json = Any


@dataclass(frozen=True)
class Carried:
    """What a request carries; the spacing, escapes and order of names within JSON do not matter.

    `fields` are a form's texts, or the JSON texts of a body's values; files are told by name and
    SHA-256.
    """

    url: str
    proof: Mapping[str, str]
    fields: Mapping[str, str]
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def differences(self, other: "Carried") -> dict[str, tuple[str | None, str | None]]:
        """Give the fields that differ, each as it is here and there."""
        return {
            name: (self.fields.get(name), other.fields.get(name))
            for name in sorted(self.fields.keys() | other.fields.keys())
            if self.fields.get(name) != other.fields.get(name)
        }


@dataclass(frozen=True)
class Told:
    """What the SDK made of a call: a request if it came to that, and an answer or a failure."""

    sent: Carried | None
    reply: Json = None
    failure: str | None = None

    @property
    def request(self) -> Carried:
        """The request, which there must be."""
        assert self.sent is not None, self.failure
        return self.sent


class Sdk:
    """Calls of the SDK, by name."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Take a driver that has just been started."""
        self._process = process
        self.calls = tuple(self._read())

    def call(
        self,
        name: str,
        arguments: Mapping[str, Json],
        *,
        at: int,
        base_url: str | None = None,
        sid: str | int = DEFAULT_SCHOOL.sid,
    ) -> Told:
        """Do one call, signed for that moment; without a base URL nothing is sent."""
        order = {
            "call": name,
            "arguments": arguments,
            "at": at,
            "base_url": base_url or CLASSIN,
            "send": base_url is not None,
            "sid": sid,
            "secret": DEFAULT_SCHOOL.secret,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told = self._read()
        sent = None if told["sent"] is None else carried_by_theirs(**told["sent"])
        return Told(sent, told.get("reply"), told.get("failure"))

    def _read(self) -> Json:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the driver of the SDK ended"
        return json.loads(line)


@contextmanager
def driven(home: Path) -> Iterator[Sdk]:
    """Start the driver with the SDK that lies there, and end it."""
    with subprocess.Popen(
        [sys.executable, str(DRIVER)],
        env={"PYTHONPATH": str(home), "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        yield Sdk(process)


def carried_by_ours(request: Request) -> Carried:
    """Take one of our requests apart."""
    files = {name: (file.name, file.sha256) for name, file in request.files.items()}
    if request.form is None:
        return _carried(CLASSIN + request.target, request.headers, _body(request.body or b""))
    return _carried(CLASSIN + request.target, request.headers, _form(request.form), files)


def carried_by_theirs(url: str, headers: Mapping[str, str], body: str) -> Carried:
    """Take one of the SDK's requests apart."""
    content, kind = base64.b64decode(body), headers["Content-Type"]
    match kind.partition(";")[0]:
        case "application/json":
            return _carried(url, headers, _body(content))
        case "application/x-www-form-urlencoded":
            texts = parse_qsl(content.decode(), keep_blank_values=True, strict_parsing=True)
            return _carried(url, headers, _form(dict(texts)))
        case _:
            return _carried(url, headers, *_parts(kind, content))


def _carried(
    url: str,
    headers: Mapping[str, str],
    fields: Mapping[str, str],
    files: Mapping[str, tuple[str, str]] | None = None,
) -> Carried:
    """Leave out the headers that have nothing to do with ClassIn, or are the HTTP library's."""
    json_kind = {"Content-Type": "application/json"}.items()
    proof = {k: v for k, v in headers.items() if k.startswith("X-EEO-") or (k, v) in json_kind}
    return Carried(url, proof, fields, files or {})


def _body(content: bytes) -> dict[str, str]:
    return {name: _one_way(value) for name, value in json.loads(content).items()}


def _form(texts: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _one_way(json.loads(text)) if text[:1] in ("[", "{") else text
        for name, text in texts.items()
    }


def _parts(kind: str, content: bytes) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Take a multipart body apart: texts, and files by name and SHA-256."""
    texts: dict[str, str] = {}
    files: dict[str, tuple[str, str]] = {}
    for part in message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content).walk():
        if part.is_multipart():
            continue
        name = str(part.get_param("name", header="content-disposition"))
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        if (filename := part.get_filename()) is None:
            texts[name] = value.decode()
        else:
            files[name] = (filename, hashlib.sha256(value).hexdigest())
    return _form(texts), files


def _one_way(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
