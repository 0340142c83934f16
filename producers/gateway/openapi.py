"""The OpenAPI document, with every operation typed from the catalogue."""

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from producers.gateway.request_body import MOST_OPERATIONS
from producers.intake.request import SubmitRequest
from worker.classin.catalogue import CATALOGUE
from worker.classin.describe import explained
from worker.ledger.states import DependencyKind, Reason, State

_PLACE = "#/components/schemas/"

#: Response schema by route and status; a route that is missing here cannot be added.
_ANSWERS: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "POST /v1/operations": {
        201: ("Receipt", "It is recorded."),
        202: ("Receipts", "All are recorded, as a batch."),
        200: ("Taken", "It was recorded before."),
    },
    "GET /v1/operations": {200: ("Page", "Records, newest first.")},
    "GET /v1/operations/{record_id}": {200: ("Record", "The record as it is now.")},
    "POST /v1/operations/{record_id}/retry": {201: ("Receipts", "It is tried again.")},
    "POST /v1/operations/{record_id}/cancel": {
        200: ("RecordState", "It is cancelled."),
        202: ("RecordState", "It runs, and is cancelled unless this attempt settles it."),
    },
    "POST /v1/batches": {
        202: ("Receipts", "All are recorded."),
        200: ("Receipts", "They were recorded before."),
    },
    "GET /v1/batches/{batch}": {200: ("Batch", "Its operations by state.")},
    "GET /v1/events": {},
    "GET /v1/catalogue": {200: ("Catalogue", "All operations.")},
    "GET /healthz": {200: ("Health", "Work gets on."), 503: ("Health", "It does not.")},
}

_ONE = {"$ref": f"{_PLACE}Operation"}
_LIST = {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MOST_OPERATIONS}

_BODIES: Mapping[str, Mapping[str, Any]] = {
    "POST /v1/operations": {"anyOf": [_ONE, _LIST]},
    "POST /v1/batches": _LIST,
}


def documents(method: str, path: str) -> dict[str, Any]:
    """Return a route's request and response schemas, for `add_api_route`."""
    route = f"{method} {path}"
    problem = {"schema": {"$ref": f"{_PLACE}Problem"}}
    responses: dict[int | str, dict[str, Any]] = {
        status: {
            "description": words,
            "content": {"application/json": {"schema": {"$ref": _PLACE + name}}},
        }
        for status, (name, words) in _ANSWERS[route].items()
    }
    if path == "/v1/events":
        responses[200] = {"description": "Settlements.", "content": {"text/event-stream": {}}}
    wrong = {"description": "A problem.", "content": {"application/problem+json": problem}}
    responses |= {422: wrong, "default": wrong}
    said: dict[str, Any] = {"responses": responses}
    extra: dict[str, Any] = {} if path == "/healthz" else {"security": [{"key": []}]}
    if route in _BODIES:
        lines = {"schema": {"type": "string", "description": "An Operation in each line."}}
        body = {"application/json": {"schema": _BODIES[route]}, "application/jsonl": lines}
        extra["requestBody"] = {"required": True, "content": body}
    said["openapi_extra"] = extra
    if HTTPStatus.OK not in responses:
        said["status_code"] = min(status for status in responses if isinstance(status, int))
    return said


@cache
def catalogue() -> bytes:
    """Return the description of all operations as JSON."""
    kinds = [explained(kind).to_dict() for kind in CATALOGUE.values()]
    return json.dumps({"operations": kinds}).encode()


@cache
def described(app: FastAPI) -> bytes:
    """Return the OpenAPI document as JSON."""
    return json.dumps(description(app)).encode()


def description(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    found = get_openapi(
        title=app.title, version="1", description=app.description, routes=app.routes
    )
    components = found.setdefault("components", {})
    components["schemas"] = {**_answers(), **_operations()}
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "As `classin keys add` gives it.",
        }
    }
    return found


def _operations() -> dict[str, Any]:
    """Return a schema for each operation, with its own fields."""
    kinds = list(CATALOGUE.items())
    places, parts = models_json_schema(
        [(kind, "validation") for _, kind in kinds], ref_template=f"{_PLACE}{{model}}"
    )
    schemas: dict[str, Any] = parts["$defs"]
    options = {
        name: _without_pattern(value)
        for name, value in SubmitRequest.model_json_schema(ref_template=f"{_PLACE}{{model}}")[
            "properties"
        ].items()
        if name not in {"operation", "fields"}
    }
    schemas["Priority"] = {"type": "string", "enum": ["high", "normal", "low"]}
    schemas["Result"] = {
        "type": "object",
        "description": "Stands for what another operation's result will hold.",
        "properties": {"$result": {"type": "string"}, "path": {"type": "string"}},
        "required": ["$result"],
    }
    schemas["File"] = _file(schemas["File"])
    mapping = {}
    for name, kind in kinds:
        place = places[kind, "validation"]["$ref"]
        _take_references(schemas[place.removeprefix(_PLACE)])
        whole = f"{kind.__name__}Operation"
        schemas[whole] = _operation(name, kind.spec.title, place, options)
        mapping[name] = _PLACE + whole
    schemas["Operation"] = {
        "oneOf": [{"$ref": place} for place in mapping.values()],
        "discriminator": {"propertyName": "operation", "mapping": mapping},
    }
    return schemas


def _operation(name: str, title: str, place: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": f"{title}.",
        "properties": {"operation": {"const": name}, "fields": {"$ref": place}, **options},
        "required": ["operation", "fields"],
        "additionalProperties": False,
    }


def _take_references(schema: dict[str, Any]) -> None:
    """Allow a reference to another operation's result in each field."""
    for name, field in schema.get("properties", {}).items():
        about = {key: field.pop(key) for key in ("title", "description") if key in field}
        schema["properties"][name] = {"anyOf": [field, {"$ref": f"{_PLACE}Result"}], **about}


def _file(schema: Mapping[str, Any]) -> dict[str, Any]:
    at = {"type": "string", "pattern": "^@https://", "description": "Where it lies."}
    return {"title": "File", "anyOf": [at, dict(schema)]}


def _without_pattern(schema: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Leave out regular expressions that JavaScript does not support."""
    if isinstance(schema, list):
        return [_without_pattern(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _without_pattern(each) for name, each in schema.items() if name != "pattern"}


def _object(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def _list_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": _PLACE + name}}


def _answers() -> dict[str, Any]:
    """Return the response schemas."""
    text, number = {"type": "string"}, {"type": "integer"}
    states = {"type": "string", "enum": [state.value for state in State]}
    reasons = {"type": ["string", "null"], "enum": [None, *(reason.value for reason in Reason)]}
    nullable = {"type": ["string", "null"]}
    kinds = {"type": "string", "enum": [kind.value for kind in DependencyKind]}
    because = _object({"kind": kinds, "ids": {"type": "array", "items": text}})
    fault = _object({"detail": text}, pointer=text, parameter=text)
    receipt = {"id": text, "operation": text, "school": text}
    return {
        "State": states,
        "Problem": _object(
            {"type": text, "title": text, "status": number, "detail": text},
            errors={"type": "array", "items": fault},
        ),
        "Receipt": _object(receipt),
        "Receipts": _object({"batch": nullable, "operations": _list_of("Receipt")}),
        "Taken": {"anyOf": [{"$ref": f"{_PLACE}Receipt"}, {"$ref": f"{_PLACE}Receipts"}]},
        "Record": _object(
            {**receipt, "fields": {"type": "object"}, "state": states, "reason": reasons},
            failed_because={"anyOf": [because, {"type": "null"}]},
            code={"type": ["integer", "null"]},
            message=nullable,
            result={"type": ["object", "null"]},
            attempts={"type": "array", "items": {"type": "object"}},
            batch=nullable,
        ),
        "Page": _object({"operations": _list_of("Record"), "cursor": nullable}),
        "RecordState": _object({"id": text, "state": states}),
        "Catalogue": _object({"operations": {"type": "array", "items": {"type": "object"}}}),
        **_counts(),
    }


def _counts() -> dict[str, Any]:
    """Return the schemas of counts and health."""
    text, number, yes = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
    seconds = {"type": ["number", "null"]}
    return {
        "Batch": _object(
            {
                "id": text,
                "states": {"type": "object", "additionalProperties": number},
                "total": number,
                "settled": number,
                "done": yes,
            },
            about={"type": ["object", "null"]},
        ),
        "Health": _object(
            {"status": {"type": "string", "enum": ["ok", "stuck"]}, "redis": yes},
            workers=number,
            oldest_due_seconds=seconds,
            last_settled_seconds=seconds,
        ),
    }
