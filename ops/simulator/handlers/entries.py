"""One item's entry in the reply to a bulk operation."""

from worker.classin.codes import Code


def entry(code: Code, **echo: object) -> dict[str, object]:
    """Return a v1 entry, with the item's mark if it was given."""
    return _given(echo) | {"errno": int(code), "error": code.phrase}


def entry_v2(code: Code, **echo: object) -> dict[str, object]:
    """Return a v2 entry."""
    return _given(echo) | {"code": int(code), "msg": code.phrase}


def _given(echo: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in echo.items() if value is not None}
