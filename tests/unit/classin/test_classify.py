"""From a reply, or the lack of one, to a verdict."""

import pytest

from tests.tables import for_each
from tests.unit.stage import said
from worker.classin.classify import classify_reply, judge_accident
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.classrooms import CreateClassroom
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId, RenameFolder
from worker.classin.operations.courses import EditCourse
from worker.classin.verdicts import Verdict
from worker.errors import NoReplyError, NotSentError, ReplyLostError

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
FOLDER = CreateFolder(folder_id=747759, folder_name="tools")
UNIT = CreateUnit(course_id=414193, name="Create Unit", publish_flag=Publication.PUBLISHED)


@pytest.mark.parametrize(
    ("operation", "code", "verdict"),
    [
        (COURSE, 1, Verdict.DONE),
        (COURSE, 144, Verdict.REFUSED),
        (COURSE, 104, Verdict.RETRY),
        (COURSE, 114, Verdict.RETRY),
        (COURSE, 102, Verdict.LOCKED_OUT),
        (COURSE, 901, Verdict.DEFER),
        (COURSE, 460, Verdict.THROTTLED),
        (COURSE, 29213, Verdict.DONE),  # the code's own meaning, whose page it stands on or not
        (COURSE, 206, Verdict.REFUSED),
        (COURSE, 987654, Verdict.REFUSED),
        (COURSE, None, Verdict.RETRY),
        (UNIT, 29213, Verdict.DONE),
        (UNIT, 101002005, Verdict.LOCKED_OUT),
        (UNIT, 101002006, Verdict.CLOCK_SKEW),
        (UNIT, 101003002, Verdict.THROTTLED),
        (GetTopFolderId(), 106, Verdict.REFUSED),
        (GetTopFolderId(), None, Verdict.RETRY),
    ],
)
def test_a_code_is_judged(operation: Operation, code: int | None, verdict: Verdict) -> None:
    """The operation's own lists come first, then the code's meaning."""
    assert classify_reply(operation, said(code), expected=False) is verdict


@pytest.mark.parametrize(("operation", "code"), [(FOLDER, 206), (UNIT, 29208)])
def test_so_already_is_success_only_where_it_is_no_surprise(
    operation: Operation, code: int
) -> None:
    """A name that somebody else took before us is a refusal."""
    assert classify_reply(operation, said(code), expected=False) is Verdict.REFUSED
    assert classify_reply(operation, said(code), expected=True) is Verdict.ALREADY


def test_a_refusal_that_may_be_a_repeats_answer_is_left_to_a_person() -> None:
    """Of a classroom no page tells how its identity is answered when it is known already."""
    lesson = CreateClassroom(
        course_id=414193, name="Lesson 1", teacher_uid=1001001, start_time=1, end_time=2
    )
    assert classify_reply(lesson, said(121601020), expected=False) is Verdict.REFUSED
    assert classify_reply(lesson, said(121601020), expected=True) is Verdict.AMBIGUOUS
    assert classify_reply(lesson, said(104), expected=True) is Verdict.RETRY


@for_each("code", [code for code in Code if code is not Code.FOLDER_NAME_TAKEN])
def test_expecting_changes_nothing_else(code: Code) -> None:
    """Only "it is so already" is judged by what came before."""
    expected, surprised = (
        classify_reply(FOLDER, said(code), expected=flag) for flag in (True, False)
    )
    assert expected is surprised


@pytest.mark.parametrize("data", [747759, "747759"])
def test_a_folder_that_has_its_name_already_is_renamed(data: object) -> None:
    """The id that comes with 206 is the folder's own, as a number or a text."""
    rename = RenameFolder(folder_id=747759, folder_name="hello")
    assert classify_reply(rename, said(206, data=data), expected=False) is Verdict.DONE


@pytest.mark.parametrize("data", [747760, None, {"id": 747759}])
def test_a_name_that_another_folder_has_is_taken(data: object) -> None:
    """A 206 for another folder is a refusal, expected or not."""
    rename = RenameFolder(folder_id=747759, folder_name="hello")
    assert classify_reply(rename, said(206, data=data), expected=True) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("http", "verdict"),
    [
        (500, Verdict.RETRY),
        (502, Verdict.RETRY),
        (503, Verdict.RETRY),
        (599, Verdict.RETRY),
        (408, Verdict.RETRY),
        (425, Verdict.RETRY),
        (429, Verdict.THROTTLED),
        (200, Verdict.DONE),
        (400, Verdict.DONE),
    ],
)
def test_some_http_statuses_outweigh_the_code(http: int, verdict: Verdict) -> None:
    """A server in trouble may say anything in its body."""
    assert classify_reply(COURSE, said(1, http=http), expected=False) is verdict


@pytest.mark.parametrize("http", [200, 302, 403, 404, 500])
def test_an_answer_without_a_code_passes(http: int) -> None:
    """Whatever stands between us and ClassIn may go away."""
    assert classify_reply(COURSE, said(None, http=http), expected=False) is Verdict.RETRY


@pytest.mark.parametrize(
    ("code", "http", "verdict"),
    [
        (1, 200, Verdict.DONE),
        (103, 200, Verdict.PARTIAL),
        (104, 200, Verdict.AMBIGUOUS),
        (None, 200, Verdict.AMBIGUOUS),
        (1, 500, Verdict.AMBIGUOUS),
        (1, 429, Verdict.THROTTLED),
        (901, 200, Verdict.DEFER),
    ],
)
def test_what_would_be_done_twice_is_never_simply_repeated(
    ring_bell: type[Operation], code: int | None, http: int, verdict: Verdict
) -> None:
    """Where it may have been done a person decides; a part that is missing is told."""
    assert classify_reply(ring_bell(), said(code, http=http), expected=False) is verdict


@pytest.mark.parametrize(
    ("accident", "safe", "harmful"),
    [
        (NotSentError("refused"), Verdict.RETRY, Verdict.RETRY),
        (ReplyLostError("no reply in time"), Verdict.RETRY, Verdict.AMBIGUOUS),
    ],
)
def test_an_accident_is_repeated_unless_that_could_do_it_twice(
    ring_bell: type[Operation], accident: NoReplyError, safe: Verdict, harmful: Verdict
) -> None:
    """What never left can always be sent again."""
    assert judge_accident(COURSE, accident) is safe
    assert judge_accident(ring_bell(), accident) is harmful
