"""Registry of operations by name; a chapter is imported when first needed."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING

from worker.classin.index import INDEX

if TYPE_CHECKING:
    from worker.classin.operation import Operation


class Registry(MutableMapping[str, "type[Operation]"]):
    """Operations by name; each registers itself when its class is defined."""

    def __init__(self) -> None:
        self._kinds: dict[str, type[Operation]] = {}

    def __getitem__(self, name: str) -> "type[Operation]":
        """Return one, importing its chapter if needed."""
        if name not in self._kinds and name in INDEX:
            import_module(f"worker.classin.operations.{INDEX[name].chapter}")
        return self._kinds[name]

    def __setitem__(self, name: str, kind: "type[Operation]") -> None:
        self._kinds[name] = kind

    def __delitem__(self, name: str) -> None:
        del self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)
