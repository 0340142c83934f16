"""Every Redis key of the ledger: its type and how long it lives.

| key                       | type       | lives                   | holds                         |
|---------------------------|------------|-------------------------|-------------------------------|
| classin:op:ID             | hash       | for good                | one record                    |
| classin:file:ID           | hash       | until it is settled     | its small files, in pieces    |
| classin:place             | string     | for good                | the last place given out      |
| classin:ix:all            | sorted set | for good                | ids by place                  |
| classin:ix:PROPERTY:VALUE | sorted set | while a record has it   | ids by place                  |
| classin:counts            | hash       | for good                | records by "OPERATION STATE"  |
| classin:batch:ID          | hash       | for good                | a batch's records by state    |
| classin:codes             | hash       | for good                | records by the code last met  |
| classin:dedup:DIGEST      | string     | for good                | who has a dedup key           |
| classin:queued            | sorted set | while work waits        | ids by when a message went    |
| classin:frontier          | hash       | for good                | how far workers came          |
| classin:due               | sorted set | while work is under way | ids by when rescue looks      |
| classin:lane:LANE         | sorted set | while it has work       | unsettled ids by place        |
| classin:stops             | hash       | while a lane stops      | up to which place, and why    |
| classin:followers:ID      | set        | until they are told     | ids that wait for it          |
| classin:releasing         | list       | while followers wait    | whose followers to tell       |
| classin:school:NAME       | hash       | while it is closed      | why, since when, what next    |
| classin:closed            | set        | while any is closed     | names of schools              |
| classin:barred:NAME       | hash       | an hour                 | what alone is locked out      |
| classin:parked:NAME       | sorted set | while any is parked     | ids without a message         |
| classin:parking           | set        | while any is parked     | names of schools              |
| classin:paces             | hash       | for good                | least ms between two requests |
| classin:pace:WHAT         | hash       | minutes after its use   | when the next may go out      |
| classin:workers           | sorted set | a day after the last    | processes by their end        |
| classin:hold:WHAT         | string     | its time to live        | who alone may do it           |
| classin                   | list       | while messages wait     | Celery's queue of messages    |
| classin:ill-formed        | list       | until somebody looks    | messages set aside            |

The properties with an index are `state`, `operation`, `school`, `code` and `batch`. A place is the
time of submission in microseconds, made unique; it orders records and makes the cursor of a page.
All moments are ms since 1970. Messages of other priorities lie in `classin` with a suffix.
"""

import hashlib

from worker.ledger.record import clean

#: Properties by which records can be listed.
INDEXED = ("state", "operation", "school", "code", "batch")

ALL = "classin:ix:all"
COUNTS = "classin:counts"
CODES = "classin:codes"
CLOSED = "classin:closed"
PACES = "classin:paces"
WORKERS = "classin:workers"


def record(record_id: str) -> str:
    """The hash of one record."""
    return f"classin:op:{record_id}"


def file(record_id: str) -> str:
    """The content of a record's files: base 64 by `NAME:NUMBER`."""
    return f"classin:file:{record_id}"


def batch(batch_id: str) -> str:
    """The counts of one batch."""
    return f"classin:batch:{batch_id}"


def dedup(school: str, key: str) -> str:
    """Who has a school's dedup key."""
    return f"classin:dedup:{dedup_digest(school, key)}"


def dedup_digest(school: str, key: str) -> str:
    """A dedup key in a form that tells nobody what it says."""
    return hashlib.sha256(clean(f"{school}\n{key}").encode()).hexdigest()[:32]


def lane(name: str) -> str:
    """The unsettled records of a lane, in order."""
    return f"classin:lane:{name}"


def school(name: str) -> str:
    """Why a school is closed."""
    return f"classin:school:{name}"


def parked(school: str) -> str:
    """The records that wait until their school may be spoken to."""
    return f"classin:parked:{school}"


def hold(what: str) -> str:
    """Who has the sole right to something."""
    return f"classin:hold:{what}"


def index(name: str, value: str) -> str:
    """The ids of all records that have this value."""
    return f"classin:ix:{name}:{value}"
