"""Once: what is submitted for a run gets dedup keys of it, so that a repeat doubles nothing."""

import json
from collections.abc import Sequence
from dataclasses import replace

from worker.classin.catalogue import read
from worker.classin.field_types import is_file, without_place
from worker.encryption import FieldCipher
from worker.ledger.codec import digest_of
from worker.ledger.record import Submission


def once(submissions: Sequence[Submission], run: str, seals: FieldCipher) -> list[Submission]:
    """Return each submission without a dedup key one: that of the run, and its place in it.

    Whoever submits the same again for this run gets the first's records; what is something else by
    then, at the same place, is refused.
    """
    return [
        each
        if each.dedup_key is not None
        else replace(each, dedup_key=f"{run}:{place}", digest=digest_of_submission(each, seals))
        for place, each in enumerate(submissions, 1)
    ]


def digest_of_submission(submission: Submission, seals: FieldCipher) -> str:
    """Sum up what is asked, without what differs each time.

    That is its id, where its files lie, and how its credentials were sealed.
    """
    name, school = submission.operation, submission.school
    operation = read(name, seals.decrypt_fields(name, submission.fields, school, submission.id))
    fields = seals.comparable(operation, school)
    asked = {
        name: without_place(value) if is_file(value) else value for name, value in fields.items()
    }
    text = json.dumps(asked, sort_keys=True).replace(submission.id, "")
    return digest_of(submission.operation, {"asked": text})
