"""Types of values, and their limits.

Source: the parameter tables of the operations' pages; appendix/rules
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeGuard, get_args

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Le, MaxLen, MinLen
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, core_schema

from worker.classin.field_shape import field_shape
from worker.errors import FieldError

#: Maximum size in bytes of a file, and of a picture.
LARGEST_FILE = 500 * 1024 * 1024
LARGEST_PICTURE = 1024 * 1024

#: The place of a file whose content is stored with its record.
IN_REDIS = "redis"


def _no_bool(value: object) -> object:
    """Refuse booleans for numbers: Python would take them for 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "should be a whole number")
    return value


def _no_bool_either(value: object) -> object:
    """Refuse booleans for numbers that need not be whole."""
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "should be a number")
    return value


def _sendable(text: str) -> str:
    """Refuse lone surrogates, which cannot be encoded."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("unsendable", "holds half a character (a lone surrogate)")
    return text


def _no_moment() -> PydanticCustomError:
    return PydanticCustomError(
        "moment", "should be seconds since 1970, or like 2026-09-01T08:00:00+08:00"
    )


def _whole_seconds(value: object) -> object:
    """Convert an aware datetime, or one in ISO 8601, into seconds since 1970."""
    if isinstance(value, str):
        text = value.strip()
        try:
            # 13 digits exceed any valid moment; longer texts would cost time.
            number = re.fullmatch("-?[0-9]{1,13}", text)
            value = int(text) if number else datetime.fromisoformat(text)
        except ValueError:
            raise _no_moment() from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError(
                "moment", "needs an offset from UTC, as in 2026-09-01T08:00:00+08:00"
            )
        return int(value.timestamp())
    if not isinstance(value, int):
        raise _no_moment()
    return _no_bool(value)


@dataclass(frozen=True)
class Chars(GroupedMetadata):
    """Text of a length in characters: `Annotated[str, Chars(1, 40)]`; longer text is refused."""

    fewest: int = 0
    most: int | None = None

    def __iter__(self) -> Iterator[BaseMetadata]:
        """Yield the single limits for pydantic."""
        if self.fewest:
            yield MinLen(self.fewest)
        if self.most is not None:
            yield MaxLen(self.most)
        yield AfterValidator(_sendable)  # type: ignore[misc]  # pydantic takes its own kinds here too


_MAINLAND = re.compile("[1-9][0-9]{10}")
_ELSEWHERE = re.compile("00[1-9][0-9]{0,3}-[1-9][0-9]{3,14}")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MD5 = re.compile("[0-9a-f]{32}")


def _phone(text: str) -> str:
    if not (_MAINLAND.fullmatch(text) or _ELSEWHERE.fullmatch(text)):
        raise PydanticCustomError(
            "phone", "should be 11 digits (mainland China) or like 001-8006437676"
        )
    return text


def _email(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise PydanticCustomError("email", "should be an e-mail address")
    return text


def _account(text: str) -> str:
    return _email(text) if "@" in text else _phone(text)


def _md5(text: str) -> str:
    if not _MD5.fullmatch(text):
        raise PydanticCustomError("md5", "should be 32 lower-case hex digits")
    return text


class Sensitivity(StrEnum):
    """Why a value is masked: `Annotated[str, Chars(6, 20), Sensitivity.CREDENTIAL]`."""

    PERSONAL = "personal"
    CREDENTIAL = "credential"


def sensitivity_of(field: FieldInfo) -> Sensitivity | None:
    """Return why a field's value is masked; None if it is not."""
    for part in field_shape(field).metadata:
        if isinstance(part, Sensitivity):
            return part
    return None


_Id = Annotated[int, BeforeValidator(_no_bool), Field(gt=0, lt=2**63)]

ActivityId = _Id
CourseId = _Id
FileId = _Id
FolderId = _Id
GroupId = _Id
LabelId = _Id
LessonId = _Id
StructureId = _Id
Uid = _Id
UnitId = _Id

#: A classroom setting; 0 is the default one.
ClassroomSettingId = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, lt=2**63)]

#: A whole number without documented limits.
WholeNumber = Annotated[int, BeforeValidator(_no_bool), Field(gt=-(2**63), lt=2**63)]

#: A count from 0, and one from 1.
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, lt=2**31)]
CountFromOne = Annotated[int, BeforeValidator(_no_bool), Field(ge=1, lt=2**31)]

#: A phone number: 11 digits in mainland China, elsewhere 00<country>-<number>; no leading 0.
Phone = Annotated[
    str, Chars(), AfterValidator(_phone), Sensitivity.PERSONAL, Field(examples=["13800138000"])
]

#: An account: a phone number or an e-mail address.
Account = Annotated[
    str, Chars(), AfterValidator(_account), Sensitivity.PERSONAL, Field(examples=["13800138000"])
]

Email = Annotated[
    str,
    Chars(),
    AfterValidator(_email),
    Sensitivity.PERSONAL,
    Field(examples=["pupil@school.example"]),
]
Password = Annotated[str, Chars(6, 20), Sensitivity.CREDENTIAL, Field(examples=["a-password"])]

#: The MD5 of a password, 32 lower-case hex digits.
Md5Password = Annotated[
    str,
    Chars(32, 32),
    AfterValidator(_md5),
    Sensitivity.CREDENTIAL,
    Field(examples=["5d41402abc4b2a76b9719d911017c592"]),
]

#: A person's name as the institution keeps it.
PersonName = Annotated[str, Chars(1, 24), Sensitivity.PERSONAL]

#: The name that a user bears in the client.
Nickname = Annotated[str, Chars(0, 24), Sensitivity.PERSONAL]

#: A duration.
Seconds = Annotated[int, BeforeValidator(_no_bool), Field(gt=0, lt=2**31)]

#: A teacher's rating, in steps of a half.
Stars = Annotated[float, BeforeValidator(_no_bool_either), Ge(0), Le(5)]

#: The submitter's mark on an item, which the reply repeats.
CustomColumn = Annotated[str, Chars(1, 50)]

#: The unique identity by which ClassIn recognises a repeat.
Identity = Annotated[str, Chars(1, 32)]

#: Seconds since 1970, in Python also an aware datetime; the field says what 0 means.
Moment = Annotated[int | datetime, BeforeValidator(_whole_seconds), Field(ge=0, lt=2**40)]

#: One day.
_DAY = 24 * 3600


@dataclass(frozen=True)
class Ahead:
    """How far ahead a moment is, in days: `Annotated[Moment, Ahead(1, 366)]`. 0 is no moment."""

    least: int
    most: int

    def fault(self, where: str, moment: int, now: float) -> FieldError | None:
        """Return what is wrong with the moment of a field. Both times are seconds since 1970."""
        if self.least * _DAY <= moment - now <= self.most * _DAY:
            return None
        right = f"should be at least {self.least} day and at most {self.most} days ahead"
        got = f"got {moment}{', which is past' if moment <= now else ''}"
        return FieldError(where, right, "untimely", got)


class _OrEmpty:
    """Allow an empty value as well: `Annotated[Uid | Literal[""], OR_EMPTY]`."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate a non-empty value as the first type."""
        return core_schema.no_info_wrap_validator_function(
            lambda value, check: value if value == "" else check(value),
            handler.generate_schema(get_args(source)[0]),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe both types."""
        return {"anyOf": [handler(schema), {"type": "string", "const": ""}]}


OR_EMPTY = _OrEmpty()

#: Yes or no; 1 or 0 on the wire.
Flag = Annotated[bool, PlainSerializer(int, return_type=int)]


def told_id(value: object) -> int | None:
    """Return an id from a reply, given as a number or text; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    number = int(value) if re.fullmatch("[0-9]{1,19}", str(value)) else 0
    return number if 0 < number < 2**63 else None


def _address(text: str) -> str:
    if text != IN_REDIS and not re.match("[a-z][a-z0-9+.-]*:.", text):
        raise PydanticCustomError("address", "should be an address, like file:///a or https://a/b")
    return text


def shown_address(at: str) -> str:
    """Return an address without user and query, which may be credentials."""
    return re.sub(r"\?.*", "?***", re.sub("(?<=//)[^/@]*@", "***@", at), flags=re.DOTALL)


class File(BaseModel):
    """A file of an operation: its description; the content is kept elsewhere."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    name: Annotated[str, Chars(1, 128)]
    #: In bytes.
    size: Annotated[int, BeforeValidator(_no_bool), Field(gt=0, lt=2**63)]
    #: In lower-case hex digits.
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    #: `redis`, or an address that workers can read: file:///..., https://..., s3://...
    at: Annotated[str, Chars(1, 4096), AfterValidator(_address)] = Field(repr=False)
    #: MAC of the key ring, which proves that a submitter with access named the file; empty: none.
    mac: Annotated[str, Field(pattern="^(?:[0-9a-f]{64})?$")] = Field(
        default="", repr=False, exclude_if=lambda mac: not mac
    )

    def vouched(self) -> list[str | int]:
        """Return what the key ring authenticates."""
        return [self.name, self.size, self.sha256, self.at]

    def summary(self) -> dict[str, object]:
        """Return name, size and SHA-256, without the place."""
        return {"name": self.name, "bytes": self.size, "sha256": self.sha256}


def is_file(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a JSON value describes a file."""
    return isinstance(value, dict) and without_mac(value).keys() == _DESCRIBED


def without_mac(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's description for showing and comparing."""
    return {name: each for name, each in value.items() if name != "mac"}


def without_place(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's description without its place: only the content counts."""
    return {name: each for name, each in without_mac(value).items() if name != "at"}


_DESCRIBED = File.model_fields.keys() - {"mac"}


@dataclass(frozen=True)
class FileLimit:
    """The files that a field accepts: `Annotated[File, FileLimit(1024, ("jpg", "png"))]`."""

    most: int = LARGEST_FILE
    #: Allowed endings in lower case; empty: any.
    kinds: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate the file in pydantic."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __str__(self) -> str:
        """Return it as `jpg or png, up to 1 MB`."""
        return f"{self._kinds() if self.kinds else 'any kind'}, up to {self.most // 1024**2} MB"

    def faults(self, name: str, size: int) -> Iterator[str]:
        """Return what is wrong with a file of this name and size: `should be a gif or png`."""
        if self.kinds and not name.lower().endswith(tuple(f".{kind}" for kind in self.kinds)):
            yield f"should be a {self._kinds()}"
        if size > self.most:
            yield f"should have at most {self.most:,} bytes"

    def _kinds(self) -> str:
        *most, last = self.kinds
        return f"{', '.join(most)} or {last}" if most else last

    def _check(self, file: File | None) -> File | None:
        faults = " and ".join(self.faults(file.name, file.size)) if file else ""
        if faults:
            raise PydanticCustomError("file", "{faults}", {"faults": faults})
        return file


_PICTURES = ("jpg", "jpeg", "gif", "png")

#: A course's cover, a teacher's picture, a user's picture, a drive file. No page limits the first
#: two: our own limit applies.
Cover = Annotated[File, FileLimit()]
Picture = Annotated[File, FileLimit(), Sensitivity.PERSONAL]
Avatar = Annotated[File, FileLimit(LARGEST_PICTURE, _PICTURES), Sensitivity.PERSONAL]
Upload = Annotated[File, FileLimit(LARGEST_FILE)]


def file_limit_among(metadata: Iterable[object]) -> FileLimit:
    """Return the file limit in a field's metadata."""
    return next((part for part in metadata if isinstance(part, FileLimit)), FileLimit())
