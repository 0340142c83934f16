"""Canaries: invented values in secret and personal places, looked for wherever they may not be."""

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
