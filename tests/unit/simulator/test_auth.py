"""Who may ask, when, and what."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.http.auth import Received, admit
from worker.classin.catalogue import find, read
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Operation
from worker.classin.request import prepare
from worker.classin.school import School
from worker.classin.signing import Counting, safe_key, signature

NOW = 1_800_000_000
SCHOOL = School("main", "1000082", "Mb7SR6H")
FOLDER = {"folderId": 7, "folderName": "tools"}
UNIT = {"courseId": 7, "name": "Unit A", "publishFlag": 0}


def v1(name: str, fields: Mapping[str, Any], at: int = NOW) -> Received:
    """A request of the first generation, properly signed, whatever its fields."""
    proof = safe_key(SCHOOL.secret, at)
    return Received(ApiVersion.V1, find(name), SCHOOL.sid, proof, str(at), fields)


def v2(name: str, fields: Mapping[str, Any], at: int = NOW) -> Received:
    """A request of the second generation, properly signed, whatever its fields."""
    proof = signature(fields, SCHOOL.sid, SCHOOL.secret, at)
    return Received(ApiVersion.V2, find(name), SCHOOL.sid, proof, str(at), fields)


def code(received: Received) -> int:
    """The code of the refusal, or 1."""
    admitted = admit(received, {SCHOOL.sid: SCHOOL.secret}, NOW)
    return admitted.code if isinstance(admitted, Answer) else 1


@pytest.mark.parametrize(
    "operation",
    [
        read("create_folder", FOLDER),
        read("edit_course", {"courseId": 7, "subjectId": 2, "allowAddFriend": 0, "expiryTime": 0}),
        read("edit_course", {"courseId": 7, "stamp": 1, "catId": 3, "courseName": "é"}),
        read("get_top_folder_id", {}),
    ],
)
def test_what_the_wire_sends_is_understood(operation: Operation) -> None:
    """A form of texts becomes the operation that was encoded into it."""
    form = prepare(operation, SCHOOL, NOW).form or {}
    received = v1(operation.spec.name, form)
    assert admit(received, {SCHOOL.sid: SCHOOL.secret}, NOW) == operation


@pytest.mark.parametrize(("off", "refusal"), [(1200, 1), (-1200, 1), (1201, 102), (-1201, 102)])
def test_the_older_window_is_twenty_minutes(off: int, refusal: int) -> None:
    """Either way; outside of it a request is not permitted."""
    assert code(v1("create_folder", FOLDER, NOW + off)) == refusal


@pytest.mark.parametrize(
    ("off", "refusal"), [(300, 1), (-300, 1), (301, 101002006), (-301, 101002006)]
)
def test_the_newer_window_is_five_minutes(off: int, refusal: int) -> None:
    """Either way; outside of it the time is out of date."""
    assert code(v2("create_unit", UNIT, NOW + off)) == refusal


@pytest.mark.parametrize(
    "change",
    [
        {"sid": None},
        {"sid": "1"},
        {"proof": None},
        {"proof": "é"},
        {"proof": "0" * 32},
        {"timestamp": None},
        {"timestamp": "soon"},
        {"timestamp": f"{NOW}.5"},
    ],
)
def test_an_unproven_form_is_not_permitted(change: dict[str, Any]) -> None:
    """Whatever is missing or wrong, the code is 102."""
    assert code(replace(v1("create_folder", FOLDER), **change)) == 102


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"sid": None}, 101002005),
        ({"sid": "1"}, 101002005),
        ({"proof": None}, 101002005),
        ({"proof": "0" * 32}, 101002005),
        ({"fields": UNIT | {"name": "Unit B"}}, 101002005),
        ({"timestamp": None}, 101002008),
        ({"timestamp": "soon"}, 101002006),
        ({"fields": UNIT | {"publishFlag": False}}, 101001001),  # cannot be signed
        ({"fields": UNIT | {"name": "\ud800"}}, 101001001),
        ({"legible": False}, 101001001),
    ],
)
def test_an_unproven_body_is_refused_by_what_is_wrong(change: dict[str, Any], refusal: int) -> None:
    """The newer generation tells time and signature apart."""
    assert code(replace(v2("create_unit", UNIT), **change)) == refusal


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"folderId": "7"},
        {"folder_id": "7", "folder_name": "tools"},  # our spelling is not ClassIn's
        {"folderid": "7", "foldername": "tools"},
        {"folderId": "seven", "folderName": "tools"},
        {"folderId": "7", "folderName": "x" * 129},
    ],
)
def test_a_form_with_wrong_fields_is_refused(fields: dict[str, Any]) -> None:
    """Missing, ill-typed and over-long fields are all 100."""
    assert code(v1("create_folder", fields)) == 100


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ("[]", 155),
        ("", 155),
        ("classId=7", 155),
        ('[{"classId": 7}]', 1),
        ('[{"classId": "seven"}]', 100),
        (None, 100),
    ],
)
def test_a_list_must_come_as_json_and_hold_something(given: str | None, refusal: int) -> None:
    """Where the page lists a code of its own for that; a list left out is a field missing."""
    fields = {"courseId": "7"} | ({} if given is None else {"classJson": given})
    assert code(v1("set_class_video_multiple", fields)) == refusal


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"name": "x" * 51}, 121601020),
        ({"publishFlag": 1}, 101001001),
        ({"courseId": "seven"}, 101001001),
        ({"name": None}, 21601030),
    ],
)
def test_a_body_with_wrong_fields_is_refused_by_kind(change: dict[str, Any], refusal: int) -> None:
    """Missing, over-long and other faults have codes of their own."""
    fields = {name: value for name, value in (UNIT | change).items() if value is not None}
    assert code(v2("create_unit", fields)) == refusal


def test_a_refusal_names_the_fields_but_not_what_they_held() -> None:
    """A message may end in a log, where no personal data belong."""
    received = v1("create_folder", {"folderId": "Ada Lovelace", "folderName": ""})
    refusal = admit(received, {SCHOOL.sid: SCHOOL.secret}, NOW)
    assert isinstance(refusal, Answer)
    assert refusal.text.endswith(": folderId, folderName")


def test_unknown_parameters_are_ignored() -> None:
    """ClassIn does not mind them."""
    assert code(v1("create_folder", FOLDER | {"colour": "red"})) == 1
    assert code(v2("create_unit", UNIT | {"colour": "red"})) == 1


def test_an_unknown_action_and_an_illegible_form_are_refused() -> None:
    """Both are 100, the first only for those who may ask at all."""
    assert code(replace(v1("create_folder", {}), kind=None)) == 100
    assert code(replace(v1("create_folder", {}), kind=None, sid="1")) == 102
    assert code(replace(v1("create_folder", FOLDER), legible=False)) == 100


def test_a_picture_must_come_as_a_file() -> None:
    """Neither text nor JSON in its place will do."""
    file = {"name": "cover.png", "size": 3, "sha256": "0" * 64, "at": "redis"}
    for instead in ("cover.png", json.dumps(file)):
        assert code(v1("edit_course", {"courseId": "7", "Filedata": instead})) == 100


def test_nothing_of_the_proof_shows_in_a_repr() -> None:
    """What is printed by accident gives nothing away."""
    received = v1("create_folder", {"safeKey": safe_key(SCHOOL.secret, NOW)})
    assert safe_key(SCHOOL.secret, NOW) not in repr(received)


@pytest.mark.parametrize("signed", Counting)
@pytest.mark.parametrize("counting", Counting)
def test_a_long_text_is_counted_as_the_simulator_is_told(
    signed: Counting, counting: Counting
) -> None:
    """Where the sources disagree, it can be either."""
    unit = read("create_unit", {**UNIT, "content": "x" * 1024})
    request = prepare(unit, SCHOOL, NOW, signed)
    body = json.loads(request.body or b"{}")
    proof = request.headers["X-EEO-SIGN"]
    received = Received(ApiVersion.V2, type(unit), SCHOOL.sid, proof, str(NOW), body)

    admitted = admit(received, {SCHOOL.sid: SCHOOL.secret}, NOW, counting)

    alike = (signed is Counting.FEWER_BYTES) is (counting is Counting.FEWER_BYTES)
    assert admitted == (unit if alike else Answer(101002005))
