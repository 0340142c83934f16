"""What the gateway answers is what its description says, whatever is asked."""

import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi.testclient import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from producers.gateway.openapi import documents

#: Examples for each route.
EXAMPLES = hypothesis.settings().max_examples // 5

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)

#: Those that end by themselves.
ROUTES = (
    ("POST", "/v1/operations"),
    ("GET", "/v1/operations"),
    ("GET", "/v1/operations/{record_id}"),
    ("POST", "/v1/operations/{record_id}/retry"),
    ("POST", "/v1/operations/{record_id}/cancel"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches/{batch}"),
    ("GET", "/v1/catalogue"),
    ("GET", "/healthz"),
)


def test_all_routes_are_tried(gateway: TestClient) -> None:
    """But for the events, which have no end."""
    paths = gateway.get("/openapi.json").json()["paths"]
    described = {(method.upper(), path) for path, item in paths.items() for method in item}
    assert described == {*ROUTES, ("GET", "/v1/events")}


def test_the_page_on_the_gateway_has_every_route() -> None:
    """A row for each, with ID for whatever a path names."""
    page = Path(__file__).parents[4] / "docs" / "gateway.md"
    rows = re.findall(r"^\| `([A-Z]+) (/[^`?]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    routes = {(method, re.sub(r"\{\w+\}", "ID", path)) for method, path in ROUTES}
    assert {*rows} == routes | {("GET", "/v1/events")}


def test_a_route_without_answers_is_refused() -> None:
    """Or its description would have none but errors."""
    with pytest.raises(KeyError, match="/v1/nowhere"):
        documents("GET", "/v1/nowhere")


@pytest.mark.hypothesis
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_answers_are_as_described(
    gateway: TestClient, sis: TestClient, method: str, path: str
) -> None:
    """Status, kind and shape, for what fits the description and for what does not."""
    schema = schemathesis.openapi.from_dict(gateway.get("/openapi.json").json())
    schema.app = gateway.app
    headers = {"authorization": sis.headers["authorization"]}

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=schema[path][method].as_strategy())
    def try_it(case: Any) -> None:  # noqa: ANN401  # schemathesis's own, without a type here
        case.call_and_validate(headers=headers, checks=CHECKS)

    try_it()
