"""Ask for operations: `submit` one, or `submit_many` as a batch; `file_at` names their files."""

from producers.attachments import file_at
from producers.submission import Receipt, Submitter, submit, submit_many

__all__ = ["Receipt", "Submitter", "file_at", "submit", "submit_many"]
