"""Accounts and names as ClassIn takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from producers.oneroster.reading.normalize import (
    LONGEST_COURSE,
    LONGEST_PERSON,
    email_account,
    phone_account,
    plain,
    shortened,
)
from worker.classin.field_types import Account, PersonName
from worker.classin.operations.courses import EditCourse


@pytest.mark.parametrize(
    ("written", "account"),
    [
        ("13800138000", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("0086-13800138000", "13800138000"),
        ("+1 (212) 555-0100", "001-2125550100"),
        ("001-2125550100", "001-2125550100"),
        ("001 212 555 0100", "001-2125550100"),
        ("+44 20 7946 0000", "0044-2079460000"),
        ("+353-20-915-0000", "00353-209150000"),
        ("(212) 555-0100", ""),  # of which country?
        ("020 7946 0000", ""),
        ("+44 020 7946 0000", "0044-2079460000"),  # the 0 is not dialled from abroad
        ("+44 (0)20 7946 0000", "0044-2079460000"),
        ("+39 06 698 1234", ""),  # whose 0 is dialled, and which ClassIn does not take
        ("+86 10 6552 9988", ""),  # a landline
        ("+999 1234567", ""),  # no country
        ("+1 212 555 010", ""),  # too short
        ("+44 20 7946 0000 0000", ""),  # too long
        ("ask her mother", ""),
        ("+", ""),
        ("+1", ""),
        ("00", ""),
        ("\u0661\u0662\u0663\u0661\u0662\u0663\u0661\u0662\u0663\u0661\u0662", ""),
    ],
)
def test_phone_numbers_are_put_as_classin_does(written: str, account: str) -> None:
    """Where their country is told."""
    assert phone_account(written) == account


def test_addresses_are_put_in_lower_case() -> None:
    """So that the same address is the same account."""
    assert email_account("Ann@Example.ORG") == "ann@example.org"
    assert email_account("ann at example.org") == ""


@given(st.text() | st.from_regex(r"(\+|00)?[0-9 ()\-]{3,20}", fullmatch=True))
def test_whatever_becomes_an_account_is_one_to_the_catalogue(written: str) -> None:
    """The two agree on what an account is."""
    for account in (phone_account(written), email_account(written)):
        if account:
            assert TypeAdapter(Account).validate_python(account) == account


def test_an_account_stays_as_it_is() -> None:
    """To make one of one changes nothing."""
    for account in ("13800138000", "001-2125550100", "0044-2079460000"):
        assert phone_account(account) == account


def test_long_names_lose_their_middle() -> None:
    """Their ends often tell them apart."""
    one = "Advanced Placement English Literature and Composition (section 1)"
    two = one.replace("1", "2")
    assert shortened(one, LONGEST_COURSE) == "Advanced Placement English…n (section 1)"
    assert shortened(one, LONGEST_COURSE) != shortened(two, LONGEST_COURSE)
    assert shortened("Biology", LONGEST_COURSE) == "Biology"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_name_becomes_one_that_classin_keeps(text: str) -> None:
    """On one line, short enough, the same when it is read again."""
    line = plain(text)
    assert plain(line) == line
    for most in (LONGEST_COURSE, LONGEST_PERSON):
        assert len(shortened(line, most)) <= most
    if line:
        TypeAdapter(PersonName).validate_python(shortened(line, LONGEST_PERSON))
        EditCourse(course_id=1, course_name=shortened(line, LONGEST_COURSE))
