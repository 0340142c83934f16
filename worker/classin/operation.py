"""Base class of all operations, and what each declares."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from worker.classin.endpoint import Endpoint
from worker.classin.field_rules import Rule
from worker.classin.field_shape import by_spelling, field_shape
from worker.classin.field_types import File, sensitivity_of
from worker.classin.references import extract, ids_kept, keep, kept, reinsert
from worker.classin.registry import Registry
from worker.classin.validation_messages import explain
from worker.errors import InvalidOperationError

if TYPE_CHECKING:
    from worker.classin.response import Reply
    from worker.classin.verdicts import Verdict

#: Shown in place of a masked value.
MASK = "***"

#: Length of a derived identity; ClassIn takes 32, and items append their number.
_LONGEST_IDENTITY = 24


class Idempotency(StrEnum):
    """What happens when the same operation is sent twice."""

    #: A repeat leads to the same state.
    IDEMPOTENT = "idempotent"
    #: The API takes a unique identity, and answers a repeat with the first result.
    KEYED = "keyed"
    #: A repeat answers a code that says "it is so already".
    CONFLICT_DETECTED = "conflict_detected"
    #: A repeat cannot be told from a new call, and is carried out twice.
    UNSAFE = "unsafe"
    #: Nothing is changed.
    READ_ONLY = "read_only"


class Fields(BaseModel):
    """Fields as ClassIn takes them: camel case on the wire; both spellings are accepted."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    #: Fields that an example has besides the required ones, so that it changes something.
    shown: ClassVar[tuple[str, ...]] = ()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show the given fields, with sensitive values masked."""
        for name, field in type(self).model_fields.items():
            if (value := getattr(self, name)) is not None:
                yield name, MASK if sensitivity_of(field) else value

    @classmethod
    def wire_name(cls, name: str) -> str:
        """Return ClassIn's name of an attribute."""
        return cls.model_fields[name].alias or name

    @classmethod
    def field_named(cls, name: str) -> FieldInfo | None:
        """Return a field by either spelling."""
        return by_spelling(cls).get(name)

    @classmethod
    def holds_many(cls, name: str) -> bool:
        """Return whether a field, by either spelling, takes a list."""
        field = cls.field_named(name)
        return field is not None and field_shape(field).depth > 0

    @classmethod
    def holds_json(cls, name: str) -> bool:
        """Return whether a field, by either spelling, takes a list or an object."""
        field = cls.field_named(name)
        return field is not None and (field_shape(field).depth > 0 or item_kind(field) is not None)

    @classmethod
    def hides(cls, path: Sequence[int | str]) -> bool:
        """Return whether a field is personal, a credential or unknown, and is therefore masked.

        Whatever stands in the place of items with such fields is masked as well.
        """
        kind: type[Fields] | None = cls
        for step in path:
            if isinstance(step, int) or kind is None:
                continue
            field = kind.field_named(step)
            if field is None or sensitivity_of(field):
                return True
            kind = item_kind(field)
        fields = kind.model_fields.values() if kind and path else ()
        return any(map(sensitivity_of, fields))

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        """Check the rules; pydantic calls this only when each field is valid by itself."""
        if not self.rules:
            return self
        values = vars(self)
        given = {name: values[name] for name in self.model_fields_set if values[name] is not None}
        if broken := [rule for rule in self.rules if rule.broken(given)]:
            words = "; ".join(rule.words(self.wire_name) for rule in broken)
            raise PydanticCustomError("rules", "{broken}", {"broken": words})
        return self


class Item(Fields):
    """One item of a bulk operation."""

    def __init_subclass__(cls, *, rules: Iterable[Rule] = (), shown: Iterable[str] = ()) -> None:
        """Store what the class statement declares."""
        super().__init_subclass__()
        cls.rules, cls.shown = tuple(rules), tuple(shown)


class Bulk(NamedTuple):
    """How a bulk operation lists its items, and how the reply reports each."""

    #: The attribute with the list; None where the reply reports things that were not listed.
    field: str | None
    #: Keys of a reply's entry that may repeat the item.
    echo: tuple[str, ...] = ()
    #: Path of the entries in the reply.
    results: str = "data"
    #: Key of an entry that holds the id of what was created.
    made: str | None = None
    #: Items per call; more are split into several operations.
    most: int | None = None
    #: The attribute with the list if `field` is not given.
    instead: str | None = None
    #: Path of the successful ids, if `results` lists only the failures.
    succeeded: str | None = None


class Spec(NamedTuple):
    """The declaration of an operation, besides its fields."""

    name: str  # as submitters write it: edit_course
    chapter: str  # of the API, and the module that declares it
    title: str
    endpoint: Endpoint
    idempotency: Idempotency
    lane: str | None  # the field whose entity sees its operations in order
    codes: frozenset[int]  # all that the operation's page lists; their words are in codes.py
    done: frozenset[int]
    #: Codes that say "it is so already", each with the field values it requires.
    already: Mapping[int, Mapping[str, object]]
    #: Codes that say "the main thing is done", each with the follow-up operation.
    partial: Mapping[int, str | None]
    #: Codes that `judged` classifies, each with a text: `done if ...`.
    peculiar: Mapping[int, str]
    #: The attribute of the unique identity; `list.attribute` for one per item.
    identity: str | None
    bulk: Bulk | None
    #: Whether "it is so already" is success by default.
    accepts_existing: bool
    #: Keys of the reply with personal data that no field declares.
    private: frozenset[str]


class Operation(Fields):
    """A validated ClassIn operation.

    The constructor raises InvalidOperationError, which names every fault. Fields are in camel case
    on the wire; both spellings are accepted. A Reference may stand for a value until another
    record's result is known; until then `wire_fields` raises ValueError.
    """

    spec: ClassVar[Spec]

    def __init_subclass__(  # noqa: PLR0913  # the declaration of an operation, all by keyword
        cls,
        *,
        endpoint: Endpoint,
        idempotency: Idempotency,
        codes: Iterable[int],
        lane: str | None = None,
        done: Iterable[int] = (),
        already: Iterable[int] | Mapping[int, Mapping[str, object]] = (),
        partial: Iterable[int] | Mapping[int, str | None] = (),
        peculiar: Mapping[int, str] = MappingProxyType({}),
        identity: str | None = None,
        bulk: Bulk | None = None,
        accepts_existing: bool = False,
        private: Iterable[str] = (),
        rules: Iterable[Rule] = (),
        shown: Iterable[str] = (),
    ) -> None:
        """Store what the class statement declares."""
        super().__init_subclass__()
        listed = frozenset(codes)
        cls.rules, cls.shown = tuple(rules), tuple(shown)
        cls.spec = Spec(
            name=re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower(),
            chapter=cls.__module__.rpartition(".")[2],
            title=(cls.__doc__ or "").partition("\n")[0].rstrip("."),
            endpoint=endpoint,
            idempotency=idempotency,
            lane=lane,
            codes=listed,
            done=frozenset({1, *done}),  # 1: carried out
            already={n: _of(already, n) or {} for n in already},
            partial={n: _of(partial, n) for n in partial},
            peculiar=peculiar,
            identity=identity,
            bulk=bulk,
            accepts_existing=accepts_existing,
            private=frozenset(private),
        )
        taken = [cls.spec.done, cls.spec.already, cls.spec.partial, cls.spec.peculiar]
        unlisted = frozenset[int]().union(*taken) - listed
        if unlisted:
            message = f"{cls.__name__}: not among its codes: {sorted(unlisted)}"
            raise TypeError(message)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401  # as pydantic has it
        """Register the finished class in the catalogue."""
        super().__pydantic_init_subclass__(**kwargs)
        spec = cls.spec
        named = {spec.lane}
        named |= {spec.bulk.field, spec.bulk.instead} if spec.bulk else set()
        named |= {(spec.identity or "").partition(".")[0] or None}
        named |= {field for rule in cls.rules for field in rule.fields} | {*cls.shown}
        if missing := named - cls.model_fields.keys() - {None}:
            message = f"{cls.__name__}: no such field: {missing}"
            raise TypeError(message)
        REGISTRY[spec.name] = cls

    if not TYPE_CHECKING:  # type checkers derive the real signature from the fields

        def __init__(self, /, **given):  # noqa: ANN003, ANN204  # never seen by one
            kind = type(self)
            fields, references, faults = extract(kind, given, kind.spec.identity)
            try:
                super().__init__(**fields)
            except ValidationError as error:
                faults += explain(error.errors(include_url=False), kind, given, hidden=kind.hides)
            if faults:
                raise InvalidOperationError(kind.spec.name, faults)
            if references:
                keep(self, references)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show references as well."""
        waiting = {place[0] for place in kept(self)}
        shown = self._masked() if waiting else {}
        for name, value in super().__repr_args__():
            yield name, shown[wire] if (wire := self.wire_name(str(name))) in waiting else value

    def _masked(self) -> Mapping[str, Any]:
        from worker.classin.masking import masked  # noqa: PLC0415  # which knows what this is

        shown: Mapping[str, Any] = masked(type(self), self.to_dict())
        return shown

    def references(self) -> frozenset[str]:
        """Return the ids of the records whose results it waits for."""
        return ids_kept(self)

    def items_field(self) -> str | None:
        """Return the attribute that holds the items; None for a single operation."""
        if (bulk := self.spec.bulk) is None or bulk.field is None:
            return None
        return bulk.field if getattr(self, bulk.field) is not None else bulk.instead

    def judged(self, reply: "Reply") -> "Verdict | None":
        """Classify a reply that the tables cannot; None leaves it to them. Rarely overridden."""
        del reply
        return None

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> "Operation | None":
        """Return the follow-up that completes a partial result; None: a person must.

        `result` is the reply; for an item of a bulk operation, by position, its entry in the reply.
        Operations whose `partial` names a follow-up override this.
        """
        del code, result, item
        return None

    def identified(self, record_id: str) -> Self:
        """Return the operation with its unique identity set, derived from the record's id.

        A submitted identity is kept. Every attempt derives the same one, so that ClassIn recognises
        a repeat; a later retry must carry it along.
        """
        outer, _, inner = (self.spec.identity or "").partition(".")
        if not outer:
            return self
        own = record_id  # another Celery's ids may be longer than an identity
        if len(own) > _LONGEST_IDENTITY:
            own = hashlib.sha256(own.encode()).hexdigest()[:_LONGEST_IDENTITY]
        if not inner:
            return self if getattr(self, outer) else self.model_copy(update={outer: own})
        items = tuple(
            item if getattr(item, inner) else item.model_copy(update={inner: f"{own}-{n}"})
            for n, item in enumerate(getattr(self, outer) or ())
        )
        return self.model_copy(update={outer: items})

    def wire_fields(self) -> dict[str, Any]:
        """Return the fields under ClassIn's names, without absent ones and files."""
        if kept(self):
            raise ValueError(f"{self.spec.name} waits for results, or is sealed: fill it in first")
        absent = set(_files_of(type(self))) or None
        return self.model_dump(by_alias=True, exclude_none=True, exclude=absent)

    def files(self) -> dict[str, File]:
        """Return the files to send, under ClassIn's names."""
        return {
            wire: value
            for name, wire in _files_of(type(self)).items()
            if (value := getattr(self, name)) is not None
        }

    @classmethod
    def file_fields(cls) -> Mapping[str, str]:
        """Return the file fields: each spelling with its wire name."""
        return _file_spellings(cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the record stores them: JSON values, files without their content."""
        fields = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        references = kept(self)
        return reinsert(fields, references) if references else fields

    def lane(self, mark: Callable[[str], str]) -> str | None:
        """Return the entity whose operations must keep their order; a person as a keyed mark."""
        name = self.spec.lane
        if name is None or (value := getattr(self, name)) is None:
            return None
        references = kept(self)
        if references and (reference := references.get((self.wire_name(name),))):
            value = reference
        elif sensitivity_of(type(self).model_fields[name]):
            value = mark(str(value))
        return f"{name}:{value}"


@cache
def _file_spellings(kind: type[Operation]) -> Mapping[str, str]:
    """Map each spelling of a field that takes a file to its wire name."""
    return {each: wire for name, wire in _files_of(kind).items() for each in (name, wire)}


@cache
def _files_of(kind: type[Operation]) -> Mapping[str, str]:
    """Return ClassIn's names of the file fields, by attribute."""
    return {
        name: field.alias or name
        for name, field in kind.model_fields.items()
        if field_shape(field).base is File
    }


def item_kind(field: FieldInfo) -> type[Fields] | None:
    """Return the type of a field's items, if it holds items with fields."""
    base = field_shape(field).base
    return base if issubclass(base, Fields) else None


def _of(declared: Iterable[int] | Mapping[int, Any], number: int) -> Any:  # noqa: ANN401
    return declared.get(number) if isinstance(declared, Mapping) else None


#: Every operation by name.
REGISTRY = Registry()
