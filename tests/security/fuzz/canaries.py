"""Canaries: invented values in secret and personal places, looked for wherever they may not be."""

import re
from collections.abc import Iterable

PASSWORD = "Kq7-pelikan-Zz"
SCHOOL_SECRET = "SeCrEtReiher4Xw"
PHONE = "19900017263"
EMAIL = "eisvogel.probe@example.invalid"
CHILD = "Stieglitz Probekind"

#: What lies open nowhere, not even in a record.
SECRETS = (PASSWORD, SCHOOL_SECRET)

#: What lies in the fields of a record, and nowhere else.
PERSONAL = (PHONE, EMAIL, CHILD)

#: How requests are signed, in both dialects: 32 hex digits by themselves.
_SIGNATURE = re.compile("(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")

ALL = (*SECRETS, *PERSONAL)


class LeakedError(AssertionError):
    """A canary stands where it may not be."""


def must_not_sing(where: str, texts: Iterable[str], canaries: Iterable[str] = ALL) -> None:
    """Search texts for canaries. Raises LeakedError."""
    wanted = tuple(canaries)
    for text in texts:
        for canary in wanted:
            if canary in text:
                at = text.index(canary)
                raise LeakedError(f"{where}: ...{text[max(0, at - 80) : at + 60]!r}...")


def must_show_no_signature(log: str) -> None:
    """Search a log for what signs requests to ClassIn. Raises LeakedError."""
    if found := _SIGNATURE.search(log):
        raise LeakedError(f"the log: ...{log[max(0, found.start() - 80) : found.end() + 60]!r}...")
