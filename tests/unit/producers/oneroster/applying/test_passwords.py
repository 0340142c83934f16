"""Passwords of new accounts: made once, kept sealed, handed out once."""

import csv
from itertools import cycle
from tempfile import TemporaryFile

import pytest
from redis import Redis

from producers.oneroster.applying.operations import Ground, Step, steps
from producers.oneroster.applying.passwords import Passwords, Rule
from producers.oneroster.id_map import IdMap, KnownPerson
from producers.oneroster.planning.diff import difference
from producers.oneroster.roster import Person, Role, Roster
from worker.encryption import FieldCipher
from worker.errors import InvalidInputError
from worker.keyring import KeyRing
from worker.ledger.keys import Keys
from worker.ledger.sync_store import Source

KEYS = Keys()

ANN = Person("a", "a@example.org", "Ann", Role.STUDENT)
BO = Person("b", "13800000001", "Bo", Role.STUDENT)
SOME = Roster({"a": ANN, "b": BO})
SEALS = FieldCipher(KeyRing.in_memory())


def registering() -> Step:
    """The step that registers both."""
    ground = Ground(IdMap())
    (step,) = steps(difference(Roster(), SOME), ground, "s", lambda name, _: name)
    return step


def passwords(redis: Redis, rule: Rule | None = None) -> Passwords:
    """Those of one source."""
    return Passwords(Source(redis, "main", "sis"), SEALS, rule or Rule())


def told(filled: object) -> list[str]:
    """The passwords in a step's fields."""
    assert isinstance(filled, dict)
    return [user["password"] for user in filled["userJson"]]


def test_each_gets_one_of_their_own_and_keeps_it(redis: Redis) -> None:
    """However often it is asked for, by whomever."""
    first = told(passwords(redis).filled(registering()))
    assert len(set(first)) == 2
    assert told(passwords(redis).filled(registering())) == first


def test_none_can_be_read_in_redis(redis: Redis) -> None:
    """They are sealed there."""
    made = told(passwords(redis, Rule("Hello-{id}x")).filled(registering()))
    assert made == ["Hello-ax", "Hello-bx"]
    everything = str([redis.hgetall(key) for key in redis.scan_iter()])
    assert "Hello" not in everything
    assert "Hello" not in repr(registering())


def test_to_try_keeps_nothing(redis: Redis) -> None:
    """Only what is submitted needs them."""
    assert len(told(passwords(redis).tried(registering()))) == 2
    assert [*redis.scan_iter()] == []


def test_other_steps_stay_as_they_are(redis: Redis) -> None:
    """Passwords are for new accounts."""
    step = Step("s:1", "end_course", {"courseId": 5}, ())
    assert passwords(redis).filled(step) == passwords(redis).tried(step) == {"courseId": 5}


def test_at_random_means_letters_and_digits() -> None:
    """With one of either kind at least."""
    made = Rule(choose=lambda characters: characters[-1]).password(ANN)
    assert made == "Z" + "9" * 11
    turns = cycle(range(5))
    assert len(Rule(choose=lambda characters: characters[next(turns)]).password(ANN)) == 12


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("Hello-{name}", "names name; may name {id}, {account}, {random}"),
        ("Hello-{", "is no rule: braces should come in pairs"),
        ("{id.__class__}", "names id.__class__"),
        ("{0}", "names 0"),
        ("{}", "names "),
        ("{id!r:>9}", "is no rule"),
    ],
)
def test_a_rule_names_what_there_is(rule: str, what: str) -> None:
    """And is refused before anything is made."""
    with pytest.raises(InvalidInputError) as refused:
        Rule(rule)
    assert what in str(refused.value)


@pytest.mark.parametrize("rule", ["{id}", "Hello-{account}-{random}"])
def test_a_rule_fits_everybody(rule: str) -> None:
    """ClassIn takes 6 to 20 characters."""
    with pytest.raises(InvalidInputError, match="characters for a; should be 6 to 20"):
        Rule(rule).password(ANN)


def test_they_are_handed_out_once(redis: Redis) -> None:
    """To those who have an account; and forgotten then."""
    made = told(passwords(redis).filled(registering()))
    directory = IdMap({"a": KnownPerson(7), "b": KnownPerson(8, older=True)})
    handed = _handed(redis, directory)
    assert handed[0] == ["sourcedId", "name", "account", "password", "note"]
    assert sorted(handed[1:]) == [
        ["a", "Ann", "a@example.org", made[0], ""],
        [
            "b",
            "Bo",
            "13800000001",
            made[1],
            "the account may have been there before: then it has a password of its own",
        ],
    ]
    assert _handed(redis, directory) == handed[:1]


def test_who_has_no_account_yet_keeps_theirs(redis: Redis) -> None:
    """For the sync that registers them."""
    made = told(passwords(redis).filled(registering()))
    assert [row[0] for row in _handed(redis, IdMap({"a": KnownPerson(7)}))[1:]] == ["a"]
    assert told(passwords(redis).filled(registering()))[1] == made[1]


def test_another_key_ring_opens_none(redis: Redis) -> None:
    """New ones are made for those to be registered; the others are told of."""
    old = told(passwords(redis).filled(registering()))
    rotated = Passwords(Source(redis, "main", "sis"), FieldCipher(KeyRing.in_memory()), Rule())
    rows = _handed(redis, IdMap({"a": KnownPerson(7)}), rotated)
    assert rows[1][:4] == ["a", "Ann", "a@example.org", ""]
    assert "cannot be opened" in rows[1][4]
    new = told(rotated.filled(registering()))
    assert not {*old} & {*new}
    assert told(rotated.filled(registering())) == new


def test_a_password_moved_to_another_person_does_not_open(redis: Redis) -> None:
    """Who writes Redis could have Ann's password handed out as that of Bo."""
    told(passwords(redis).filled(registering()))
    key = KEYS.passwords("main:sis")
    redis.hset(key, "b", str(redis.hget(key, "a")))

    rows = _handed(redis, IdMap({"b": KnownPerson(8)}))

    assert rows[1][:4] == ["b", "Bo", "13800000001", ""]


def _handed(redis: Redis, directory: IdMap, which: Passwords | None = None) -> list[list[str]]:
    with TemporaryFile("w+", newline="", encoding="utf-8") as file:
        number = (which or passwords(redis)).hand_out(file, SOME, directory)
        file.seek(0)
        rows = [*csv.reader(file)]
    assert number == sum(bool(row[3]) for row in rows[1:])
    return rows
