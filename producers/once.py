"""Once: what is submitted for a run gets dedup keys of it, so that a repeat doubles nothing."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from worker.classin.catalogue import read
from worker.classin.fields import is_file, without_mac
from worker.classin.school import School
from worker.ledger.encoding import digest_of
from worker.ledger.record import Submission
from worker.sealing import comparable


def once(
    submissions: Sequence[Submission], run: str, school_named: Callable[[str], School]
) -> list[Submission]:
    """Give each submission without a dedup key one: that of the run, and its place in it.

    Whoever submits the same again for this run gets the first's records; what is something else by
    then, at the same place, is refused.
    """
    return [
        each
        if each.dedup_key is not None
        else replace(
            each, dedup_key=f"{run}:{place}", digest=digest_of_submission(each, school_named)
        )
        for place, each in enumerate(submissions, 1)
    ]


def digest_of_submission(submission: Submission, school_named: Callable[[str], School]) -> str:
    """Sum up what is asked, without what differs each time.

    That is its id, where its files lie, and how its credentials were sealed.
    """
    operation = read(submission.operation, submission.fields)
    fields = comparable(operation, submission.school, school_named)
    asked = {name: _without_place(value) for name, value in fields.items()}
    text = json.dumps(asked, sort_keys=True).replace(submission.id, "")
    return digest_of(submission.operation, {"asked": text})


def _without_place(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if is_file(value):
        return {name: each for name, each in without_mac(value).items() if name != "at"}
    return value
