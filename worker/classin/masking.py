"""Fields and answers as they are shown: what is personal, a credential, or unknown is masked."""

from typing import Any

from worker.classin.fields import sensitivity_of
from worker.classin.operation import MASK, Fields, Operation, item_kind
from worker.classin.references import Reference


def masked(kind: type[Fields] | None, value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Give a record's fields for showing: personal data, credentials and unknown fields masked."""
    if isinstance(value, (list, tuple)):
        return [masked(kind, each) for each in value]
    if not isinstance(value, dict) or kind is None or Reference.read(value):
        return value
    shown = {}
    for name, each in value.items():
        field = kind.field_named(name)
        hide = each is not None and (field is None or sensitivity_of(field))
        shown[name] = MASK if hide else masked(item_kind(field) if field else None, each)
    return shown


def echo_masked(kind: type[Operation], value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Give an answer for showing: what repeats a sensitive field, at whatever depth, is masked."""
    if isinstance(value, (list, tuple)):
        return [echo_masked(kind, each) for each in value]
    if not isinstance(value, dict):
        return value
    hidden = _sensitive_names(kind) | kind.spec.private
    return {
        name: MASK if name in hidden and each is not None else echo_masked(kind, each)
        for name, each in value.items()
    }


def _sensitive_names(kind: type[Fields]) -> set[str]:
    names = set()
    for name, field in kind.model_fields.items():
        if sensitivity_of(field):
            names.add(field.alias or name)
        if items := item_kind(field):
            names |= _sensitive_names(items)
    return names
