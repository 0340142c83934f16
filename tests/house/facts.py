"""The API's facts in a short form: what the catalogue is measured against.

`tests/vectors/api.json` is the project's own copy. Where the collection that it was taken from lies
beside the checkout, `compact` takes it anew, so that a copy that has grown old shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

_KINDS = {
    "natural": "idempotent",
    "unique_param": "keyed",
    "reconcile": "conflict_detected",
    "unsafe": "unsafe",
    "read": "read_only",
}
_LIMITS = ("min_length", "max_length", "max_items", "min_items", "nesting", "min", "max")


def compact(
    operations: Sequence[Mapping[str, Any]], codes: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Take operations and codes down to names, kinds, limits and numbers."""
    return {
        "operations": {each["name"]: _operation(each) for each in operations},
        "codes": {number: each["class"] for number, each in codes.items()},
    }


def _operation(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "api": given["api"],
        "path": given["path"],
        "action": given["action"],
        "fields": {field["name"]: _field(field) for field in given["params"]},
        "rules": sorted(_rule(rule) for rule in given["constraints"]),
        "codes": sorted(map(int, given["codes"])),
        "done": sorted(set(given["success_codes"]) - set(given["already_codes"])),
        "already": _already(given),
        "partial": {
            number: each.get("follow_up")
            for number, each in sorted(given["partial_success_codes"].items())
        },
        "idempotency": _KINDS[given["retry"]["kind"]],
        "identity": given["retry"].get("param"),
        "bulk": _bulk(given.get("item_result")),
    }


def _already(given: Mapping[str, Any]) -> dict[str, Mapping[str, object]]:
    repeats = given["retry"].get("repeat_codes") or []
    numbers = [*given["already_codes"], *repeats]
    plain: dict[str, Mapping[str, object]] = {str(n): {} for n in numbers if n != 1}
    conditional = given.get("conditional_success") or {}
    return {**plain, **{number: each["when"] for number, each in conditional.items()}}


def _bulk(given: Mapping[str, Any] | None) -> dict[str, object] | None:
    if given is None:
        return None
    return {"results": given["list"], "echo": sorted(given["echo"]), "made": given.get("id")}


def _field(given: Mapping[str, Any]) -> dict[str, Any]:
    field = {
        "kind": _kind(given),
        "required": given["required"],
        "sensitive": given["sensitive"] or None,
        **{limit: given[limit] for limit in _LIMITS if limit in given},
    }
    if field.get("min_length") == 0:  # says nothing
        del field["min_length"]
    if given["type"] == "enum":
        field["values"] = sorted(map(int, given["values"]))
    if "items" in given:
        field["items"] = {each["name"]: _field(each) for each in given["items"]}
        field["rules"] = sorted(_rule(rule) for rule in given.get("constraints", []))
    return field


def _kind(given: Mapping[str, Any]) -> str:
    """Lists of numbers travel differently in the two dialects, and are the same to us."""
    kind: str = given["type"]
    if kind == "json_array":
        return "array_integer" if given.get("item_type") == "integer" else "array"
    return kind


def _rule(given: Mapping[str, Any]) -> str:
    return " ".join([given["kind"], *given["params"]])
