"""The hook of submissions."""

from producers import EditCourse, Submitter
from producers.hooks import RecordSubmitted, on_submitted

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")


def test_submissions_are_told_once_they_are_recorded(submitter: Submitter) -> None:
    """A second one with the same dedup key says that an earlier record stands for it."""
    told = list[RecordSubmitted]()
    on_submitted(told.append)
    try:
        first = submitter.submit(COURSE, dedup_key="k", source="sis")
        submitter.submit(COURSE, dedup_key="k")
        batch = submitter.submit_many([COURSE, COURSE])
    finally:
        on_submitted.detach(told.append)
    assert [(each.id, each.new) for each in told[:2]] == [(first.id, True), (first.id, False)]
    assert (told[0].operation, told[0].school, told[0].source) == ("edit_course", "main", "sis")
    assert [each.id for each in told[2:]] == [each.id for each in batch]
    assert {each.batch for each in told[2:]} == {batch[0].record().batch}
