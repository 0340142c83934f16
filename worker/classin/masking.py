"""Mask personal data, credentials and unknown values before they are shown."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from worker.classin.field_types import Sensitivity, sensitivity_of
from worker.classin.operation import MASK, Fields, Operation, item_kind
from worker.classin.references import Reference
from worker.classin.seals import Sealed

#: Shorter ASCII values are masked only as whole words.
_SHORT = 5

#: A phone number with calling code; replies may quote the number alone.
_PREFIXED = re.compile(r"[0-9]+-([0-9]{5,})")


def masked(kind: type[Fields] | None, value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return a record's fields with personal data, credentials and unknown fields masked."""
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


def echo_masked(
    kind: type[Operation],
    value: Any,  # noqa: ANN401  # any JSON value
    hidden: Sequence[str] = (),
) -> Any:  # noqa: ANN401  # as above
    """Return a reply with whatever repeats a sensitive field masked, at any depth.

    It is recognised by name, and by the values of those fields (`hidden`) under any name.
    """
    return without_values(_named_masked(kind, value), hidden)


def _named_masked(kind: type[Operation], value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, (list, tuple)):
        return [_named_masked(kind, each) for each in value]
    if not isinstance(value, dict):
        return value
    hidden = _sensitive_names(kind) | kind.spec.private
    return {
        name: MASK if name in hidden and each is not None else _named_masked(kind, each)
        for name, each in value.items()
    }


@cache
def _sensitive_names(kind: type[Fields]) -> frozenset[str]:
    names = set()
    for name, field in kind.model_fields.items():
        if sensitivity_of(field):
            names.add(field.alias or name)
        if items := item_kind(field):
            names |= _sensitive_names(items)
    return frozenset(names)


def masks_any(kind: type[Fields]) -> bool:
    """Return whether an operation has masked fields."""
    return bool(_sensitive_names(kind))


def hidden_values(
    kind: type[Operation] | None, fields: Mapping[str, Any], only: Sensitivity | None = None
) -> tuple[str, ...]:
    """Return the values of an operation's masked fields as texts, unless they are encrypted.

    `only`: fields of that sensitivity.
    """
    if kind is None:
        return ()
    found = dict.fromkeys(_hidden(kind, fields, only))
    numbers = [number[1] for text in found if (number := _PREFIXED.fullmatch(text))]
    return (*found, *numbers)


def _hidden(kind: type[Fields], value: object, only: Sensitivity | None) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _hidden(kind, each, only)
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        field = kind.field_named(name)
        sensitivity = sensitivity_of(field) if field else Sensitivity.CREDENTIAL
        if sensitivity and only in {None, sensitivity}:
            yield from _texts(each)
        elif field and (items := item_kind(field)):
            yield from _hidden(items, each, only)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        if not (Sealed.read(value) or Reference.read(value)):
            for each in value.values():
                yield from _texts(each)
    elif not isinstance(value, bool) and value is not None and str(value).strip():
        yield str(value)


def scrubbed(text: str, hidden: Sequence[str]) -> str:
    """Return a text with each of these values masked, in any case."""
    return _scrubber(hidden)(text) if hidden else text


def without_values(value: Any, hidden: Sequence[str]) -> Any:  # noqa: ANN401  # any JSON value
    """Return JSON with each of these values masked, in object keys as well."""
    return _scrub(value, _scrubber(hidden)) if hidden and value is not None else value


def _scrub(value: Any, scrub: Callable[[str], str]) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, (list, tuple)):
        return [_scrub(each, scrub) for each in value]
    if isinstance(value, dict):
        return {scrub(name): _scrub(each, scrub) for name, each in value.items()}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return MASK if scrub(str(value)) == MASK else value
    return value


def _scrubber(hidden: Sequence[str]) -> Callable[[str], str]:
    """Return a function that masks these values, the longest first: one may contain another."""
    parts = []
    for text in sorted(hidden, key=len, reverse=True):
        part = re.escape(text)
        if text.isascii() and len(text) < _SHORT:
            part = f"(?<![A-Za-z0-9]){part}(?![A-Za-z0-9])"
        parts.append(part)
    pattern = re.compile("|".join(parts), re.IGNORECASE)
    return lambda text: pattern.sub(MASK, text)
