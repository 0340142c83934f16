"""Ask for operations: `submit` one, or `submit_many` as a batch."""

from producers.submission import Receipt, Submitter, submit, submit_many

__all__ = ["Receipt", "Submitter", "submit", "submit_many"]
