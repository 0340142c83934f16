"""Ask for operations: `submit` one, or `submit_many` as a batch; `file_at` names their files.

`result_of` stands for what an earlier one will bring, in a field of a later one.
"""

from producers.intake.attachments import file_at
from producers.intake.receipt import Receipt, result_of
from producers.intake.submitter import Submitter, submit, submit_many

__all__ = ["Receipt", "Submitter", "file_at", "result_of", "submit", "submit_many"]
