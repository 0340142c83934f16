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

#: A kind of fault: the name is taken by something else.
CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class FieldError:
    """A fault in the input: where it is, and what would be right."""

    where: str
    #: What would be right, or what is wrong.
    what: str
    #: The kind of fault, if it has one: CONFLICT, or pydantic's type (`missing` ...).
    kind: str = field(default="", compare=False)
    #: What is there instead (`got 'x'`); empty where that may not be told.
    got: str = ""

    @property
    def text(self) -> str:
        """What is wrong, without where."""
        return f"{self.what}; {self.got}" if self.got else self.what

    def __str__(self) -> str:
        return printable(f"{self.where}: {self.text}" if self.where else self.text)


class ClassinError(Exception):
    """Base class of all exceptions of this project."""


class ValidationError(ClassinError):
    """Invalid input; nothing was done with it. `faults` names all that is wrong."""

    def __init__(self, subject: str, faults: Sequence[FieldError]) -> None:
        super().__init__(subject, tuple(faults))
        self.subject = subject
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join([printable(self.subject), *(f"  {fault}" for fault in self.faults)])


class InvalidOperationError(ValidationError):
    """An unknown operation, or fields that break the catalogue's rules."""


class InvalidInputError(ValidationError):
    """A file or an option that cannot be used."""


class SubmitRefusedError(InvalidInputError):
    """The ledger recorded nothing of a chunk, because of the submission at a position (from 1).

    `instead` maps intended ids to those of existing records that stand for them.
    """

    def __init__(self, position: int, fault: FieldError, instead: Mapping[str, str]) -> None:
        super().__init__("nothing was submitted", [fault])
        self.position = position
        self.instead = dict(instead)


class InvalidSettingsError(ValidationError):
    """The environment, or the schools file, is invalid."""


class NotFoundError(ClassinError):
    """No record has this id."""


class UnavailableError(ClassinError):
    """A server or program does not answer; the text says which, and what to do."""


class RedisUnavailableError(UnavailableError):
    """The ledger's Redis cannot serve now, but may later."""

    def __init__(self, said: str, code: str = "") -> None:
        super().__init__(said)
        #: The code of Redis's error reply; empty if there was none.
        self.code = code


class ScriptError(ClassinError):
    """A ledger script fails on its input: a repeat would fail again."""


class UnreadableValueError(ScriptError):
    """A value in Redis is not as this project writes it: somebody else has changed it."""


class OperationFailedError(ClassinError):
    """A record did not succeed: its state and reason, ClassIn's code and message."""


class LeaseLostError(ClassinError):
    """The lease on a record has passed to another worker: a late writer changes nothing."""


class FileChangedError(ClassinError):
    """The file of an operation is gone, or has changed since it was submitted."""


class DecryptionError(ClassinError):
    """An encrypted credential does not decrypt: another place's, another key ring's, or invalid."""


class NoReplyError(ClassinError):
    """An attempt that ended without a reply."""


class NotSentError(NoReplyError):
    """The request did not leave this machine, or was not accepted: nothing can have happened."""


class ReplyLostError(NoReplyError):
    """The request may have arrived; its outcome is unknown."""
