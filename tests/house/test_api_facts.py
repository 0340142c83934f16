"""The catalogue says what ClassIn's pages say: operations, fields, limits, codes, verdicts."""

import json
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo

from tests.house.facts import compact
from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE
from worker.classin.codes import Code
from worker.classin.field_rules import AllOrNone, AtLeastOne, Needs, NotBoth, OneOf, Rule
from worker.classin.field_shape import FieldShape, field_shape
from worker.classin.field_types import File, sensitivity_of
from worker.classin.operation import Fields, Operation, item_kind
from worker.classin.verdicts import Verdict

FACTS = json.loads(Path("tests/vectors/api.json").read_text(encoding="utf-8"))

#: Where the collection of facts lies when it lies beside the checkout.
COLLECTION = Path("../shared/classin")

#: Where the sources leave a point open, and the catalogue takes the narrower side.
NARROWER: dict[tuple[str, str], dict[str, object]] = {
    ("edit_course", "courseName"): {"min_length": 1, "max_length": 40},
}

RULES: dict[type[Rule], str] = {
    OneOf: "one_of",
    AtLeastOne: "at_least_one",
    AllOrNone: "all_or_none",
    NotBoth: "mutually_exclusive",
    Needs: "requires",
}

#: What a code's class comes to, unless the operation counts it as done, already or partial.
VERDICTS = {
    "success": {Verdict.DONE, Verdict.REFUSED},
    "transient": {Verdict.RETRY, Verdict.THROTTLED, Verdict.DEFER},
    "throttled": {Verdict.THROTTLED},
    "maintenance": {Verdict.DEFER},
    "auth": {Verdict.LOCKED_OUT},
    "clock": {Verdict.CLOCK_SKEW},
    "permanent": {Verdict.REFUSED},
}


def test_the_copy_is_fresh() -> None:
    """Where the collection is at hand, the project's copy says the same."""
    if not COLLECTION.exists():
        pytest.skip("the collection of facts is not beside this checkout; its copy is checked")
    operations, codes = (
        json.loads((COLLECTION / name).read_text(encoding="utf-8"))
        for name in ("operations.json", "codes.json")
    )

    assert compact(operations, codes) == FACTS


def test_every_operation_is_there() -> None:
    """No fewer, and none invented."""
    assert sorted(CATALOGUE) == sorted(FACTS["operations"])


def test_every_code_is_there_with_its_verdict() -> None:
    """Each of the documented numbers, and no other."""
    assert {str(code.value) for code in Code} == set(FACTS["codes"])
    for number, kind in FACTS["codes"].items():
        assert Code(int(number)).verdict in VERDICTS[kind], number


@for_each("name", FACTS["operations"])
def test_an_operation_is_as_its_page_says(name: str) -> None:
    """Address, fields, limits, rules, codes, kind of repeat, bulk answers."""
    expected = deepcopy(FACTS["operations"][name])
    for (operation, field), limits in NARROWER.items():
        if operation == name:
            expected["fields"][field] |= limits

    found = described(CATALOGUE[name])
    forgive(found["fields"], expected["fields"])
    assert found == expected


def forgive(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Let text and lists be refused when empty, and ids below 0, where no page says so."""
    for name, field in found.items():
        page = expected.get(name, {})
        for limit in ("min_length", "min_items"):
            if field.get(limit) == 1 and limit not in page:
                del field[limit]
        if field.get("min") == 0 and "min" not in page:  # an id of which 0 is one as well
            del field["min"]
        forgive(field.get("items", {}), page.get("items", {}))


def described(kind: type[Operation]) -> dict[str, Any]:
    """Describe an operation of the catalogue in the form of the facts."""
    spec = kind.spec
    return {
        "api": spec.endpoint.version.value,
        "path": spec.endpoint.path,
        "action": spec.endpoint.action,
        "fields": fields_of(kind),
        "rules": rules_of(kind),
        "codes": sorted(spec.codes),
        "done": sorted(spec.done),
        "already": {
            str(code): {wire_name(kind, name): value for name, value in conditions.items()}
            for code, conditions in spec.already.items()
        },
        "partial": {str(code): mended for code, mended in sorted(spec.partial.items())},
        "idempotency": spec.idempotency.value,
        "identity": identity_of(kind),
        "bulk": spec.bulk
        and {
            "results": spec.bulk.results,
            "echo": sorted(spec.bulk.echo),
            "made": spec.bulk.made,
        },
    }


def identity_of(kind: type[Operation]) -> str | None:
    """Name the field of the unique identity, as the facts do."""
    if kind.spec.identity is None:
        return None
    outer, _, inner = kind.spec.identity.partition(".")
    name = wire_name(kind, outer)
    items = item_kind(kind.model_fields[outer])
    return f"{name}[].{wire_name(items, inner)}" if items else name


def wire_name(kind: type[Fields], name: str) -> str:
    """Give ClassIn's name of a field."""
    return kind.model_fields[name].alias or name


def rules_of(kind: type[Fields]) -> list[str]:
    """Write rules as the facts do."""
    return sorted(
        " ".join([RULES[type(rule)], *(wire_name(kind, name) for name in rule.fields)])
        for rule in kind.rules
    )


def fields_of(kind: type[Fields]) -> dict[str, Any]:
    """Describe all fields."""
    return {info.alias or name: described_field(info) for name, info in kind.model_fields.items()}


def described_field(info: FieldInfo) -> dict[str, Any]:
    """Describe one field: kind, need, sensitivity, limits."""
    parts = field_shape(info)
    sensitivity = sensitivity_of(info)
    items = item_kind(info)
    field: dict[str, Any] = {
        "kind": kind_of(parts, items=items),
        "required": info.is_required(),
        "sensitive": sensitivity.value if sensitivity else None,
    }
    if parts.base is str or parts.depth:
        field |= lengths(parts.limits, "items" if parts.depth else "length")
    if parts.base in {int, float} and not parts.depth:
        field |= bounds(parts.limits)
    if issubclass(parts.base, IntEnum):
        field["values"] = sorted(member.value for member in parts.base)
    if items:
        field |= {"items": fields_of(items), "rules": rules_of(items)}
        field |= {"nesting": parts.depth} if parts.depth > 1 else {}
    return field


def kind_of(parts: FieldShape, *, items: type[Fields] | None) -> str:
    """Name a kind of value as the facts do."""
    if items:
        return "array" if parts.depth else "json_object"
    if parts.depth:
        return "array_integer"
    names: dict[type, str] = {
        int: "integer",
        float: "number",
        str: "string",
        bool: "boolean01",
        datetime: "timestamp",
    }
    if issubclass(parts.base, File):
        return "file"
    return names.get(parts.base, "enum")


def lengths(metadata: Sequence[object], of: str) -> dict[str, int]:
    """Give the limits of a text or a list."""
    least = [part.min_length for part in metadata if isinstance(part, MinLen)]
    most = [part.max_length for part in metadata if isinstance(part, MaxLen)]
    return {
        **({f"min_{of}": max(least)} if least else {}),
        **({f"max_{of}": min(most)} if most else {}),
    }


def bounds(metadata: Sequence[object]) -> dict[str, object]:
    """Give the limits of a number that is no id."""
    if any(isinstance(part, Gt) for part in metadata):
        return {}
    least = [part.ge for part in metadata if isinstance(part, Ge)]
    most = [part.le for part in metadata if isinstance(part, Le)]
    return {**({"min": least[0]} if least else {}), **({"max": most[0]} if most else {})}
