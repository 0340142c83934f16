"""Every exception of ours.

    ClassinError
    ├── ValidationError            what was handed in is wrong; `faults` names all of it
    │   ├── InvalidOperationError  fields that break the catalogue's rules
    │   ├── InvalidInputError      lines of a file, or options, that cannot be read
    │   │   └── SubmitRefusedError   records that the ledger cannot take in as they are
    │   └── InvalidSettingsError   the environment or the schools file
    ├── NotFoundError              no record has this id
    ├── UnavailableError           a server or program that is needed does not answer
    │   └── RedisUnavailableError  the ledger's Redis is away, or takes no writes; `code` says why
    ├── ScriptError                a script of the ledger fails on its input, and always will
    │   └── UnreadableValueError   what lies in Redis is not as it is written here
    ├── OperationFailedError       what `AsyncResult(id).get()` raises for a failed record
    ├── LeaseLostError             another worker has the record now; this one's work is void
    ├── FileChangedError           a record's file is gone, or is another one now
    ├── DecryptionError            an encrypted credential that does not open where it lies
    └── NoReplyError               an attempt that brought no reply to judge
        ├── NotSentError             the request did not leave: nothing can have happened
        └── ReplyLostError           it may have been sent, and even carried out

A refusal by ClassIn is no exception: it is a reply, and is judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.printable import printable

#: The kind of a fault: a name stands for something else already.
CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with what was handed in: where, and what would be right."""

    where: str
    what: str
    #: What kind of fault, where it has one: CONFLICT, or in pydantic's words (`missing` ...).
    kind: str = field(default="", compare=False)

    def __str__(self) -> str:
        return printable(f"{self.where}: {self.what}" if self.where else self.what)


class ClassinError(Exception):
    """The root of all exceptions raised on purpose here."""


class ValidationError(ClassinError):
    """Something handed in is wrong; nothing was done with it."""

    def __init__(self, subject: str, faults: Sequence[FieldError]) -> None:
        super().__init__(subject, tuple(faults))
        self.subject = subject
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join([printable(self.subject), *(f"  {fault}" for fault in self.faults)])


class InvalidOperationError(ValidationError):
    """An operation that the catalogue does not have, or with fields that break its rules."""


class InvalidInputError(ValidationError):
    """A file or an option that cannot be read as it should be."""


class SubmitRefusedError(InvalidInputError):
    """The ledger took in none of a chunk, because of one submission at a position (from 1).

    `instead` has the ids of records that stand for some of it, by the ids that these were to have.
    """

    def __init__(self, position: int, fault: FieldError, instead: Mapping[str, str]) -> None:
        super().__init__("nothing was submitted", [fault])
        self.position = position
        self.instead = dict(instead)


class InvalidSettingsError(ValidationError):
    """The environment, or the file of schools, says something that cannot be."""


class NotFoundError(ClassinError):
    """No record has this id."""


class UnavailableError(ClassinError):
    """A server or program that is needed does not answer; the text says which, and what to do."""


class RedisUnavailableError(UnavailableError):
    """The ledger's Redis does not do what it is asked, but may later."""

    def __init__(self, said: str, code: str = "") -> None:
        super().__init__(said)
        #: The code of its reply; empty where there was none.
        self.code = code


class ScriptError(ClassinError):
    """A script of the ledger fails on what it was given: to try that again is of no use."""


class UnreadableValueError(ScriptError):
    """What lies in Redis is not as it is written here: somebody else has changed it."""


class OperationFailedError(ClassinError):
    """A record did not succeed: its state and reason, ClassIn's code and words."""


class LeaseLostError(ClassinError):
    """The lease on a record has passed to another worker: a late writer changes nothing."""


class FileChangedError(ClassinError):
    """The file that an operation was submitted with is not there any more, or is another now."""


class DecryptionError(ClassinError):
    """A sealed credential does not open: it is another place's, another key ring's, or none."""


class NoReplyError(ClassinError):
    """An attempt that ended without a reply."""


class NotSentError(NoReplyError):
    """The request did not leave this machine, or was not taken: nothing can have happened."""


class ReplyLostError(NoReplyError):
    """The request may have arrived; what came of it is unknown."""
