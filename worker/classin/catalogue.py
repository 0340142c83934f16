"""The catalogue: every operation that ClassIn can be asked, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from worker.classin import operations
from worker.classin.errors import Fault, InvalidOperation
from worker.classin.faults import nearest
from worker.classin.operation import REGISTRY, Operation

__all__ = ["CATALOGUE", "find", "read"]

operations.load()

#: Operations by name, in the order of the API's chapters.
CATALOGUE: Mapping[str, type[Operation]] = MappingProxyType(
    dict(
        sorted(REGISTRY.items(), key=lambda entry: operations.CHAPTERS.index(entry[1].spec.chapter))
    )
)


def find(name: str) -> type[Operation]:
    """Find an operation by name; InvalidOperation suggests the nearest one."""
    try:
        return REGISTRY[name]
    except KeyError:
        fault = Fault("operation", f"ClassIn knows no {name!r}{nearest(name, CATALOGUE)}")
        raise InvalidOperation(name, [fault]) from None


def read(name: str, fields: Mapping[str, Any]) -> Operation:
    """Check fields, named in camel or snake case, against the catalogue.

    Raises InvalidOperation, which names every fault.
    """
    return find(name)(**fields)
