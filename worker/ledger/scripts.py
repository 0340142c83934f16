"""The ledger's Lua scripts: a file of scripts/, behind the parts of scripts/lib/ that it needs.

What Python and the scripts both know stands in Python alone. A script names it as `STATE.queued`,
`KEY.counts` or `LIMIT.barred_for`; here the value takes the place of that name, as Lua writes it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

from redis import Redis
from redis.commands.core import Script

from worker.errors import ScriptError
from worker.ledger import hourly_stats, limits
from worker.ledger.keys import INDEXED, PREFIX, Keys, all_keys
from worker.ledger.record import Priority
from worker.ledger.redis_client import keys_of
from worker.ledger.schedule_models import SIGNED, IfRunning, RunState
from worker.ledger.states import Closure, DependencyKind, Reason, State, WebhookState
from worker.ledger.types import SchoolSignal

_FOLDER = Path(__file__).with_name("scripts")

_RECORDS = ("clock", "lists", "ledger")
_SETTLING = (*_RECORDS, "batches", "followers")
_SENDING = (*_SETTLING, "schools", "quiet", "paces")
_JOBS = ("clock", "runs")

#: By the name of each script the parts of the library in front of it, in that order.
SCRIPTS: Mapping[str, Sequence[str]] = {
    "acquire_lock": ("clock",),
    "aside": _RECORDS,
    "batch": (*_RECORDS, "batches"),
    "cancel": _SETTLING,
    "claim_tick": _JOBS,
    "dependencies": ("lists",),
    "following": (),
    "mark_sending": (),
    "note": (),
    "prune": _SETTLING,
    "release": _SETTLING,
    "renew_leases": _RECORDS,
    "report_and_claim": _SENDING,
    "requeue_due": _SENDING,
    "requeue_lost": _RECORDS,
    "resolve": _SETTLING,
    "scan_index": (),
    "schedule_change": _JOBS,
    "school_gate": (*_SETTLING, "schools"),
    "settled": (),
    "submit": _SETTLING,
    "take_run": _JOBS,
    "trial": (),
    "turns": (*_RECORDS, "paces"),
    "unpark": (*_SETTLING, "schools"),
    "update_run": _JOBS,
    "webhook": (*_RECORDS, "batches"),
}

_ENUMS: Mapping[str, type[StrEnum]] = {
    "CLOSURE": Closure,
    "DEPENDENCY": DependencyKind,
    "IF_RUNNING": IfRunning,
    "PRIORITY": Priority,
    "REASON": Reason,
    "RUN": RunState,
    "SIGNAL": SchoolSignal,
    "STATE": State,
    "WEBHOOK": WebhookState,
}

#: A name that stands for a value.
_NAME = re.compile(r"\b(KEY|LIMIT|LIST|SET|" + "|".join(_ENUMS) + r")\.([a-z_]+)\b")


@cache
def text_of(name: str, prefix: str = PREFIX) -> str:
    """Return the whole text of a script, for keys with a prefix."""
    files = [*(_FOLDER / "lib" / f"{part}.lua" for part in SCRIPTS[name]), _FOLDER / f"{name}.lua"]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    values = _values(prefix)

    def value_of(found: re.Match[str]) -> str:
        if found[0] not in values:
            raise ScriptError(f"the script `{name}` names {found[0]}, which is unknown")
        return values[found[0]]

    return _NAME.sub(value_of, text)


def load_script(redis: Redis, name: str, keys: Keys | None = None) -> Script:
    """Return a script for the keys of a client's system; its server is told the text once."""
    return redis.register_script(text_of(name, (keys or keys_of(redis)).prefix))


@cache
def _values(prefix: str) -> Mapping[str, str]:
    """Return what each name stands for, as Lua writes it."""
    values = {f"KEY.{name}": _quoted(key.in_script(prefix)) for name, key in all_keys()}
    for namespace, enum in _ENUMS.items():
        values |= {f"{namespace}.{each.name.lower()}": _quoted(each) for each in enum}
    for module in (limits, hourly_stats):
        values |= {
            f"LIMIT.{name.lower()}": str(value)
            for name, value in vars(module).items()
            if name.isupper()
        }
    settled = [state for state in State if state.settled]
    return values | {
        "SET.settled": _set_of(settled),
        "SET.went_well": _set_of([State.SUCCEEDED, State.PARTIAL]),
        "LIST.unsettled": _list_of(state for state in State if not state.settled),
        "LIST.priorities": _list_of(Priority),
        "LIST.indexed": _list_of(INDEXED),
        "LIST.of_job": _list_of((*SIGNED, "mac")),
    }


def _quoted(text: str) -> str:
    return f"'{text}'"


def _list_of(texts: Iterable[str]) -> str:
    return f"{{ {', '.join(map(_quoted, texts))} }}"


def _set_of(texts: Iterable[str]) -> str:
    return f"{{ {', '.join(f'{text} = true' for text in texts)} }}"
