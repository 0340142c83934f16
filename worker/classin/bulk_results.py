"""Results of the items of a bulk operation. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.classin.codes import Code
from worker.classin.operation import Bulk, Operation
from worker.classin.response import whole


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of one item of a bulk operation."""

    #: Position of the item in the operation, from 0.
    position: int
    code: int | None
    message: str
    #: The entry as ClassIn sent it.
    entry: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as the record's JSON shows it."""
        return {"position": self.position, "code": self.code, "message": self.message}


def item_results(operation: Operation, result: Mapping[str, Any] | None) -> list[ItemResult]:
    """Return the results of a bulk reply's items; empty if it has none.

    An entry belongs to the item whose mark or id it repeats, else to the item at its position.
    Where only failures have entries, the others come from the list of successes.
    """
    bulk = operation.spec.bulk
    if bulk is None or result is None:
        return []
    well = _succeeded(operation, result, bulk)
    entries = _list(result, bulk.results)
    left = _left(operation, well) if bulk.succeeded else range(len(entries))
    told = [key for key in bulk.echo if any(isinstance(e, dict) and key in e for e in entries)]
    items = _items(operation) if told else ()
    marks = {key: _marks(items, key) for key in told}
    found = [
        _result(entry, _position(entry, index, left, marks))
        for index, entry in enumerate(entries)
        if isinstance(entry, dict)
    ]
    return sorted([*well, *found], key=lambda item: item.position) if well else found


def _succeeded(operation: Operation, result: Mapping[str, Any], bulk: Bulk) -> list[ItemResult]:
    """Read the list of successful ids."""
    if bulk.succeeded is None:
        return []
    marks = _marks(_items(operation), "")
    positions = (marks.get(str(each)) for each in _list(result, bulk.succeeded))
    return [
        ItemResult(position, Code.OK.value, Code.OK.phrase, {})
        for position in dict.fromkeys(positions)
        if position is not None
    ]


def _left(operation: Operation, well: Sequence[ItemResult]) -> Sequence[int]:
    """Return the positions of items that are not reported as successful."""
    done = {item.position for item in well}
    return [position for position, _ in enumerate(_items(operation)) if position not in done]


def _result(entry: Mapping[str, Any], position: int) -> ItemResult:
    """Read code and message, whose names differ between the API versions."""
    number = whole(entry.get("errno", entry.get("code")))
    text = entry.get("error", entry.get("msg"))
    known = Code.known(number)
    words = text if isinstance(text, str) and text else known.phrase if known else ""
    return ItemResult(position, number, words, entry)


def _items(operation: Operation) -> Sequence[Any]:
    name = operation.items_field()
    if name is None:
        return ()
    found: Sequence[Any] = operation.to_dict().get(operation.wire_name(name), ())
    return found


def _marks(items: Sequence[Any], key: str) -> dict[str, int | None]:
    """Return item positions by mark; None for a mark that several items share."""
    found: dict[str, int | None] = {}
    for position, item in enumerate(items):
        mark = str(item.get(key) if isinstance(item, dict) else item)
        found[mark] = None if mark in found else position
    return found


def _position(
    entry: Mapping[str, Any],
    index: int,
    left: Sequence[int],
    marks: Mapping[str, Mapping[str, int | None]],
) -> int:
    """Find an entry's item by its mark; a shared mark decides nothing."""
    for key, positions in marks.items():
        if key in entry and (position := positions.get(str(entry[key]))) is not None:
            return position
    return left[index] if index < len(left) else index


def _list(result: Mapping[str, Any], path: str) -> Sequence[Any]:
    """Return a list in a reply; empty if there is none."""
    found: object = result
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, list) else ()
