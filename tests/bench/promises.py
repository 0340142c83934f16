"""What the project promises, as rows: goals are ratios, for figures drift and ratios hardly do."""

from tests.bench.looking import QUESTIONS
from tests.bench.rows import Row

_TOGETHER = "settled, of a batch, at 100 ms"
_CELERY = {"Celery": "celery together"}

_WITH_WORKERS = (
    Row(number="1", what=_TOGETHER, unit="a second", ours="ours together", peers=_CELERY, goal=4.0),
    Row(
        number="1",
        what=_TOGETHER,
        unit="a second",
        ours="ours together",
        peers={"dramatiq": "dramatiq together", "taskiq": "taskiq together"},
        goal=1.5,
    ),
    Row(
        number="2",
        what="settled, of a batch, at 0 ms",
        unit="a second",
        ours="ours at once",
        peers={"no queue": "no_queue at once"},
        goal=1.0,
    ),
    Row(
        number="3",
        what="CPU an operation, workers and Redis",
        unit="ms",
        ours="ours cpu",
        peers={"Celery": "celery cpu"},
        more=False,
        goal=0.3,
    ),
    Row(
        number="4",
        what="settled, submitted one by one, at 100 ms",
        unit="a second",
        ours="ours singly",
        peers=_CELERY,
        goal=1.8,
    ),
    *(
        Row(
            number="4",
            what=f"idle: from submit to request, {which}",
            unit="ms",
            ours=f"ours {sample}",
            peers={"Celery": f"celery {sample}"},
            more=False,
            goal=1.2,
        )
        for which, sample in (("median", "wait"), ("99 of 100", "longest wait"))
    ),
)

_SUBMITTING = (
    Row(
        number="5",
        what="submitted, as a batch",
        unit="a second",
        ours="ours entered",
        peers={"Celery": "celery entered singly"},
        goal=10.0,
    ),
    Row(
        number="5",
        what="submitted, one by one",
        unit="a second",
        ours="ours entered singly",
        peers={"Celery": "celery entered singly"},
        goal=0.9,
    ),
)

_SIZE = (
    Row(
        number="6",
        what="Redis memory of a settled operation",
        unit="kB",
        ours="record size",
        more=False,
        goal=1.2,
    ),
    *(
        Row(
            number="7",
            what=f"{access}, with many kept",
            unit="ms",
            ours=f"{access} of many",
            peers={"few kept": f"{access} of few"},
            more=False,
            goal=1.3,
        )
        for access in ("submit", "claim", "settle", "a page of ls")
    ),
    Row(
        number="8",
        what="workers' memory, with many queued",
        unit="MB",
        ours="memory full",
        peers={"idle": "memory idle"},
        more=False,
        goal=1.3,
    ),
)

_COMMANDS = tuple(
    Row(
        number="9",
        what=f"CPU of {command}",
        unit="s",
        ours=command,
        peers={"import celery, redis, pydantic": "imports"},
        more=False,
        goal=goal,
    )
    for command, goal in (("classin --help", 0.4), ("classin ops", 0.8), ("classin enqueue", 1.3))
)

#: The row that holds no promise.
ONLY_TO_KNOW = "10"

_OTHERS = tuple(
    Row(
        number=ONLY_TO_KNOW,
        what=_TOGETHER,
        unit="a second",
        ours="ours together",
        peers={name: sample},
    )
    for name, sample in (
        ("dramatiq", "dramatiq together"),
        ("taskiq", "taskiq together"),
        ("huey", "huey together"),
        ("arq", "arq together"),
        ("rq, 16 processes", "rq together"),
        ("no queue", "no_queue together"),
    )
)

_ANSWERS = tuple(
    Row(
        number="11",
        what=f"{question}, with many kept",
        unit="s",
        ours=f"answer of {question}",
        more=False,
        goal=1.0,
    )
    for question in QUESTIONS
)

_REQUESTS = tuple(
    Row(
        number="12",
        what="CPU of a request, sent and its reply read",
        unit="ms",
        ours="request",
        peers={peer: f"request by {peer}"},
        more=False,
        goal=goal,
    )
    for peer, goal in (("Connection, http.client", 0.9), ("HTTPAdapter", 0.5), ("Session", 0.4))
)

ROWS = (*_WITH_WORKERS, *_SUBMITTING, *_SIZE, *_COMMANDS, *_OTHERS, *_ANSWERS, *_REQUESTS)

NUMBERS = tuple(dict.fromkeys(row.number for row in ROWS))
