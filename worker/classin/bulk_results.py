"""Results of the items of a bulk operation. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.classin.codes import Code
from worker.classin.operation import Bulk, Operation
from worker.classin.response import whole


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One entry of a bulk answer."""

    #: Which of the operation's items it is about, from 0.
    position: int
    code: int | None
    message: str
    #: The entry as ClassIn sent it.
    entry: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as the record's JSON shows it."""
        return {"position": self.position, "code": self.code, "message": self.message}


def item_results(operation: Operation, result: Mapping[str, Any] | None) -> list[ItemResult]:
    """Read the entries of a bulk answer; empty where there are none.

    An entry belongs to the item whose mark or id it repeats, else to the one at its position. Where
    only those that failed have entries, the others come from the list of what went well.
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
    """Read the list of ids of what went well."""
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
    """Return the positions of the items that are not told to have gone well."""
    done = {item.position for item in well}
    return [position for position, _ in enumerate(_items(operation)) if position not in done]


def _result(entry: Mapping[str, Any], position: int) -> ItemResult:
    """Read code and words, which go by different names in the two dialects."""
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
    """Return positions by what an answer may repeat of the items; None for what several bear."""
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
    """Find the item by what the entry repeats; a mark that several items bear decides nothing."""
    for key, positions in marks.items():
        if key in entry and (position := positions.get(str(entry[key]))) is not None:
            return position
    return left[index] if index < len(left) else index


def _list(result: Mapping[str, Any], path: str) -> Sequence[Any]:
    """Find a list in an answer; empty where there is none."""
    found: object = result
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, list) else ()
