"""Redact the output of a job's command before it is kept. Pure."""

import re

#: Personal data and credentials: URLs with a login, e-mail addresses, phone numbers.
_LOGIN = re.compile(r"(?<=://)[^\s/@]*@")
_QUERY = re.compile(r"(?<=\w)\?\S+=\S*")
_EMAIL = re.compile(r"[^\s@:/<>'\"(),;]+@[^\s@:/<>'\"(),;]+\.[^\s@:/<>'\"(),;]+")
_PHONE = re.compile(
    r"(?<![\w-])(?:1[0-9]{10}|00[1-9][0-9]{0,3}-[0-9]{4,15}|\+[0-9][0-9 -]{6,})(?!\w)"
)

#: Terminal escape sequences.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def redact(text: str) -> str:
    """Mask logins, e-mail addresses and phone numbers, and remove terminal sequences."""
    text = _CONTROL.sub("", text)
    text = _QUERY.sub("?***", _LOGIN.sub("***@", text))
    return _PHONE.sub("***", _EMAIL.sub(_masked_address, text))


def _masked_address(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("***@") else "***"


def last_lines(text: str, lines: int, characters: int) -> str:
    """Return a text's last non-empty lines, up to so many characters."""
    kept = [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(kept)[-characters:]
