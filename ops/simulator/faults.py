"""Injected faults: which requests they hit, and what they do."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from ops.simulator.journal import carries
from worker.classin.catalogue import find
from worker.errors import FieldError, InvalidInputError, InvalidOperationError

#: At most one of these selects the matching requests that are hit; without any, all are.
CHOICES = ("nth", "first", "chance")
#: At most one of these replaces the reply.
REPLACEMENTS = ("code", "drop", "status", "garble")
#: These combine with any.
ADDITIONS = ("delay", "apply_after", "errno_as_text")
#: In each pair, the first needs the second; `when` counts as given if it is "after".
NEEDED = (
    ("retry_after", "status"),
    ("seed", "chance"),
    ("with_data", "code"),
    ("with_data", "when"),
)


class When(StrEnum):
    """Whether a fault strikes before or after the operation is carried out."""

    BEFORE = "before"
    AFTER = "after"


class FaultRule(BaseModel):
    """Which requests a fault hits, and what it does.

    Only requests that ClassIn would carry out are counted and hit: requests refused for signature,
    time, fields or other requests are answered as usual.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The operation's name; None matches any.
    operation: str | None = None
    #: The request's SID; None matches any.
    school: str | None = None
    #: Fields by ClassIn's names, compared as text.
    match: Mapping[str, str | int] = {}
    #: Numbers of the matching requests that are hit, from 1.
    nth: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    #: The first so many of them.
    first: PositiveInt | None = None
    #: Each of them with this probability; the same seed gives the same pattern.
    chance: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: int = 0

    when: When = When.BEFORE
    #: Reply with this code, perhaps with the true reply's data, as when only a part was done.
    code: int | None = None
    with_data: bool = False
    #: Close the connection without a reply.
    drop: bool = False
    #: Reply with this HTTP status and a line of text, perhaps with Retry-After in seconds.
    status: Annotated[int, Field(ge=300, le=599)] | None = None
    retry_after: Annotated[float, Field(ge=0)] | None = None
    #: Reply with a body that is not JSON.
    garble: bool = False
    #: Wait so many seconds first.
    delay: Annotated[float, Field(ge=0, le=3600)] = 0
    #: Carry it out so many seconds after its arrival, and reply then unless the reply is replaced;
    #: even if the client is gone. Meanwhile it blocks nothing.
    apply_after: Annotated[float, Field(ge=0, le=3600)] = 0
    #: Send the code as text.
    errno_as_text: bool = False

    @field_validator("operation")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            return name if name is None else find(name).spec.name
        except InvalidOperationError as error:
            raise ValueError(error.faults[0].text) from None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if faults := list(_contradictions(self.model_dump(exclude_defaults=True))):
            raise ValueError("; ".join(faults))
        return self


#: For a request that no rule strikes.
NO_FAULT = FaultRule.model_construct()


def _contradictions(given: Collection[str]) -> Iterator[str]:
    """Return settings that exclude each other, or lack another."""
    for alternatives in (CHOICES, REPLACEMENTS):
        if len(both := [name for name in alternatives if name in given]) > 1:
            yield f"{' and '.join(both)} exclude each other"
    if not {*REPLACEMENTS, *ADDITIONS} & {*given}:
        yield f"has no effect; give one of {', '.join([*REPLACEMENTS, *ADDITIONS])}"
    for name, needed in NEEDED:
        if name in given and needed not in given:
            yield f"{name} needs {needed}"


def read_rules(given: object) -> tuple[FaultRule, ...]:
    """Parse a rule or a list of rules from JSON. Raises InvalidInputError with every fault."""
    listed = given if isinstance(given, list) else [given]
    rules: list[FaultRule] = []
    faults: list[FieldError] = []
    for place, one in enumerate(listed):
        try:
            rules.append(FaultRule.model_validate(one))
        except ValidationError as error:
            faults += _faults(f"{place}." if one is not given else "", error, one)
    if faults:
        raise InvalidInputError("These rules cannot be set:", faults)
    return tuple(rules)


def _faults(prefix: str, error: ValidationError, given: object) -> Iterator[FieldError]:
    whole = prefix.rstrip(".") or "rule"
    for line in error.errors(include_url=False, include_input=False):
        where = ".".join(map(str, line["loc"]))
        message = str(line.get("ctx", {}).get("error", line["msg"]))
        yield FieldError(f"{prefix}{where}" if where else whole, message)
    # Pydantic checks a rule as a whole only once every field is valid.
    if isinstance(given, dict) and any(line["loc"] for line in error.errors()):
        settings = [name for name, value in given.items() if _differs(name, value)]
        yield from (FieldError(whole, text) for text in _contradictions(settings))


def _differs(name: str, value: object) -> bool:
    """Return whether a setting differs from its default."""
    known = FaultRule.model_fields.get(name)
    return known is not None and value != known.default


class FaultCount:
    """A rule, and the number of requests it matched."""

    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self._met = 0
        self._random = Random(rule.seed)  # noqa: S311  # a pattern to repeat, no secret

    def strikes(self, operation: str, fields: Mapping[str, Any], school: str | None) -> bool:
        """Return whether this request is hit; count it if it matches."""
        rule = self.rule
        if rule.operation not in (None, operation) or rule.school not in (None, school):
            return False
        if not carries(fields, rule.match):
            return False
        self._met += 1
        if rule.nth is not None:
            return self._met in rule.nth
        if rule.first is not None:
            return self._met <= rule.first
        return rule.chance is None or self._random.random() < rule.chance


class Faults:
    """Rules in order. Every rule counts every request; the first one that strikes applies."""

    def __init__(self) -> None:
        self._counts: list[FaultCount] = []

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """The rules in the order in which they were set."""
        return tuple(count.rule for count in self._counts)

    def add(self, rules: Sequence[FaultRule]) -> None:
        """Add rules."""
        self._counts += map(FaultCount, rules)

    def clear(self) -> None:
        """Remove all rules."""
        self._counts = []

    def strike(
        self, operation: str, fields: Mapping[str, Any], school: str | None = None
    ) -> tuple[int | None, FaultRule]:
        """Return the rule that strikes this request and its index, else None and NO_FAULT."""
        struck = [count.strikes(operation, fields, school) for count in self._counts]
        if True not in struck:
            return None, NO_FAULT
        place = struck.index(True)
        return place, self._counts[place].rule
