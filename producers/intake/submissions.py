"""Build what is recorded of a checked operation."""

from producers.intake.checked import Origin
from producers.intake.dedup import digest_of_asked
from producers.intake.lanes import LaneOf, own_lane
from producers.intake.request import SubmitRequest
from worker.classin.operation import Operation
from worker.encryption import FieldCipher
from worker.ledger.record import Priority, Submission, new_id


def submission_of(  # all that goes into it
    seals: FieldCipher,
    lane_of: LaneOf,
    line: SubmitRequest,
    school: str,
    operation: Operation,
    origin: Origin,
) -> Submission:
    """Put a checked operation into the ledger's words; whom it names is looked up later."""
    own_id = new_id()
    accepts = operation.spec.accepts_existing
    if line.if_exists is not None:
        accepts = line.if_exists == "accept"
    names = [*line.after, *sorted(operation.references())]
    return Submission(
        id=own_id,
        operation=operation.spec.name,
        school=school,
        # With the identity by which ClassIn knows a repeat, so that a retry has the same.
        fields=seals.encrypt_fields(operation.identified(own_id), school, own_id),
        lane=own_lane(school, line.lane) if line.lane else lane_of(school, operation),
        batch=origin.batch,
        source=origin.source,
        row=origin.row,
        accepts_existing=accepts,
        after=tuple(dict.fromkeys(names)) if names else (),
        stops_lane=line.lane_on_failure == "stop",
        priority=line.priority or Priority.NORMAL,
        dedup_key=line.dedup_key,
        digest=digest_of_asked(operation, school, seals) if line.dedup_key else "",
    )
