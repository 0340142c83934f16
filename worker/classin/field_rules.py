"""Rules between the fields of one operation or item: which may or must be given together.

Fields are named by attribute. A rule is data: the operation's description shows it as text.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

#: Return ClassIn's name of an attribute.
Naming = Callable[[str], str]


class Rule(Protocol):
    """A rule that the given fields must keep."""

    fields: tuple[str, ...]

    def broken(self, given: Mapping[str, object]) -> bool:
        """Return whether the given fields break it."""

    def words(self, naming: Naming) -> str:
        """Return it as text, with ClassIn's names."""


def fewest(required: Iterable[str], rules: Iterable[Rule]) -> set[str]:
    """Return a minimal valid set of fields: the required ones, and one for each broken rule."""
    fields = set(required)
    for rule in rules:
        if rule.broken(dict.fromkeys(fields, 1)):
            fields.add(rule.fields[0])
    return fields


class Several:
    """A rule about several fields."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def _count(self, given: Mapping[str, object]) -> int:
        return len(given.keys() & set(self.fields))

    def _named(self, naming: Naming) -> str:
        """Return the names: `a, b and c`."""
        names = list(map(naming, self.fields))
        return " and ".join([", ".join(names[:-1]), names[-1]])


class Needs(Several):
    """The first field requires the second."""

    def broken(self, given: Mapping[str, object]) -> bool:
        """Return whether the first is given without the second."""
        return self.fields[0] in given and self.fields[1] not in given

    def words(self, naming: Naming) -> str:
        """Return it as text."""
        return f"{naming(self.fields[0])} needs {naming(self.fields[1])} as well"


class OneOf(Several):
    """Exactly one is given; none is allowed if the flag `unless` is set."""

    def __init__(self, *fields: str, unless: str | None = None) -> None:
        super().__init__(*fields)
        self._unless = unless

    def broken(self, given: Mapping[str, object]) -> bool:
        """Return whether none or several are given."""
        count = self._count(given)
        excused = self._unless is not None and bool(given.get(self._unless))
        return count > 1 or (count == 0 and not excused)

    def words(self, naming: Naming) -> str:
        """Return it as text."""
        unless = f", unless {naming(self._unless)} is 1" if self._unless else ""
        return f"exactly one of {self._named(naming)} is needed{unless}"


class AtLeastOne(Several):
    """At least one is given."""

    def broken(self, given: Mapping[str, object]) -> bool:
        """Return whether none is given."""
        return self._count(given) == 0

    def words(self, naming: Naming) -> str:
        """Return it as text."""
        return f"at least one of {self._named(naming)} is needed"


class AllOrNone(Several):
    """All are given, or none."""

    def broken(self, given: Mapping[str, object]) -> bool:
        """Return whether only some are given."""
        return 0 < self._count(given) < len(self.fields)

    def words(self, naming: Naming) -> str:
        """Return it as text."""
        return f"{self._named(naming)} go together: all or none"


class NotBoth(Several):
    """At most one is given."""

    def broken(self, given: Mapping[str, object]) -> bool:
        """Return whether several are given."""
        return self._count(given) > 1

    def words(self, naming: Naming) -> str:
        """Return it as text."""
        return f"only one of {self._named(naming)} may be given"
