"""The ledger's Lua scripts: a file of scripts/, behind the parts of scripts/lib/ that it needs."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from redis import Redis
from redis.commands.core import Script

_FOLDER = Path(__file__).with_name("scripts")

_RECORDS = ("clock", "ledger")
_SETTLING = (*_RECORDS, "batches", "followers")
_SENDING = (*_SETTLING, "schools", "quiet", "paces")
_JOBS = ("clock", "runs")

#: By the name of each script the parts of the library in front of it, in that order.
SCRIPTS: Mapping[str, Sequence[str]] = {
    "adrift": _RECORDS,
    "aside": _RECORDS,
    "batch": (*_RECORDS, "batches"),
    "beat": _RECORDS,
    "begin": (),
    "cancel": _SETTLING,
    "carry": _JOBS,
    "decide": _SETTLING,
    "due": _SENDING,
    "exchange": _SENDING,
    "following": (),
    "gate": (*_SETTLING, "schools"),
    "hold": ("clock",),
    "needs": (),
    "note": (),
    "plan": _JOBS,
    "prune": _SETTLING,
    "release": _SETTLING,
    "settled": (),
    "sift": (),
    "submit": _SETTLING,
    "take": _JOBS,
    "tick": _JOBS,
    "trial": (),
    "turns": (*_RECORDS, "paces"),
    "unpark": (*_SETTLING, "schools"),
    "webhook": (*_RECORDS, "batches"),
}


@cache
def text_of(name: str) -> str:
    """Return the whole text of a script."""
    files = [*(_FOLDER / "lib" / f"{part}.lua" for part in SCRIPTS[name]), _FOLDER / f"{name}.lua"]
    return "".join(file.read_text(encoding="utf-8") for file in files)


def load_script(redis: Redis, name: str) -> Script:
    """Return a script that runs on a server, which is told its text once."""
    return redis.register_script(text_of(name))
