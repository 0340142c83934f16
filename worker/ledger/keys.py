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
| classin:due               | sorted set | while work is under way | ids by when rescue looks, ms  |
| classin:hold:WHAT         | string     | its time to live        | who may do what one alone may |
| classin                   | list       | while messages wait     | Celery's queue: messages      |
| classin:ill-formed        | list       | until somebody looks    | messages that were set aside  |

The properties with an index are `state`, `operation`, `school`, `code` and `batch`. A place is the
time of submission in microseconds, made unique; it orders records and makes the cursor of a page.
"""

#: Properties by which records can be listed.
INDEXED = ("state", "operation", "school", "code", "batch")

ALL = "classin:ix:all"
COUNTS = "classin:counts"
CODES = "classin:codes"


def record(record_id: str) -> str:
    """The hash of one record."""
    return f"classin:op:{record_id}"


def file(record_id: str) -> str:
    """The content of a record's files: base 64 by `NAME:NUMBER`."""
    return f"classin:file:{record_id}"


def batch(batch_id: str) -> str:
    """The counts of one batch."""
    return f"classin:batch:{batch_id}"


def hold(what: str) -> str:
    """Who has the sole right to something."""
    return f"classin:hold:{what}"


def index(name: str, value: str) -> str:
    """The ids of all records that have this value."""
    return f"classin:ix:{name}:{value}"
