"""The catalogue: every operation, by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from worker.classin import operations
from worker.classin.index import INDEX
from worker.classin.operation import REGISTRY, Operation
from worker.classin.validation_messages import nearest
from worker.errors import FieldError, InvalidOperationError

__all__ = ["CATALOGUE", "declared", "find", "read"]


class _Catalogue(Mapping[str, type[Operation]]):
    """Operations of the index; a chapter is imported when one of its operations is accessed."""

    def __getitem__(self, name: str) -> type[Operation]:
        if name not in INDEX:
            raise KeyError(name)
        return REGISTRY[name]

    def __contains__(self, name: object) -> bool:
        return name in INDEX

    def __iter__(self) -> Iterator[str]:
        return iter(INDEX)

    def __len__(self) -> int:
        return len(INDEX)


#: Operations by name, in the order of the API's chapters.
CATALOGUE: Mapping[str, type[Operation]] = _Catalogue()


def find(name: str) -> type[Operation]:
    """Return an operation by name. Raises InvalidOperationError with the nearest name."""
    try:
        return REGISTRY[name]
    except KeyError:
        fault = FieldError("operation", f"ClassIn knows no {name!r}{nearest(name, CATALOGUE)}")
        raise InvalidOperationError(name, [fault]) from None


def read(name: str, fields: Mapping[str, Any]) -> Operation:
    """Validate fields, named in camel or snake case, against the catalogue.

    Raises InvalidOperationError, which names every fault.
    """
    return find(name)(**fields)


def declared() -> list[type[Operation]]:
    """Import every chapter; return the operations in their order."""
    operations.load()
    return sorted(REGISTRY.values(), key=lambda kind: operations.CHAPTERS.index(kind.spec.chapter))
