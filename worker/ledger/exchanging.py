"""What an exchange is asked and answers, as JSON: see Ledger.exchange."""

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from worker.errors import ScriptError
from worker.ledger.codec import advanced_of, dumped, note_of, record_of
from worker.ledger.types import Capacity, Claim, ClaimUpdate, Exchanged


def request_of(
    notes: Sequence[ClaimUpdate],
    asked: Mapping[str, str],
    room: Capacity,
    messageless: Collection[str],
    more: Mapping[str, Any],
) -> bytes:
    """Write what an exchange is asked. Raises ScriptError for a note that cannot be written."""
    request = {**more, "asked": list(chain(*asked.items())), "of": room.of}
    if room.of_any is not None:
        request["any"] = room.of_any
    if messageless:
        request["messageless"] = list(messageless)
    if room.suspects is not None:
        request["suspects"] = room.suspects
    try:
        request["notes"] = [note_of(note) for note in notes]
        return dumped(request)
    except (TypeError, ValueError) as error:
        raise ScriptError(f"a note cannot be written: {type(error).__name__}") from error


def exchanged_of(answer: str, asked: Mapping[str, str]) -> Exchanged:
    """Read what it answers. Raises ScriptError for a record that cannot be read."""
    found = json.loads(answer)
    noted = [None if isinstance(each, str) else advanced_of(each) for each in found["noted"]]
    unsound = tuple(at for at, each in enumerate(found["noted"]) if each == "unsound")
    if found["full"]:
        return Exchanged(noted, [], [], full=True, unsound=unsound)
    claims, missing, put_off = [], [], []
    for (record_id, lease), each in zip(asked.items(), found["claims"], strict=True):
        if each == "missing":
            missing.append(record_id)
        elif each == "suspect":
            put_off.append(record_id)
        elif not isinstance(each, str):
            wait, values = each
            record = record_of(record_id, values)
            claims.append(
                Claim(lease, record, int(values["claims"]), int(found["now"]), wait / 1000)
            )
    paced = list(found["claims"]).count("paced")  # none at all is {}, as Lua writes it
    return Exchanged(noted, claims, missing, put_off, paced=paced, unsound=unsound)
