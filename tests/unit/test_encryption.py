"""Credentials lie in records as what the key ring opens there, and nothing else does."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from celery.app.task import Context
from hypothesis import given
from hypothesis import strategies as st

from worker.broker.foreign_task import ForeignTask
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.credentials import exchanged
from worker.classin.masking import masked
from worker.classin.operation import MASK
from worker.classin.references import with_only
from worker.classin.seals import Sealed, credentials_of
from worker.config.settings import Settings
from worker.encryption import UNOPENED, FieldCipher
from worker.errors import DecryptionError, InvalidInputError, InvalidOperationError
from worker.keyring import KeyRing

SEALS, OTHERS = FieldCipher(KeyRing.in_memory()), FieldCipher(KeyRing.in_memory())

#: Whose a credential is: a school and a record.
HERE = ("main", "a")

#: What another Celery may send: JSON of whatever shape.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("password", "md5pass", "oldMd5pass", "userJson", "user_json", "telephone", "pasword")


@given(st.text())
def test_what_is_sealed_can_be_opened(text: str) -> None:
    """By that ring and for that owner alone; sealed twice it looks different."""
    first, second = SEALS.encrypt(text, *HERE), SEALS.encrypt(text, *HERE)

    assert SEALS.decrypt(first, *HERE) == SEALS.decrypt(second, *HERE) == text
    assert first != second
    for seals, owner in ((OTHERS, HERE), (SEALS, ("north", "a")), (SEALS, ("main", "a", 0))):
        with pytest.raises(DecryptionError):
            seals.decrypt(first, *owner)


@given(st.text())
def test_what_is_no_token_is_not_opened(text: str) -> None:
    """Whatever it is, the same error tells so, and does not repeat it."""
    with pytest.raises(
        DecryptionError, match="it was sealed for another record or field, or under"
    ):
        SEALS.decrypt(text, *HERE)


@pytest.mark.parametrize("name", ["register", "register_multiple", "modify_password"])
@given(fields=st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_credential_stays_plain(name: str, fields: dict[str, Any]) -> None:
    """However ill-formed the fields are; they come back as they were."""
    held = SEALS.sealed(name, fields, *HERE)

    assert SEALS.revealed(name, held, *HERE) == fields
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
    held = SEALS.sealed(name, fields, *HERE)

    assert hidden in json.dumps(fields)
    assert hidden not in json.dumps(held)
    assert held.get("telephone") == fields.get("telephone")
    assert SEALS.revealed(name, held, *HERE) == fields
    assert hidden not in json.dumps(OTHERS.revealed(name, held, *HERE))


def test_references_stay_and_what_has_no_credentials_is_not_touched() -> None:
    """An operation without any is given back itself."""
    waiting = {"$result": "abc", "path": "data.password"}
    fields = {"telephone": "13800138000", "password": waiting}
    plain = {"courseId": 1, "courseName": "Spring"}

    assert SEALS.sealed("register", fields, *HERE) == fields
    assert SEALS.sealed("register_multiple", {"userJson": [waiting]}, *HERE) == {
        "userJson": [waiting]
    }
    assert SEALS.sealed("edit_course", plain, *HERE) is plain
    assert not credentials_of(CATALOGUE["edit_course"])


def test_a_sealed_operation_can_be_read_and_written_again() -> None:
    """Without its key: only what is to be sent must be open."""
    users = [
        {"telephone": f"1380013800{n}", "password": f"a-secret-{n}", "customColumn": f"row {n}"}
        for n in range(4)
    ]
    fields = SEALS.sealed("register_multiple", {"userJson": users}, *HERE)

    operation = read("register_multiple", fields)

    assert operation.to_dict() == fields
    assert "a-secret" not in repr(operation)
    with pytest.raises(ValueError, match="is sealed"):
        operation.wire_fields()
    assert SEALS.decrypt_fields("register_multiple", operation.to_dict(), *HERE) == {
        "userJson": users
    }
    with pytest.raises(InvalidInputError, match=r"sealed userJson\.0\.password cannot be"):
        SEALS.encrypt_fields(with_only(operation, "user_json", {3, 1}), *HERE)


def test_only_credentials_are_taken_sealed() -> None:
    """Elsewhere it is an object where text should be."""
    with pytest.raises(InvalidOperationError, match="nickname"):
        read(
            "register",
            {
                "telephone": "13800138000",
                "password": "a-secret",
                "nickname": Sealed("a").to_dict(),
            },
        )


def test_what_is_sealed_is_masked_when_shown() -> None:
    """As it would be when plain; who may see it, and cannot, is told why."""
    fields = {"telephone": "13800138000", "password": "a-secret"}
    held = SEALS.sealed("register", fields, *HERE)

    assert masked(CATALOGUE["register"], held) == dict.fromkeys(fields, MASK)
    assert OTHERS.revealed("register", held, *HERE) == {**fields, "password": UNOPENED}
    assert SEALS.revealed("no_such_operation", fields, *HERE) is fields


def test_no_follow_up_takes_a_credential() -> None:
    """Else what mends a record could take what stands in a sealed one's place."""
    following = {
        name
        for kind in CATALOGUE.values()
        for name in kind.spec.partial.values()
        if name is not None
    }
    assert following
    assert not [name for name in following if credentials_of(CATALOGUE[name])]


def arrival(fields: Mapping[str, Any], **headers: str) -> ForeignTask:
    """A message of another Celery that registers somebody."""
    request = Context(id="a", kwargs=dict(fields), headers=headers)
    return ForeignTask.of("register", request)


@pytest.mark.parametrize("name", ["password", "pasword"])
@pytest.mark.parametrize("school", ["main", "south"])
def test_what_another_celery_sends_is_sealed_as_it_is_recorded(
    settings: Settings, name: str, school: str
) -> None:
    """Be it right or to be refused, also for a school that nobody knows."""
    fields = {"telephone": "13800138000", name: "a-secret"}
    entry = arrival(fields, school=school).submission(settings)

    assert Sealed.read(entry.fields[name])
    assert "a-secret" not in str(entry)
    seen = FieldCipher(settings.keyring).revealed("register", entry.fields, school, "a")
    assert seen[name] == "a-secret"
