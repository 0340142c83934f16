"""Normalise accounts and names to ClassIn's rules."""

import re

#: Maximum length of a course's name, and of a person's.
LONGEST_COURSE, LONGEST_PERSON = 40, 24

#: Calling codes of one and two digits; all others have three.
_SHORT_CODE = re.compile("1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")

_PHONE = re.compile(r"(?:\+|00)?[0-9][0-9 ().\-/]*")
_MAINLAND = re.compile("[1-9][0-9]{10}")
_NUMBER = re.compile("[1-9][0-9]{3,14}")
_CLASSINS = re.compile("00[1-9][0-9]{0,3}-[1-9][0-9]{3,14}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def phone_account(text: str) -> str:
    """Return a phone number in ClassIn's form; empty if it is invalid or its country is unknown.

    Mainland China's numbers have 11 digits; others begin with + or 00 and their calling code.
    """
    if _CLASSINS.fullmatch(text):
        return _mainland(*text.removeprefix("00").split("-")) or text
    if not _PHONE.fullmatch(text):
        return ""
    digits = re.sub("[^0-9]", "", text)
    if text.startswith("+"):
        return _abroad(digits)
    if digits.startswith("00"):
        return _abroad(digits.removeprefix("00"))
    return digits if _MAINLAND.fullmatch(digits) else ""


def _abroad(digits: str) -> str:
    """Split a number into calling code and subscriber number."""
    found = _SHORT_CODE.match(digits)
    short = found[0] if found else digits[:3]
    number = digits.removeprefix(short)
    if len(digits) <= len(short) or not _NUMBER.fullmatch(number) or short.startswith("0"):
        return ""
    return _mainland(short, number) or f"00{short}-{number}"


def _mainland(code: str, number: str) -> str:
    """Return a mainland Chinese number in its national form; empty for others."""
    return number if code == "86" and _MAINLAND.fullmatch(number) else ""


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
