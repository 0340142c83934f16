"""Every Redis key of the ledger: its type and how long it lives.

| key                       | type       | lives                   | holds                         |
|---------------------------|------------|-------------------------|-------------------------------|
| classin:op:ID             | hash       | until it is pruned      | one record                    |
| classin:file:ID           | hash       | until it is settled     | its small files, in pieces    |
| classin:place             | string     | for good                | the last place given out      |
| classin:ix:all            | sorted set | while any is kept       | ids by place                  |
| classin:ix:PROPERTY:VALUE | sorted set | while a record has it   | ids by place                  |
| classin:counts            | hash       | while any is kept       | records by "OPERATION STATE"  |
| classin:batch:ID          | hash       | while any is kept       | a batch's records by state    |
| classin:batch-about:ID    | hash       | as long as its batch    | what was said of a batch      |
| classin:batch-kinds:ID    | set        | while any is kept       | a batch's "SCHOOL OPERATION"s |
| classin:open-batches      | sorted set | while handed in         | batches by when they broke off|
| classin:receivers         | sorted set | until all are told      | origins by when to call next  |
| classin:webhooks:ORIGIN   | sorted set | until it is told        | batches by when to call       |
| classin:codes             | hash       | while any is kept       | records by the code last met  |
| classin:schools           | hash       | while work is left      | unsettled records by school   |
| classin:hour:HOUR         | hash       | 100 days                | what happened in it, counted  |
| classin:dedup:DIGEST      | string     | 400 days longer than it | who has a dedup key           |
| classin:queued:PRIORITY   | sorted set | while work waits        | ids by when a message went    |
| classin:frontier          | hash       | for good                | how far workers came          |
| classin:due               | sorted set | while work is under way | ids by when rescue looks      |
| classin:lane:LANE         | sorted set | while it has work       | unsettled ids by place        |
| classin:lanes             | sorted set | while any has a queue   | lanes by when they last moved |
| classin:stops             | hash       | while a lane stops      | up to which place, and why    |
| classin:quiet             | sorted set | for the late window     | lanes by an unanswered attempt|
| classin:followers:ID      | set        | until they are told     | ids that wait for it          |
| classin:releasing         | list       | while followers wait    | whose followers to tell       |
| classin:school:NAME       | hash       | while it is closed      | why, since when, what next    |
| classin:closed            | set        | while any is closed     | names of schools              |
| classin:barred:NAME       | hash       | an hour                 | what alone is locked out      |
| classin:parked:NAME       | sorted set | while any is parked     | ids without a message         |
| classin:parking           | set        | while any is parked     | names of schools              |
| classin:paces             | hash       | for good                | least ms between two requests |
| classin:pace:WHAT         | hash       | minutes after its use   | when the next may go out      |
| classin:paced:KIND        | sorted set | while any waits         | ids by whose turn comes first |
| classin:turns             | sorted set | while any waits         | kinds by when to look at them |
| classin:workers           | sorted set | a day after the last    | processes by their end        |
| classin:hold:WHAT         | hash       | its time to live        | who alone may do it           |
| classin:clock             | hash       | for good                | Redis's clock, the ledger's   |
| classin:events            | stream     | the last 100,000        | what settled, without fields  |
| classin:audit             | stream     | two years, if pruned    | what persons changed, and why |
| classin:pruned:ID         | string     | as long as a dedup key  | how one ended that is gone    |
| classin:group:ID          | string     | as Celery keeps results | results that belong together  |
| classin:api-keys          | hash       | until revoked           | who may ask over HTTP         |
| classin:api-keys-used     | hash       | until revoked           | when each was used last       |
| classin:api-rate:PREFIX   | string     | a second to an hour     | requests of one of them       |
| classin:source:NAME       | hash       | for good                | the roster as last applied    |
| classin:directory:NAME    | hash       | for good                | what ClassIn calls its own    |
| classin:passwords:NAME    | hash       | until handed out        | sealed passwords by person    |
| classin:syncs             | sorted set | 400 days, the last: ever| syncs by when they began      |
| classin:sync:ID           | hash       | the same                | what a sync did               |
| classin:sync-steps:ID     | list       | while it goes on        | what it is to do, in parts    |
| classin:sync-records:ID   | list       | while it goes on        | ids of what it submitted      |
| classin:jobs              | set        | while there are any     | names of scheduled jobs       |
| classin:job:NAME          | hash       | until taken out         | what it does, its last tick   |
| classin:run:ID            | hash       | the job's last 1000     | what became of a job's tick   |
| classin:runs              | sorted set | the same                | ids of runs by when recorded  |
| classin:runs:NAME         | sorted set | the same                | the same of one job           |
| classin:open-runs         | sorted set | while any is open       | ids of runs that are not over |
| classin:aside             | hash       | until tried once more   | ids on which scripts fail     |
| classin:data-set          | string     | for good                | which data set this is        |
| classin:keyring           | string     | for good                | which key ring goes with it   |
| classin:vanished          | string     | a week                  | when it was seen to be gone   |
| classin:trial             | string     | a moment                | a write that is tried         |
| classin:report:ID         | string     | the last 100            | a report, as JSON             |
| classin:reports           | sorted set | the last 100            | ids of reports by when made   |
| classin                   | list       | while messages wait     | Celery's queue of messages    |
| classin:ill-formed        | list       | the last 1000           | messages set aside            |

The properties with an index are `state`, `operation`, `school`, `code`, `batch` and `reason`. A
place is the time of submission in microseconds, made unique; it orders records and makes the cursor
of a page. An hour is counted from 1970; hours.py reads what stands in it.
All moments are ms since 1970. Messages of other priorities lie in `classin` with a suffix.
"""

from worker.keyring import KeyRing
from worker.ledger.record import Priority, clean

#: Properties by which records can be listed.
INDEXED = ("state", "operation", "school", "code", "batch", "reason")

ALL = "classin:ix:all"
PLACE = "classin:place"
COUNTS = "classin:counts"
CODES = "classin:codes"
CLOSED = "classin:closed"
CLOCK = "classin:clock"
PACES = "classin:paces"
TURNS = "classin:turns"
WORKERS = "classin:workers"
DUE = "classin:due"
EVENTS = "classin:events"
SCHOOLS = "classin:schools"
LANES = "classin:lanes"
STOPS = "classin:stops"
QUIET = "classin:quiet"
AUDIT = "classin:audit"
API_KEYS = "classin:api-keys"
API_KEYS_USED = "classin:api-keys-used"
SYNCS = "classin:syncs"
JOBS = "classin:jobs"
RUNS = "classin:runs"
REPORTS = "classin:reports"
TRIAL = "classin:trial"
ASIDE = "classin:aside"
DATA_SET = "classin:data-set"
KEYRING = "classin:keyring"
VANISHED = "classin:vanished"


def record(record_id: str) -> str:
    """The hash of one record."""
    return f"classin:op:{record_id}"


def file(record_id: str) -> str:
    """The content of a record's files: base 64 by `NAME:NUMBER`."""
    return f"classin:file:{record_id}"


def batch(batch_id: str) -> str:
    """The counts of one batch."""
    return f"classin:batch:{batch_id}"


def batch_about(batch_id: str) -> str:
    """What was said of one batch."""
    return f"classin:batch-about:{batch_id}"


def batch_kinds(batch_id: str) -> str:
    """The kinds of which one batch has records."""
    return f"classin:batch-kinds:{batch_id}"


def dedup(mark: str) -> str:
    """Who has a dedup key, by its mark."""
    return f"classin:dedup:{mark}"


def pruned(record_id: str) -> str:
    """How a record ended that is kept no longer."""
    return f"classin:pruned:{clean(record_id)}"


def dedup_mark(keyring: KeyRing, school: str, key: str, scope: str = "") -> str:
    """A dedup key in a form that tells nobody without the key ring what it says.

    One with a scope is nobody else's, and is the same in all schools.
    """
    said = f"\n{scope}\n{key}" if scope else f"{school}\n{key}"
    return keyring.mark("dedup-key", clean(said))


def lane(name: str) -> str:
    """The unsettled records of a lane, in order."""
    return f"classin:lane:{name}"


def school(name: str) -> str:
    """Why a school is closed."""
    return f"classin:school:{name}"


def hour(number: int) -> str:
    """What happened in one hour."""
    return f"classin:hour:{number}"


def barred(school: str) -> str:
    """The kinds of operation that alone are locked out of a school."""
    return f"classin:barred:{school}"


def paced(kind: str) -> str:
    """Name the sorted set of those of a kind ("SCHOOL OPERATION") that wait for their turn."""
    return f"classin:paced:{kind}"


def pace(what: str) -> str:
    """When the next request of "SCHOOL OPERATION" or "SCHOOL" may go out."""
    return f"classin:pace:{what}"


def parked(school: str) -> str:
    """The records that wait until their school may be spoken to."""
    return f"classin:parked:{school}"


def hold(what: str) -> str:
    """Who has the sole right to something."""
    return f"classin:hold:{what}"


def queued(priority: Priority) -> str:
    """The queued records of one priority, by when each was queued or its message was sent again."""
    return f"classin:queued:{priority}"


def index(name: str, value: str) -> str:
    """The ids of all records that have this value."""
    return f"classin:ix:{name}:{value}"


def api_rate(prefix: str) -> str:
    """How many requests came with an API key that has a rate, in its unit of time."""
    return f"classin:api-rate:{prefix}"


def source(name: str) -> str:
    """What is known of a source: the roster as last applied, and the sync under way."""
    return f"classin:source:{name}"


def directory(name: str) -> str:
    """What ClassIn calls the people and courses of a source."""
    return f"classin:directory:{name}"


def passwords(name: str) -> str:
    """The sealed passwords of a source's people that were not handed out yet."""
    return f"classin:passwords:{name}"


def sync(sync_id: str) -> str:
    """What one sync did."""
    return f"classin:sync:{sync_id}"


def steps(sync_id: str) -> str:
    """What a sync is to do."""
    return f"classin:sync-steps:{sync_id}"


def sync_records(sync_id: str) -> str:
    """The ids of the records of a sync's steps."""
    return f"classin:sync-records:{sync_id}"


def job(name: str) -> str:
    """What a scheduled job does, and its last tick."""
    return f"classin:job:{name}"


def run(its_id: str) -> str:
    """What became of a job's tick."""
    return f"classin:run:{its_id}"


def runs_of(job: str) -> str:
    """The ids of a job's runs."""
    return f"classin:runs:{job}"


def group(its_id: str) -> str:
    """Which results a group of another Celery has."""
    return f"classin:group:{its_id}"


def report(its_id: str) -> str:
    """A report that is kept."""
    return f"classin:report:{its_id}"
