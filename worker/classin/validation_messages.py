"""Translate pydantic's errors into messages for whoever filled in the fields."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from worker.errors import FieldError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

#: Maximum length of an echoed value.
LONGEST_ECHO = 40


#: Faults of one operation that suggest a name: the search is slow.
_MOST_HELPED = 20


def nearest(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean X?` for the most similar of the words, or an empty text."""
    spelt = {candidate.lower(): candidate for candidate in words}
    close = difflib.get_close_matches(word.lower(), spelt, n=1, cutoff=0.6)
    return f"; did you mean {spelt[close[0]]}?" if close else ""


def explain(
    errors: "Sequence[ErrorDetails]",
    model: "type[BaseModel]",
    given: Mapping[str, Any],
    *,
    hidden: Callable[[Sequence[int | str]], bool] = lambda _: False,
) -> list[FieldError]:
    """Convert pydantic's errors for one operation into faults, by wire name.

    `hidden` tells of a place whether its value must not be echoed.
    """
    deeper = {error["loc"][:-1] for error in errors} | {error["loc"][:-2] for error in errors}
    return [
        _fault(error, model, given, hidden=hidden(error["loc"]), helped=place < _MOST_HELPED)
        for place, error in enumerate(errors)
        # A list whose items are all wrong counts as empty, too; the items' faults suffice.
        if not (error["type"] == "too_short" and error["loc"] in deeper)
    ]


def _fault(
    error: "ErrorDetails",
    model: "type[BaseModel]",
    given: Mapping[str, Any],
    *,
    hidden: bool,
    helped: bool,
) -> FieldError:
    aliases = {name: field.alias or name for name, field in model.model_fields.items()}
    path = [str(step) for step in error["loc"]] or [""]
    where = ".".join([aliases.get(path[0], path[0]), *path[1:]])
    if error["type"] == "extra_forbidden" and len(path) > 1:
        return FieldError(where, "unknown field", error["type"])
    if error["type"] == "extra_forbidden":
        twice = path[0] in aliases and aliases[path[0]] in given
        known = nearest(path[0], {*aliases.values(), *aliases}) if helped else ""
        what = f"given twice, also as {where}" if twice else f"unknown field{known}"
        return FieldError(path[0], what, error["type"])
    echoed = error["type"] in _PHRASES.keys() - _NOT_ECHOED and not hidden and not _is_file(error)
    got = _got(error["input"]) if echoed else ""
    return FieldError(where, _phrase(error), error["type"], got)


#: What would be right, by pydantic's error type; filled with its context and `has`.
_PHRASES = {
    "missing": "is required",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a whole number of common size",
    "int_from_float": "should be a whole number",
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be at least {ge}",
    "less_than_equal": "should be at most {le}",
    "less_than": "should be less than {lt}",
    "string_type": "should be text",
    "string_unicode": "holds half a character (a lone surrogate)",
    "string_too_long": "should have at most {max_length} characters; has {has}",
    "string_too_short": "should have at least {min_length} characters; has {has}",
    "bytes_too_long": "should have at most {max_length} bytes",
    "too_long": "should have at most {max_length} {parts}",
    "too_short": "should not be empty",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "string_pattern_mismatch": "is not of the right form",
    "bool_parsing": "should be 0 or 1",
    "bool_type": "should be 0 or 1",
    "enum": "should be one of {expected}",
    "literal_error": "should be one of {expected}",
    "dict_type": "should be an object",
    "model_type": "should be an object",
}

#: Of these kinds, what was given is not shown: there is none, or it is too long.
_NOT_ECHOED = frozenset(
    {
        "missing",
        "int_parsing_size",
        "string_unicode",
        "string_too_long",
        "string_too_short",
        "bytes_too_long",
        "too_long",
        "too_short",
    }
)

_FILE = "should be a file: @PATH, @ADDRESS, or an object with name, size, sha256 and at"


def _is_file(error: "ErrorDetails") -> bool:
    return error["type"] == "model_type" and error.get("ctx", {}).get("class_name") == "File"


def _phrase(error: "ErrorDetails") -> str:
    """Return what would be right."""
    value = error["input"]
    if error["type"] == "string_too_short" and not value:
        return "should not be empty"
    if _is_file(error):
        return _FILE
    template = _PHRASES.get(error["type"])
    if template is None:  # our own kinds speak for themselves
        return error["msg"]
    filling = {
        **error.get("ctx", {}),
        "has": len(value) if isinstance(value, str) else "other",
        "parts": "items" if isinstance(value, (list, tuple)) else "bytes",
    }
    return template.format_map(filling)


def _got(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return f"got {text}" if len(text) <= LONGEST_ECHO else f"got {text[:LONGEST_ECHO]}..."
