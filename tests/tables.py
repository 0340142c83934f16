"""Tests of many small rows: one test for a whole table, which names every row that fails."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

Test = Callable[..., None]


def for_each(names: str, rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Run a test for each row of a table; arguments as those of pytest.mark.parametrize.

    For hundreds of rows: a test costs milliseconds, a row microseconds. Several of these make a
    product. The test fails with an ExceptionGroup of all rows that failed, each named in a note.
    """
    arguments = [name.strip() for name in names.split(",")]
    table = [dict(zip(arguments, _values(row, arguments), strict=True)) for row in rows]
    assert table, f"there is no {names} to test with"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def of_all(**given: Any) -> None:  # noqa: ANN401  # whatever the test asks for
            failed = [error for row in table if (error := _error(test, given, row))]
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(table)} rows", failed)

        asked = inspect.signature(test)
        fixtures = [each for name, each in asked.parameters.items() if name not in arguments]
        of_all.__signature__ = asked.replace(parameters=fixtures)  # type: ignore[attr-defined]  # what pytest reads
        return of_all

    return decorate


def _values(row: Any, arguments: list[str]) -> Iterable[Any]:  # noqa: ANN401  # as given
    return row if len(arguments) > 1 else [row]


def _error(test: Test, given: Mapping[str, Any], row: Mapping[str, Any]) -> Exception | None:
    try:
        test(**given, **row)
    except Exception as error:  # noqa: BLE001  # told with all others
        error.add_note(", ".join(f"{name} = {value!r}" for name, value in row.items()))
        return error
    return None
