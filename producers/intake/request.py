"""What a submitter asks for: the shape of a line of JSONL, and what may be said besides."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from producers.intake.receipt import Receipt
from worker.classin.validation_messages import explain
from worker.errors import FieldError, InvalidInputError
from worker.ledger.record import Priority

#: What submitters call things: a dedup key, a lane, a record. All characters can be seen.
Name = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^(?:[^\p{C}\p{Z}]| )*$", strict=True)
]

#: So many names can one line wait for.
_MOST_NAMES = 1000


def _ids(value: object) -> object:
    """Take receipts for the records that they prove, and nothing for no names."""
    if isinstance(value, (list, tuple)):
        return [each.id if isinstance(each, Receipt) else each for each in value]
    return () if value is None else value


def _holds_fields(place: Sequence[int | str]) -> bool:
    """Return whether what stands there are fields, in whatever shape: they may be personal."""
    return place[:1] == ("fields",)


class SubmitRequest(BaseModel):
    """What a submitter asks for, as a line of JSONL says it; its fields are not yet checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    operation: str
    fields: dict[str, Any] = Field(repr=False)
    school: str | None = None
    #: Whether "it is so already" is success even at the first attempt.
    if_exists: Literal["accept", "refuse"] | None = None
    #: The submitter's own name for it: whoever uses it again for the same gets the first's record.
    dedup_key: Name | None = None
    #: What must keep its order, instead of what is about the same thing.
    lane: Name | None = None
    #: The records that must have gone well before, by id or dedup key; also of lines before it.
    after: Annotated[tuple[Name, ...], Field(max_length=_MOST_NAMES), BeforeValidator(_ids)] = ()
    priority: Priority | None = None
    #: What becomes of those behind it in its lane if it does not succeed.
    lane_on_failure: Literal["stop", "go on"] | None = None

    @classmethod
    def read(cls, line: object) -> Self:
        """Read a line's object. Raises InvalidInputError, which names every fault."""
        if not isinstance(line, dict):
            raise InvalidInputError(
                "line", [FieldError("", "should be an object with operation and fields")]
            )
        try:
            return cls.model_validate(line)
        except ValidationError as error:
            found = explain(error.errors(include_url=False), cls, line, hidden=_holds_fields)
            raise InvalidInputError("line", found) from None


class Options(TypedDict, total=False):
    """What may be said besides operation and fields; Line has the meanings."""

    school: str | None
    if_exists: str | None
    dedup_key: str | None
    lane: str | None
    after: Sequence[str | Receipt]
    priority: str | None
    lane_on_failure: str | None
