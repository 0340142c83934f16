"""Normalise accounts and names to ClassIn's rules."""

import re

import phonenumbers

#: Maximum length of a course's name, and of a person's.
LONGEST_COURSE, LONGEST_PERSON = 40, 24

#: The country code of mainland China.
_CHINA = 86

_PHONE = re.compile(r"(?:\+|00)?[0-9][0-9 ().\-/]*")
_MAINLAND = re.compile("[1-9][0-9]{10}")
_CLASSINS = re.compile("00[1-9][0-9]{0,3}-[1-9][0-9]{3,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def phone_account(text: str) -> str:
    """Return a phone number in ClassIn's form; empty if it is invalid or its country is unknown.

    Mainland China's numbers have 11 digits; others begin with + or 00 and their country code.
    """
    if not _PHONE.fullmatch(text):
        return ""
    digits = re.sub("[^0-9]", "", text)
    if not text.startswith("+") and not digits.startswith("00"):
        return digits if _MAINLAND.fullmatch(digits) else ""
    try:
        number = phonenumbers.parse(f"+{digits if text.startswith('+') else digits[2:]}")
    except phonenumbers.NumberParseException:
        return ""
    national = phonenumbers.national_significant_number(number)
    if not phonenumbers.is_possible_number(number):
        return ""
    if number.country_code == _CHINA:
        return national if _MAINLAND.fullmatch(national) else ""
    account = f"00{number.country_code}-{national}"
    return account if _CLASSINS.fullmatch(account) else ""


def email_account(text: str) -> str:
    """Return an e-mail address in lower case; empty if it is invalid."""
    return text.lower() if _EMAIL.fullmatch(text) else ""


def plain(text: str) -> str:
    """Return text on one line, with single spaces and without control characters."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(_CONTROL.sub(" ", text).split())


def shortened(text: str, most: int) -> str:
    """Shorten text to so many characters, with `…` in the middle and a third of them for the end.

    The end is kept because similar names often differ there: `... (section 2)`.
    """
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"
