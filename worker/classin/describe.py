"""Describe an operation from its declaration: fields, codes, idempotency and an example."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from annotated_types import MaxLen, MinLen
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from worker.classin.codes import Code
from worker.classin.field_rules import fewest
from worker.classin.field_shape import FieldShape, field_shape
from worker.classin.field_types import File, file_limit_among
from worker.classin.operation import Fields, Idempotency, Operation, item_kind
from worker.classin.verdicts import Verdict

_REPEATS = {
    Idempotency.IDEMPOTENT: "safe: doing it twice leads to the same place.",
    Idempotency.KEYED: "safe: a unique identity tells ClassIn that it is the same.",
    Idempotency.CONFLICT_DETECTED: "safe: ClassIn answers that it is so already.",
    Idempotency.UNSAFE: "would be a second one: after an unread reply a person decides.",
    Idempotency.READ_ONLY: "safe: it changes nothing.",
}


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """The description of one field."""

    name: str
    kind: str
    required: bool
    description: str
    #: The fields of each object, for an object or a list of objects.
    items: tuple["FieldDescription", ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it with plain values; `items` only where there are any."""
        items = {"items": [item.to_dict() for item in self.items]} if self.items else {}
        return {
            "name": self.name,
            "kind": self.kind,
            "required": self.required,
            "description": self.description,
            **items,
        }


@dataclass(frozen=True, slots=True)
class CodeDescription:
    """The meaning of one code for this operation."""

    number: int
    verdict: str
    phrase: str


@dataclass(frozen=True, slots=True)
class OperationDescription:
    """Everything a submitter should know about one operation."""

    name: str
    chapter: str
    title: str
    remark: str
    idempotency: str
    repeat_in_words: str
    fields: tuple[FieldDescription, ...]
    rules: tuple[str, ...]
    codes: tuple[CodeDescription, ...]
    example: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as `classin ops --json` prints it."""
        return {
            "name": self.name,
            "group": self.chapter,
            "title": self.title,
            "idempotency": self.idempotency,
            "fields": [field.to_dict() for field in self.fields],
            "rules": list(self.rules),
            "codes": [asdict(code) for code in self.codes],
            "example": self.example,
        }


def explained(kind: type[Operation]) -> OperationDescription:
    """Describe one operation."""
    spec = kind.spec
    fields = tuple(_field(info) for info in kind.model_fields.values())
    remark = (kind.__doc__ or "").partition("\n")[2].partition("Source:")[0]
    return OperationDescription(
        name=spec.name,
        chapter=spec.chapter,
        title=spec.title,
        remark=" ".join(remark.split()),
        idempotency=spec.idempotency.value,
        repeat_in_words=_REPEATS[spec.idempotency],
        fields=fields,
        rules=tuple(rule.words(kind.wire_name) for rule in kind.rules),
        codes=tuple(_code(kind, Code(number)) for number in sorted(spec.codes)),
        example=" ".join(
            ["classin enqueue", spec.name, *(_typed(*field) for field in example(kind).items())]
        ),
    )


def _code(kind: type[Operation], code: Code) -> CodeDescription:
    spec = kind.spec
    words = code.verdict.value
    if code in spec.done:
        words = Verdict.DONE.value
    elif code in spec.partial:
        mended = spec.partial[code]
        words = f"{Verdict.PARTIAL.value}{f'; {mended} mends it' if mended else ''}"
    elif code in spec.already:
        alike = "".join(f" with {to_camel(n)} {v}" for n, v in spec.already[code].items())
        when = "" if spec.accepts_existing else ", after an unread attempt"
        words = f"{Verdict.ALREADY.value}{alike}{when}; else {words}"
    if code in spec.peculiar:
        words = f"{spec.peculiar[code]}; else {words}"
    return CodeDescription(code.value, words, code.phrase)


def _field(info: FieldInfo) -> FieldDescription:
    return FieldDescription(
        name=info.alias or "",
        kind=_in_words(info),
        required=info.is_required(),
        description=info.description or "",
        items=_items(info),
    )


def _in_words(info: FieldInfo) -> str:
    """Describe what the field accepts."""
    parts, items = field_shape(info), item_kind(info)
    if not parts.depth:
        return "object" if items else _value_in_words(parts.base, parts.limits)
    most = _most(parts.limits)
    what = "objects" if items else "whole numbers"
    return f"{'list of ' * parts.depth}{what}{f', up to {most}' if most else ''}"


def _value_in_words(base: type, limits: Sequence[object]) -> str:
    if base is datetime:
        return "moment: seconds since 1970, or 2026-09-01T08:00:00+08:00"
    if base is File:
        return f"file: @PATH or @ADDRESS, {file_limit_among(limits)}"
    if issubclass(base, IntEnum):
        members = (f"{member.value} {member.name.lower().replace('_', ' ')}" for member in base)
        return f"one of {', '.join(members)}"
    if base is str:
        return f"text{_lengths(limits)}"
    if base is bool:
        return "0 or 1"
    return "number" if base is float else "whole number"


def _lengths(limits: Sequence[object]) -> str:
    least = max((part.min_length for part in limits if isinstance(part, MinLen)), default=0)
    most = _most(limits)
    if most is None:
        return f", at least {least} characters" if least > 1 else ""
    if least == most:
        return f", {most} characters"
    return f", {least} to {most} characters" if least else f", up to {most} characters"


def _most(limits: Sequence[object]) -> int | None:
    return min((part.max_length for part in limits if isinstance(part, MaxLen)), default=None)


def _items(info: FieldInfo) -> tuple[FieldDescription, ...]:
    """Describe the fields of an object, or of a list's objects."""
    kind = item_kind(info)
    fields = kind.model_fields.values() if kind else ()
    return tuple(_field(field) for field in fields)


def example(kind: type[Fields]) -> dict[str, Any]:
    """Return example values for the required and the shown fields, by ClassIn's names."""
    required = (name for name, info in kind.model_fields.items() if info.is_required())
    needed = fewest([*required, *kind.shown], kind.rules)
    return {
        info.alias or name: _value(info)
        for name, info in kind.model_fields.items()
        if name in needed
    }


def _value(info: FieldInfo) -> Any:  # noqa: ANN401  # any JSON value
    parts, items = field_shape(info), item_kind(info)
    value: Any = example(items) if items else _plain(parts)
    for _ in range(parts.depth):
        value = [value]
    return value


def _plain(parts: FieldShape) -> Any:  # noqa: ANN401  # any JSON value
    if parts.examples:
        return parts.examples[0]
    if issubclass(parts.base, IntEnum):
        return max(parts.base).value
    if parts.base is datetime:
        return "2027-09-01T08:00:00+08:00"
    if parts.base is File:
        return "@picture.jpg"
    if parts.base in {bool, float}:
        return 1
    return "a name" if parts.base is str else 123456


def _typed(name: str, value: object) -> str:
    """Return a field as it is typed into a shell."""
    text = json.dumps(value) if isinstance(value, (list, dict)) else str(value)
    return f"{name}={shlex.quote(text)}"
