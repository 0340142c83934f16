"""Credentials lie in records as what their school's secret opens, and nothing else does."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from celery.app.task import Context
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.stage import SCHOOL
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.credentials import exchanged
from worker.classin.errors import InvalidOperation, SealBroken
from worker.classin.masking import masked
from worker.classin.operation import MASK
from worker.classin.references import with_only
from worker.classin.seals import Sealed, credentials_of
from worker.reception import Arrival
from worker.sealing import UNOPENED, open_sealed, opened, revealed, seal, sealed
from worker.settings import Settings

ROTATED = replace(SCHOOL, secret="another")
NORTH = replace(SCHOOL, name="north")

#: What another Celery may send: JSON of whatever shape.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("password", "md5pass", "oldMd5pass", "userJson", "user_json", "telephone", "pasword")


@given(st.text())
def test_what_is_sealed_can_be_opened(text: str) -> None:
    """By the school alone; sealed twice it looks different, and shows nothing of itself."""
    first, second = seal(text, SCHOOL), seal(text, SCHOOL)

    assert open_sealed(first, SCHOOL) == open_sealed(second, SCHOOL) == text
    assert first != second
    for other in (ROTATED, NORTH):
        with pytest.raises(SealBroken):
            open_sealed(first, other)


@given(st.text())
def test_what_is_no_token_is_not_opened(text: str) -> None:
    """Whatever it is, the same error tells so, and does not repeat it."""
    with pytest.raises(SealBroken, match="it was not sealed with the secret of school 'main'"):
        open_sealed(text, SCHOOL)


@pytest.mark.parametrize("name", ["register", "register_multiple", "modify_password"])
@given(fields=st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_credential_stays_plain(name: str, fields: dict[str, Any]) -> None:
    """However ill-formed the fields are; they come back as they were, and sealing twice is once."""
    held = sealed(name, fields, SCHOOL)

    assert revealed(name, held, SCHOOL) == revealed(name, fields, SCHOOL)
    assert sealed(name, held, SCHOOL) == held
    exchanged(CATALOGUE[name], held, lambda value, _: Sealed.read(value) or pytest.fail("plain"))


@pytest.mark.parametrize(
    ("name", "fields", "hidden"),
    [
        ("register", {"telephone": "1", "password": "a-secret"}, "a-secret"),
        ("register", {"telephone": "1", "password": 1234567}, "1234567"),
        ("register", {"telephone": "1", "pasword": "a-secret"}, "a-secret"),
        ("register_multiple", {"user_json": [{"password": "a-secret"}, None]}, "a-secret"),
        ("register_multiple", {"userJson": '[{"password": "a-secret"}]'}, "a-secret"),
        ("register_multiple", {"userJson": [[{"password": "a-secret"}]]}, "a-secret"),
        ("modify_password", {"uid": 1, "oldMd5pass": "0" * 32}, "0" * 32),
    ],
)
def test_nobody_can_read_it(name: str, fields: dict[str, Any], hidden: str) -> None:
    """In items, under a misspelt name, and of the wrong kind, too; what is none stays readable."""
    held = sealed(name, fields, SCHOOL)

    assert hidden in json.dumps(fields)
    assert hidden not in json.dumps(held)
    assert held.get("telephone") == fields.get("telephone")
    assert revealed(name, held, SCHOOL) == fields
    assert hidden not in json.dumps(revealed(name, held, ROTATED))


def test_references_stay_and_what_has_no_credentials_is_not_touched() -> None:
    """An operation without any is given back itself."""
    waiting = {"$result": "abc", "path": "data.password"}
    fields = {"telephone": "13800138000", "password": waiting}
    plain = {"courseId": 1, "courseName": "Spring"}

    assert sealed("register", fields, SCHOOL) == fields
    assert sealed("register_multiple", {"userJson": [waiting]}, SCHOOL) == {"userJson": [waiting]}
    assert sealed("edit_course", plain, SCHOOL) is plain
    assert not credentials_of(CATALOGUE["edit_course"])


def test_a_sealed_operation_can_be_read_and_written_again() -> None:
    """Without its secret: only what is to be sent must be open."""
    users = [
        {"telephone": f"1380013800{n}", "password": f"a-secret-{n}", "customColumn": f"row {n}"}
        for n in range(4)
    ]
    fields = sealed("register_multiple", {"userJson": users}, SCHOOL)

    operation = read("register_multiple", fields)

    assert operation.to_json() == fields
    assert "a-secret" not in repr(operation)
    with pytest.raises(ValueError, match="is sealed"):
        operation.wire_fields()
    assert opened("register_multiple", operation.to_json(), SCHOOL) == {"userJson": users}
    some = with_only(operation, "user_json", {3, 1})
    left = opened("register_multiple", some.to_json(), SCHOOL)
    assert left == {"userJson": [users[1], users[3]]}


def test_only_credentials_are_taken_sealed() -> None:
    """Elsewhere it is an object where text should be."""
    with pytest.raises(InvalidOperation, match="nickname"):
        read(
            "register",
            {
                "telephone": "13800138000",
                "password": "a-secret",
                "nickname": Sealed("a").to_json(),
            },
        )


def test_what_is_sealed_is_masked_when_shown() -> None:
    """As it would be when plain; who may see it, and cannot, is told why."""
    fields = {"telephone": "13800138000", "password": "a-secret"}
    held = sealed("register", fields, SCHOOL)

    assert masked(CATALOGUE["register"], held) == dict.fromkeys(fields, MASK)
    assert revealed("register", held, ROTATED) == {**fields, "password": UNOPENED}
    assert revealed("register", held, None) == {**fields, "password": UNOPENED}
    assert revealed("no_such_operation", fields, SCHOOL) is fields


def test_no_follow_up_takes_a_credential() -> None:
    """Else what mends a record could take what stands in a sealed one's place."""
    following = {
        name
        for kind in CATALOGUE.values()
        for name in kind.spec.partly.values()
        if name is not None
    }
    assert following
    assert not [name for name in following if credentials_of(CATALOGUE[name])]


def arrival(fields: Mapping[str, Any], **headers: str) -> Arrival:
    """A message of another Celery that registers somebody."""
    request = Context(id="a", kwargs=dict(fields), headers=headers)
    return Arrival.of("register", request)


@pytest.mark.parametrize("name", ["password", "pasword"])
def test_what_another_celery_sends_is_sealed_as_it_is_recorded(
    settings: Settings, name: str
) -> None:
    """Be it right or to be refused."""
    entry = arrival({"telephone": "13800138000", name: "a-secret"}).submission(settings)

    assert Sealed.read(entry.fields[name])
    assert "a-secret" not in str(entry)
    assert revealed("register", entry.fields, SCHOOL)[name] == "a-secret"


def test_nothing_is_kept_of_a_credential_that_nobody_can_seal(settings: Settings) -> None:
    """Its school is unknown, so that it is refused anyway."""
    fields = {"telephone": "13800138000", "password": "a-secret"}

    entry = arrival(fields, school="south").submission(settings)

    assert entry.fields["password"] == Sealed("").to_json()
    with pytest.raises(SealBroken, match="its password was not kept"):
        opened("register", entry.fields, SCHOOL)
