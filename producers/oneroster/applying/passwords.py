"""Initial passwords of new accounts: generated, kept encrypted, handed out once."""

import os
import secrets
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from producers.files.csv_formulas import SafeWriter, guarded
from producers.oneroster.applying.operations import Step
from producers.oneroster.id_map import IdMap
from producers.oneroster.planning.diff import PersonChange
from producers.oneroster.roster import Person, Roster
from worker.encryption import FieldCipher
from worker.errors import DecryptionError, FieldError, InvalidInputError
from worker.ledger.sync_store import Source

#: Letters and digits that cannot be confused.
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"

#: Length of a random password, and the lengths that ClassIn accepts.
_LENGTH = 12
SHORTEST, LONGEST = 6, 20

#: Placeholders of a rule.
_NAMED = ("id", "account", "random")

#: The default rule.
AT_RANDOM = "{random}"

#: Columns of the password file.
COLUMNS = ("sourcedId", "name", "account", "password", "note")

_PERHAPS = "the account may have been there before: then it has a password of its own"

_LOST = "it cannot be opened: it was sealed under another key ring; set another in ClassIn"


class Rule:
    """How passwords are made: at random, or by a school's template such as `Hello-{id}`."""

    def __init__(
        self, rule: str = AT_RANDOM, choose: Callable[[str], str] = secrets.choice
    ) -> None:
        """Parse a rule. Raises InvalidInputError for an unknown placeholder."""
        self._rule, self._choose = rule, choose
        try:
            parsed = [part for part in string.Formatter().parse(rule) if part[1] is not None]
        except ValueError:
            raise _unfit("is no rule: braces should come in pairs, as in Hello-{id}") from None
        parts = [str(name) for _, name, *_ in parsed]
        if strange := sorted(set(parts) - set(_NAMED)):
            names = ", ".join(f"{{{name}}}" for name in _NAMED)
            raise _unfit(f"names {', '.join(strange)}; may name {names}")
        if any(form or conversion for _, _, form, conversion in parsed):
            raise _unfit("is no rule: nothing but a name goes into braces, as in Hello-{id}")

    def password(self, person: Person) -> str:
        """Return the password of one person.

        Raises InvalidInputError if ClassIn would refuse it.
        """
        said = {"id": person.id, "account": person.account, "random": self._random()}
        password = self._rule.format_map(said)
        if not SHORTEST <= len(password) <= LONGEST:
            what = f"makes {len(password)} characters for {person.id}; should be 6 to 20"
            raise _unfit(what)
        if guarded(password) != password:
            what = f"makes a password for {person.id} that a spreadsheet takes for a formula"
            raise _unfit(f"{what}: let it begin with a letter or digit")
        return password

    def _random(self) -> str:
        letters = [self._choose(_LETTERS + _DIGITS) for _ in range(_LENGTH - 2)]
        return "".join([self._choose(_LETTERS), *letters, self._choose(_DIGITS)])


def _unfit(what: str) -> InvalidInputError:
    return InvalidInputError("password rule", [FieldError("", what)])


class Passwords:
    """The passwords of a source's new accounts."""

    def __init__(self, source: Source, seals: FieldCipher, rule: Rule) -> None:
        self._source, self._seals, self._rule = source, seals, rule

    def filled(self, step: Step) -> Mapping[str, Any]:
        """Return a step's fields with a password for each new account.

        Repeated calls return the same passwords. Raises InvalidInputError for a rule that does not
        fit, and UnavailableError.
        """
        return _with_passwords(step, self._of)

    def tried(self, step: Step) -> Mapping[str, Any]:
        """Return a step's fields with sample passwords, none of which is kept.

        Raises InvalidInputError for a rule that does not fit.
        """
        return _with_passwords(step, self._made)

    def _made(self, people: Sequence[Person]) -> dict[str, str]:
        return {person.id: self._rule.password(person) for person in people}

    def _of(self, people: Sequence[Person]) -> dict[str, str]:
        """Load passwords; make those that are missing or cannot be decrypted."""
        kept = self._opened(self._source.passwords([person.id for person in people]))
        made = self._made([person for person in people if person.id not in kept])
        sealed = {
            name: self._seals.encrypt(password, self._source.name, name)
            for name, password in made.items()
        }
        self._source.keep_passwords(sealed)
        return kept | made

    def _opened(self, sealed: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for name, token in sealed.items():
            try:
                found[name] = self._seals.decrypt(token, self._source.name, name)
            except DecryptionError:
                continue
        return found

    def hand_out(
        self,
        file: TextIO,
        roster: Roster,
        directory: IdMap,
        note: Callable[[int], object] = lambda _: None,
    ) -> int:
        """Write the passwords of all registered accounts to a file, once; return how many.

        `note` is called with the number before that. The passwords are deleted once the file is on
        disk.
        """
        sealed = {
            name: token
            for name, token in self._source.passwords().items()
            if name in directory.people
        }
        note(len(sealed))
        opened = self._opened(sealed)
        rows = _rows({name: opened.get(name, "") for name in sealed}, roster, directory)
        SafeWriter(file).writerows([COLUMNS, *rows])
        file.flush()
        os.fsync(file.fileno())
        self._source.drop_passwords([*sealed])
        return len(opened)


def _with_passwords(
    step: Step, of: Callable[[Sequence[Person]], Mapping[str, str]]
) -> Mapping[str, Any]:
    """Return a step's fields with a password for each account that it registers."""
    if step.operation != "register_multiple":
        return step.fields
    changes = (change for change in step.effects if isinstance(change, PersonChange))
    people = [change.after for change in changes if change.after is not None]
    passwords = of(people)
    users = [
        user | {"password": passwords[person.id]}
        for user, person in zip(step.fields["userJson"], people, strict=True)
    ]
    return {**step.fields, "userJson": users}


def _rows(
    passwords: Mapping[str, str], roster: Roster, directory: IdMap
) -> Iterable[Sequence[str]]:
    for name, password in passwords.items():
        person = roster.people.get(name)
        note = _PERHAPS if directory.people[name].older else ""
        note = note if password else _LOST
        yield name, person.name if person else "", person.account if person else "", password, note
