"""From an operation to the signed request that carries it."""

import json

import pytest

from worker.classin.catalogue import read
from worker.classin.field_types import File
from worker.classin.operation import Operation
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId
from worker.classin.operations.courses import EditCourse
from worker.classin.request import prepare
from worker.classin.school import School
from worker.classin.signing import safe_key, signature

NOW = 1721095405
SCHOOL = School("main", "1000082", "Mb7SR6H")
UNIT = CreateUnit(course_id=414193, name="第一单元", publish_flag=Publication.DRAFT, content="")


def test_the_older_generation_travels_as_a_form() -> None:
    """Everything is text, proof and time among the fields."""
    request = prepare(CreateFolder(folder_id=123456, folder_name="课程1"), SCHOOL, NOW)
    assert request.target == "/partner/api/cloud.api.php?action=createFolder"
    assert request.form == {
        "SID": "1000082",
        "safeKey": "7e81a9cae9ed5d520c1577b882d284b2",
        "timeStamp": "1721095405",
        "folderId": "123456",
        "folderName": "课程1",
    }
    assert request.body is None
    assert request.files == {}


def test_a_file_goes_beside_the_form() -> None:
    """It is no field of it."""
    cover = File(name="cover.png", size=3, sha256="0" * 64, at="redis")
    request = prepare(read("edit_course", {"courseId": 1, "filedata": cover}), SCHOOL, NOW)
    assert request.files == {"Filedata": cover}
    assert "Filedata" not in (request.form or {})


def test_the_newer_generation_travels_as_json() -> None:
    """The proof stands in the headers, and is over the very body that is sent."""
    request = prepare(UNIT, SCHOOL, NOW)
    body = json.loads(request.body or b"")
    assert body == {"courseId": 414193, "name": "第一单元", "publishFlag": 0, "content": ""}
    assert request.target == "/lms/unit/create"
    assert request.headers == {
        "Content-Type": "application/json",
        "X-EEO-SIGN": signature(body, "1000082", "Mb7SR6H", NOW),
        "X-EEO-UID": "1000082",
        "X-EEO-TS": "1721095405",
    }
    assert request.form is None


def test_text_is_sent_as_it_is_signed() -> None:
    """Characters of any script travel in UTF-8, not as escapes."""
    assert "第一单元".encode() in (prepare(UNIT, SCHOOL, NOW).body or b"")


def test_an_operation_without_fields_is_proven_all_the_same() -> None:
    """A form with nothing but the proof."""
    assert set(prepare(GetTopFolderId(), SCHOOL, NOW).form or {}) == {"SID", "safeKey", "timeStamp"}


@pytest.mark.parametrize("operation", [UNIT, EditCourse(course_id=1)])
def test_each_moment_has_a_signature_of_its_own(operation: Operation) -> None:
    """A request is signed for the second in which it leaves."""
    first, second = (prepare(operation, SCHOOL, at) for at in (NOW, NOW + 1))
    assert first.target == second.target
    assert (first.form, first.headers) != (second.form, second.headers)


@pytest.mark.parametrize("operation", [UNIT, EditCourse(course_id=1, course_name="secret plan")])
def test_a_repr_gives_nothing_away(operation: Operation) -> None:
    """Neither proof, nor secret, nor what is in the fields."""
    shown = repr(prepare(operation, SCHOOL, NOW)) + repr(SCHOOL)
    proofs = (
        safe_key("Mb7SR6H", NOW), signature(UNIT.wire_fields(), "1000082", "Mb7SR6H", NOW),
        "Mb7SR6H", "secret plan", "第一单元",
    )  # fmt: skip
    assert [proof for proof in proofs if proof in shown] == []
