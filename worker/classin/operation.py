"""Operation: the base of everything that ClassIn can be asked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from worker.classin.call import Call, Dialect
from worker.classin.codes import Code
from worker.classin.errors import Fault, InvalidOperation
from worker.classin.faults import explain
from worker.classin.fields import File
from worker.classin.reply import Reply
from worker.classin.signing import LONGEST_SIGNED
from worker.classin.verdicts import Verdict


class Repeat(StrEnum):
    """What happens when the same operation is sent twice."""

    #: The second call leads to the same place.
    CONVERGES = "converges"
    #: The API takes a unique identity, and answers a repeat with what the first call made.
    IDENTIFIED = "identified"
    #: A repeat answers a code that tells that it is so already.
    RECONCILES = "reconciles"
    #: Nothing tells a repeat from a new call: it would be done twice.
    HARMFUL = "harmful"
    #: Nothing is changed.
    READS = "reads"


@dataclass(frozen=True, slots=True)
class Needs:
    """A rule: `field` may be given only together with `other`."""

    field: str
    other: str

    def fault(self, given: frozenset[str]) -> Fault | None:
        """The fault in what was given (attribute names), if there is one."""
        if self.field in given and self.other not in given:
            return Fault(to_camel(self.field), f"needs {to_camel(self.other)} as well")
        return None


@dataclass(frozen=True, slots=True)
class Spec:
    """What one operation declares besides its fields."""

    name: str  # as submitters write it: edit_course
    chapter: str  # of the API, and the module that declares it
    title: str
    call: Call
    repeat: Repeat
    lane: str | None  # the field whose entity sees its operations in order
    codes: frozenset[Code]  # all that the operation's page lists
    done: frozenset[Code]
    already: frozenset[Code]
    partly: frozenset[Code]
    rules: tuple[Needs, ...]


class Operation(BaseModel):
    """One thing that ClassIn can be asked, with its fields filled.

    Constructing one checks it: InvalidOperation names every fault at once. On the wire the
    fields are in camel case; both spellings are taken.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    spec: ClassVar[Spec]

    def __init_subclass__(  # noqa: PLR0913  # the declaration of an operation, all by keyword
        cls,
        *,
        call: Call,
        repeat: Repeat,
        codes: Iterable[int],
        lane: str | None = None,
        done: Iterable[int] = (),
        already: Iterable[int] = (),
        partly: Iterable[int] = (),
        rules: Iterable[Needs] = (),
    ) -> None:
        """Keep what the class statement declares."""
        super().__init_subclass__()
        listed = frozenset(map(Code, codes))
        cls.spec = Spec(
            name=re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower(),
            chapter=cls.__module__.rpartition(".")[2],
            title=(cls.__doc__ or "").partition("\n")[0].rstrip("."),
            call=call,
            repeat=repeat,
            lane=lane,
            codes=listed,
            done=frozenset({Code.OK, *map(Code, done)}),
            already=frozenset(map(Code, already)),
            partly=frozenset(map(Code, partly)),
            rules=tuple(rules),
        )
        unlisted = (cls.spec.done | cls.spec.already | cls.spec.partly) - listed
        if unlisted:
            message = f"{cls.__name__}: not among its codes: {sorted(unlisted)}"
            raise TypeError(message)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401  # as pydantic has it
        """Enter the finished class into the catalogue."""
        super().__pydantic_init_subclass__(**kwargs)
        named = {cls.spec.lane} if cls.spec.lane else set()
        named |= {name for rule in cls.spec.rules for name in (rule.field, rule.other)}
        if missing := named - cls.model_fields.keys():
            message = f"{cls.__name__}: no such field: {sorted(missing)}"
            raise TypeError(message)
        REGISTRY[cls.spec.name] = cls

    if not TYPE_CHECKING:  # type checkers derive the real signature from the fields

        def __init__(self, /, **given):  # noqa: ANN003, ANN204  # never seen by one
            try:
                super().__init__(**given)
            except ValidationError as error:
                faults = explain(error.errors(include_url=False), type(self), given)
                raise InvalidOperation(type(self).spec.name, faults) from None
            if faults := [*self._broken_rules(), *self._unsignable()]:
                raise InvalidOperation(type(self).spec.name, faults)

    def _broken_rules(self) -> Iterator[Fault]:
        given = frozenset(name for name in self.model_fields_set if getattr(self, name) is not None)
        for rule in self.spec.rules:
            if fault := rule.fault(given):
                yield fault

    def _unsignable(self) -> Iterator[Fault]:
        """Find text so long that the sources disagree on its signing."""
        if self.spec.call.dialect is not Dialect.V2:
            return
        for name, value in self.wire_fields().items():
            if isinstance(value, str) and len(value) <= LONGEST_SIGNED <= len(value.encode()):
                yield Fault(
                    name,
                    f"should have under {LONGEST_SIGNED} bytes or over {LONGEST_SIGNED}"
                    f" characters; between them ClassIn's signing rules disagree"
                    f" (has {len(value.encode())} bytes)",
                )

    def judged(self, reply: Reply) -> Verdict | None:
        """Judge what the tables cannot; None leaves it to them. Operations override it, rarely."""
        del reply
        return None

    def wire_fields(self) -> dict[str, Any]:
        """Give the fields under ClassIn's names; absent ones and files are left out."""
        absent = {name for name in type(self).model_fields if isinstance(getattr(self, name), File)}
        return self.model_dump(by_alias=True, exclude_none=True, exclude=absent)

    def files(self) -> dict[str, File]:
        """Give the files to send along, under ClassIn's names."""
        return {
            field.alias or name: value
            for name, field in type(self).model_fields.items()
            if isinstance(value := getattr(self, name), File)
        }

    @classmethod
    def file_fields(cls) -> dict[str, str]:
        """Give the fields that take a file, each spelling with the wire name."""
        return {
            spelling: field.alias or name
            for name, field in cls.model_fields.items()
            if File in {field.annotation, *get_args(field.annotation)}
            for spelling in (name, field.alias or name)
        }

    def to_json(self) -> dict[str, Any]:
        """Give the fields as the record keeps them: JSON values, files in base 64."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def lane_value(self) -> Any:  # noqa: ANN401  # an id or a text, as the field has it
        """Give the entity whose operations must keep their order, or None."""
        return getattr(self, self.spec.lane) if self.spec.lane else None


#: Every operation by name; `worker.classin.catalogue` fills it by importing the chapters.
REGISTRY: dict[str, type[Operation]] = {}
