"""An operation explained from its declaration: fields, codes, repeats, an example."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import IntEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import GroupedMetadata, MaxLen, MinLen
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from worker.classin.codes import Code
from worker.classin.fields import LARGEST_FILE, File
from worker.classin.operation import Operation, Repeat
from worker.classin.verdicts import Verdict

_REPEATS = {
    Repeat.CONVERGES: "safe: doing it twice leads to the same place.",
    Repeat.IDENTIFIED: "safe: a unique identity tells ClassIn that it is the same.",
    Repeat.RECONCILES: "safe: ClassIn answers that it is so already.",
    Repeat.HARMFUL: "would be a second one: after an unread reply a person decides.",
    Repeat.READS: "safe: it changes nothing.",
}


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """One field, for people."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class CodeExplanation:
    """One code, as this operation takes it."""

    number: int
    verdict: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that a submitter should know of one operation."""

    name: str
    chapter: str
    title: str
    remark: str
    repeat: str
    repeat_in_words: str
    fields: tuple[FieldExplanation, ...]
    rules: tuple[str, ...]
    codes: tuple[CodeExplanation, ...]
    example: str

    def to_json(self) -> dict[str, Any]:
        """Give it as `classin ops --json` prints it."""
        return {
            "name": self.name,
            "group": self.chapter,
            "title": self.title,
            "repeat": self.repeat,
            "fields": [asdict(field) for field in self.fields],
            "rules": list(self.rules),
            "codes": [asdict(code) for code in self.codes],
            "example": self.example,
        }


def explained(kind: type[Operation]) -> Explanation:
    """Explain one operation."""
    spec = kind.spec
    fields = tuple(_field(info) for info in kind.model_fields.values())
    remark = (kind.__doc__ or "").partition("\n")[2].partition("Source:")[0]
    return Explanation(
        name=spec.name,
        chapter=spec.chapter,
        title=spec.title,
        remark=" ".join(remark.split()),
        repeat=spec.repeat.value,
        repeat_in_words=_REPEATS[spec.repeat],
        fields=fields,
        rules=tuple(f"{to_camel(rule.field)} needs {to_camel(rule.other)}" for rule in spec.rules),
        codes=tuple(_code(kind, code) for code in sorted(spec.codes)),
        example=" ".join(["classin enqueue", spec.name, *_examples(kind)]),
    )


def _code(kind: type[Operation], code: Code) -> CodeExplanation:
    spec, verdict = kind.spec, code.verdict
    if code in spec.done:
        verdict = Verdict.DONE
    elif code in spec.partly:
        verdict = Verdict.PARTLY
    words = verdict.value
    if code in spec.already:
        words = f"{Verdict.ALREADY.value}, after an unread attempt; else {words}"
    return CodeExplanation(code.value, words, code.phrase)


def _field(info: FieldInfo) -> FieldExplanation:
    return FieldExplanation(
        name=info.alias or "",
        kind=_in_words(info),
        required=info.is_required(),
        description=info.description or "",
    )


def _in_words(info: FieldInfo) -> str:
    """Say what the field takes."""
    base, metadata = _parts(info)
    if datetime in base:
        return "moment: seconds since 1970, or 2026-09-01T08:00:00+08:00"
    if File in base:
        return f"file: @PATH, up to {LARGEST_FILE // 1024} kB"
    (kind,) = base
    if issubclass(kind, IntEnum):
        members = (f"{member.value} {member.name.lower().replace('_', ' ')}" for member in kind)
        return f"one of {', '.join(members)}"
    if kind is bool:
        return "0 or 1"
    if kind is int:
        return "whole number"
    return f"text{_lengths(metadata)}"


def _lengths(metadata: Sequence[object]) -> str:
    least = max((part.min_length for part in metadata if isinstance(part, MinLen)), default=0)
    most = min((part.max_length for part in metadata if isinstance(part, MaxLen)), default=None)
    if most is None:
        return f", at least {least} characters" if least else ""
    return f", {least} to {most} characters" if least else f", up to {most} characters"


def _parts(info: FieldInfo) -> tuple[set[type], list[object]]:
    """Take a field's annotation apart: its plain types without None, and all metadata."""
    types: set[type] = set()
    metadata: list[object] = _single(info.metadata)
    todo: list[Any] = [info.annotation]
    while todo:
        annotation = todo.pop()
        if get_origin(annotation) is Annotated:
            inner, *extra = get_args(annotation)
            todo.append(inner)
            metadata += _single(extra)
        elif get_origin(annotation) in {Union, UnionType}:
            todo += get_args(annotation)
        elif annotation is not NoneType:
            types.add(annotation)
    return types, metadata


def _single(metadata: Sequence[object]) -> list[object]:
    """Resolve groups, such as Chars, into their single limits."""
    return [
        single
        for part in metadata
        for single in (part if isinstance(part, GroupedMetadata) else [part])
    ]


def _examples(kind: type[Operation]) -> Iterator[str]:
    """Give a value for each field that is needed, ready to type."""
    for info in kind.model_fields.values():
        if info.is_required():
            base, _ = _parts(info)
            (plain,) = base
            value = "'a name'"
            if issubclass(plain, IntEnum):
                value = str(max(plain).value)
            elif plain is int:
                value = "123456"
            yield f"{info.alias}={value}"
