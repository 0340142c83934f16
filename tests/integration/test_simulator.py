"""The simulator as a server: every operation, every path of its own, every misbehaviour."""

import hashlib
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from ops.simulator import (
    DEFAULT_SCHOOL,
    Counts,
    FaultRule,
    SimulatorClient,
    When,
    create_app,
    in_thread,
)
from worker.classin.catalogue import read
from worker.classin.field_types import File
from worker.classin.operation import Operation
from worker.classin.request import prepare
from worker.classin.response import Reply, read_reply
from worker.classin.school import School
from worker.classin.signing import safe_key
from worker.errors import InvalidInputError, UnavailableError

#: Where the simulator's clock stands still.
NOW = 1_800_000_000

TOOLS = read("create_folder", {"folderId": 747759, "folderName": "tools"})
UNIT = read("create_unit", {"courseId": 414193, "name": "Create Unit", "publishFlag": 2})


class Caller:
    """Sends operations as a worker would, over one connection that is kept alive."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False

    def post(
        self,
        operation: Operation,
        school: School = DEFAULT_SCHOOL,
        at: int = NOW,
        content: bytes = b"",
    ) -> requests.Response:
        """Sign and send, with this content for files; whatever comes back."""
        request = prepare(operation, school, at)
        return self.session.post(
            self.base_url + request.target,
            headers=request.headers,
            data=request.form if request.body is None else request.body,
            files={name: (file.name, content) for name, file in request.files.items()} or None,
            timeout=5,
        )

    def ask(
        self,
        operation: Operation,
        school: School = DEFAULT_SCHOOL,
        at: int = NOW,
        content: bytes = b"",
    ) -> Reply:
        """Sign and send; the reply as a worker reads it."""
        said = self.post(operation, school, at, content)
        return read_reply(
            operation.spec.endpoint.version, said.status_code, said.headers, said.content
        )


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A simulator whose clock stands still, in a thread."""
    with in_thread(create_app(clock=lambda: NOW)) as url:
        yield url


@pytest.fixture
def simulator(base_url: str) -> SimulatorClient:
    """That simulator, as new."""
    client = SimulatorClient(base_url)
    client.wait_until_ready()
    client.reset()
    return client


@pytest.fixture
def caller(simulator: SimulatorClient) -> Iterator[Caller]:
    """Someone who sends it operations."""
    caller = Caller(simulator.base_url)
    with caller.session:
        yield caller


def held(simulator: SimulatorClient, kind: str, school: School = DEFAULT_SCHOOL) -> list[Any]:
    """What a school holds of one kind."""
    things: list[Any] = simulator.state()["schools"][school.sid][kind]
    return things


def folders_named(simulator: SimulatorClient, name: str) -> int:
    """Count the folders of a name."""
    return sum(folder["folderName"] == name for folder in held(simulator, "folders"))


# Operations


def test_the_top_folder_is_found(caller: Caller) -> None:
    """Its id comes as text."""
    reply = caller.ask(read("get_top_folder_id", {}))
    assert (reply.http, reply.code, reply.result) == (200, 1, {"data": "100000"})


def test_a_folder_is_made_and_renamed(caller: Caller, simulator: SimulatorClient) -> None:
    """What the answers say is what the state shows."""
    made = caller.ask(TOOLS)
    assert (made.code, made.result) == (1, {"data": "800001"})
    renamed = caller.ask(read("rename_folder", {"folderId": 800001, "folderName": "课程1"}))
    assert (renamed.code, renamed.result) == (1, None)
    assert held(simulator, "folders")[-1] == {
        "folderId": 800001,
        "folderName": "课程1",
        "parentId": 747759,
    }


def test_a_unit_is_made(caller: Caller, simulator: SimulatorClient) -> None:
    """The newer generation is answered in its own shape, in UTF-8."""
    reply = caller.ask(UNIT)
    assert (reply.code, reply.result) == (1, {"data": {"name": "Create Unit", "unitId": 500001}})
    assert caller.ask(UNIT).code == 29208
    accented = read("create_unit", {"courseId": 414193, "name": "第一单元", "publishFlag": 0})
    assert "第一单元" in caller.post(accented).content.decode()
    assert len(held(simulator, "units")) == 3


def test_a_course_gets_a_cover_picture(caller: Caller, simulator: SimulatorClient) -> None:
    """The picture arrives whole beside the other fields; journal and state keep its digest."""
    content = bytes(range(256)) * 100
    digest = hashlib.sha256(content).hexdigest()
    picture = File(name="cover.png", size=len(content), sha256=digest, at="redis")
    edit = read("edit_course", {"courseId": 352861, "courseName": "Art", "Filedata": picture})

    assert caller.ask(edit, content=content).code == 1

    assert held(simulator, "courses")[0] == {
        "courseId": 352861,
        "courseName": "Art",
        "Filedata": picture.summary(),
    }
    assert simulator.journal()[0].fields["Filedata"] == picture.summary()


def test_two_schools_hold_things_of_their_own() -> None:
    """Each signs with its own secret and sees its own folders."""
    schools = [School("one", "1", "first secret"), School("two", "2", "second secret")]
    app = create_app(schools={school.sid: school.secret for school in schools})
    with in_thread(app) as url:
        caller, simulator = Caller(url), SimulatorClient(url)
        with caller.session:
            now = int(time.time())
            made = [caller.ask(TOOLS, school, now).result for school in schools]
            foreign = read("rename_folder", {"folderId": 800001, "folderName": "x"})
            assert caller.ask(foreign, schools[1], now).code == 194
        assert made == [{"data": "800001"}, {"data": "800002"}]
        assert [entry.school for entry in simulator.journal()] == ["1", "2", "2"]


# At the door


@pytest.mark.parametrize(("operation", "code"), [(TOOLS, 102), (UNIT, 101002005)])
def test_a_wrong_secret_changes_nothing(
    operation: Operation, code: int, caller: Caller, simulator: SimulatorClient
) -> None:
    """Each generation has its code for it."""
    before = simulator.state()
    assert caller.ask(operation, School("main", DEFAULT_SCHOOL.sid, "wrong")).code == code
    assert caller.ask(operation, School("main", "999", DEFAULT_SCHOOL.secret)).code == code
    assert simulator.state() == before
    assert [entry.applied for entry in simulator.journal()] == [False, False]


@pytest.mark.parametrize(
    ("operation", "window", "code"), [(TOOLS, 1200, 102), (UNIT, 300, 101002006)]
)
def test_a_stale_signature_is_refused(
    operation: Operation, window: int, code: int, caller: Caller, simulator: SimulatorClient
) -> None:
    """The window differs by generation; the journal keeps the time that was signed."""
    assert caller.ask(operation, at=NOW - window - 1).code == code
    assert caller.ask(operation, at=NOW + window + 1).code == code
    assert caller.ask(operation, at=NOW - window).code == 1
    times = [entry.timestamp for entry in simulator.journal()]
    assert times == [NOW - window - 1, NOW + window + 1, NOW - window]


def test_the_date_follows_the_simulators_clock(caller: Caller) -> None:
    """Whoever is told that the clock is off can read by how much, from any answer."""
    assert caller.ask(TOOLS).date == NOW
    lost = caller.session.get(f"{caller.base_url}/nowhere", timeout=5)
    assert (lost.status_code, parsedate_to_datetime(lost.headers["Date"]).timestamp()) == (404, NOW)


def test_a_skewed_simulator_refuses_the_right_time() -> None:
    """Signed anew with the time of its Date header, the same operation passes."""
    with in_thread(create_app(skew=3600)) as url:
        caller = Caller(url)
        with caller.session:
            refused = caller.ask(UNIT, at=int(time.time()))
            assert refused.code == 101002006
            assert refused.date is not None
            assert 3590 < refused.date - time.time() < 3610
            assert caller.ask(UNIT, at=refused.date).code == 1
            entry = SimulatorClient(url).journal()[0]
            assert abs(entry.at - time.time()) < 60  # the journal goes by the machine's clock


def test_what_is_not_posted_is_not_answered(caller: Caller) -> None:
    """The older scripts answer 100 to a GET, the newer paths 405."""
    older = caller.session.get(
        f"{caller.base_url}/partner/api/cloud.api.php?action=getTopFolderId", timeout=5
    )
    assert older.json()["error_info"]["errno"] == 100
    newer = caller.session.get(f"{caller.base_url}/lms/unit/create", timeout=5)
    assert newer.status_code == 405


def test_an_unknown_action_is_answered_and_journalled(
    caller: Caller, simulator: SimulatorClient
) -> None:
    """It counts as an unknown operation."""
    proof = {
        "SID": DEFAULT_SCHOOL.sid,
        "safeKey": safe_key(DEFAULT_SCHOOL.secret, NOW),
        "timeStamp": str(NOW),
    }
    said = caller.session.post(
        f"{caller.base_url}/partner/api/cloud.api.php?action=dance", data=proof, timeout=5
    )
    assert said.json()["error_info"]["errno"] == 100
    assert [entry.operation for entry in simulator.journal()] == [None]
    assert simulator.counts() == {"unknown": Counts(1, 0)}


@pytest.mark.parametrize(
    ("path", "headers", "body", "code"),
    [
        ("/lms/unit/create", {}, b"{", 101001001),
        ("/lms/unit/create", {}, b"[]", 101001001),
        ("/lms/unit/create", {}, b"[" * 100_000, 101001001),
        ("/partner/api/course.api.php?action=editCourse", {}, b"\xff\xfe=%ff", 102),
        (
            "/partner/api/course.api.php?action=editCourse",
            {"Content-Type": "multipart/form-data; boundary=x"},
            b"nonsense",
            100,
        ),
    ],
)
def test_a_broken_body_is_answered(
    path: str, headers: dict[str, str], body: bytes, code: int, caller: Caller
) -> None:
    """Whatever arrives, the simulator has an answer and lives."""
    said = caller.session.post(caller.base_url + path, headers=headers, data=body, timeout=5)
    answer = said.json()
    assert code == (answer["code"] if "code" in answer else answer["error_info"]["errno"])


def test_secret_and_signature_are_kept_nowhere(caller: Caller) -> None:
    """No path gives them away, whether the request was taken or refused."""
    proofs = [DEFAULT_SCHOOL.secret]
    for operation, at in ((TOOLS, NOW), (TOOLS, NOW - 9000), (UNIT, NOW), (UNIT, NOW - 9000)):
        request = prepare(operation, DEFAULT_SCHOOL, at)
        proofs.append((request.form or request.headers).get("safeKey") or "")
        proofs.append(request.headers.get("X-EEO-SIGN") or "")
        caller.ask(operation, at=at)
    shown = "".join(
        caller.session.get(f"{caller.base_url}/simulator/{path}", timeout=5).text
        for path in ("journal", "state", "counts", "faults", "health")
    )
    assert len([proof for proof in proofs if proof]) == 5
    assert [proof for proof in proofs if proof and proof in shown] == []


# Its own paths


def test_the_journal_can_be_narrowed(caller: Caller, simulator: SimulatorClient) -> None:
    """By operation, and by what was carried out."""
    for operation in (TOOLS, TOOLS, UNIT):
        caller.ask(operation)

    assert [entry.outcome for entry in simulator.journal()] == [1, 206, 1]
    assert [entry.n for entry in simulator.journal("create_folder", applied=True)] == [1]
    assert [entry.n for entry in simulator.journal(applied=False)] == [2]
    assert simulator.counts() == {"create_folder": Counts(2, 1), "create_unit": Counts(1, 1)}
    assert simulator.applied("create_folder", folderName="tools") == 1
    assert simulator.applied("create_folder", folderName="toys") == 0
    first = simulator.journal()[0]
    assert (first.at, first.school, first.timestamp) == (NOW, DEFAULT_SCHOOL.sid, NOW)
    assert first.fields == {"folderId": "747759", "folderName": "tools"}


def test_a_reset_begins_anew(caller: Caller, simulator: SimulatorClient) -> None:
    """State, journal and faults are gone, and ids start again."""
    before = simulator.state()
    caller.ask(TOOLS)
    simulator.faults(FaultRule(code=104))

    simulator.reset()

    assert (simulator.state(), simulator.journal(), simulator.faults()) == (before, [], [])
    assert simulator.counts() == {}
    assert caller.ask(TOOLS).result == {"data": "800001"}


def test_rules_are_set_listed_and_forgotten(caller: Caller, simulator: SimulatorClient) -> None:
    """Further rules stand after those there are."""
    rules = [FaultRule(code=104), FaultRule(operation="create_unit", drop=True, when=When.AFTER)]
    assert simulator.faults(rules[0]) == rules[:1]
    assert simulator.faults(rules[1]) == rules
    assert caller.ask(TOOLS).code == 104

    simulator.clear_faults()

    assert simulator.faults() == []
    assert caller.ask(TOOLS).code == 1


def test_bad_rules_are_refused_together(caller: Caller, simulator: SimulatorClient) -> None:
    """Every fault is named, and none of the rules is set."""
    rules: list[dict[str, Any]] = [
        {"code": 104},
        {"operation": "create_foldr"},
        {"status": 1, "nth": "x"},
    ]
    said = caller.session.post(
        f"{caller.base_url}/simulator/faults", data=json.dumps(rules), timeout=5
    )
    assert said.status_code == 422
    assert [fault["where"] for fault in said.json()["faults"]] == [
        "1.operation",
        "1",
        "2.nth",
        "2.status",
    ]
    assert simulator.faults() == []
    with pytest.raises(InvalidInputError, match="has no effect"):
        simulator.faults(FaultRule.model_construct(operation="create_folder"))


# Misbehaviour


@pytest.mark.parametrize("operation", [TOOLS, UNIT])
@pytest.mark.parametrize(("when", "applied"), [(When.BEFORE, False), (When.AFTER, True)])
def test_a_code_instead_of_the_answer(
    when: When, *, applied: bool, operation: Operation, caller: Caller, simulator: SimulatorClient
) -> None:
    """Before or after the operation was carried out, in either generation."""
    simulator.faults(FaultRule(code=104, when=when))
    reply = caller.ask(operation)
    assert (reply.code, reply.result) == (104, None)
    (entry,) = simulator.journal()
    assert (entry.applied, entry.outcome, entry.fault) == (applied, 104, 0)


@pytest.mark.parametrize(("when", "folders"), [(When.BEFORE, 0), (When.AFTER, 1)])
def test_a_dropped_connection(
    when: When, folders: int, caller: Caller, simulator: SimulatorClient
) -> None:
    """No answer comes; only the state tells whether it was carried out."""
    simulator.faults(FaultRule(operation="create_folder", drop=True, first=1, when=when))
    with pytest.raises(requests.ConnectionError):
        caller.post(TOOLS)
    assert folders_named(simulator, "tools") == folders == simulator.applied("create_folder")
    assert simulator.journal()[0].outcome == "dropped"

    assert caller.ask(TOOLS).code == (206 if folders else 1)


def test_a_status_with_a_wait(caller: Caller, simulator: SimulatorClient) -> None:
    """A bare HTTP status, with a line of text and perhaps Retry-After."""
    simulator.faults(
        FaultRule(status=503, nth=(1,), when=When.AFTER), FaultRule(status=429, retry_after=2)
    )
    first, second = caller.post(TOOLS), caller.post(TOOLS)
    assert (first.status_code, first.text) == (503, "503 Service Unavailable\n")
    assert "Retry-After" not in first.headers
    assert (second.status_code, second.headers["Retry-After"]) == (429, "2")
    said = [(entry.outcome, entry.applied, entry.fault) for entry in simulator.journal()]
    assert said == [("status 503", True, 0), ("status 429", False, 1)]


def test_a_garbled_body(caller: Caller, simulator: SimulatorClient) -> None:
    """A success by its status, and nothing to be read."""
    simulator.faults(FaultRule(garble=True, when=When.AFTER))
    reply = caller.ask(TOOLS)
    assert (reply.http, reply.code) == (200, None)
    (entry,) = simulator.journal()
    assert (entry.outcome, entry.applied) == ("garbled", True)


@pytest.mark.parametrize("operation", [TOOLS, UNIT])
def test_a_code_as_text(operation: Operation, caller: Caller, simulator: SimulatorClient) -> None:
    """The number arrives as a string, and is read as the same code."""
    simulator.faults(FaultRule(errno_as_text=True, first=1))
    assert b'"1"' in caller.post(operation).content
    assert caller.ask(operation).code in {206, 29208}
    with in_thread(create_app(clock=lambda: NOW, errno_as_text=True)) as url:
        always = Caller(url)
        with always.session:
            assert b'"1"' in always.post(operation).content


def test_a_sender_that_dies_while_it_sends(
    caller: Caller, simulator: SimulatorClient, caplog: pytest.LogCaptureFixture
) -> None:
    """What did not arrive whole is in no journal, and no trouble of the simulator's."""
    request, address = prepare(TOOLS, DEFAULT_SCHOOL, NOW), urlsplit(caller.base_url)
    head = {"Host": address.netloc, "Content-Length": "9", **request.headers}
    head["Content-Type"] = "application/x-www-form-urlencoded"
    lines = [f"POST {request.target} HTTP/1.1", *map(": ".join, head.items())]
    with socket.create_connection((address.hostname, address.port)) as sender:
        sender.sendall("\r\n".join([*lines, "", "SID="]).encode())
        # closed with a reset, as the system does for a process that is killed
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert caller.ask(UNIT).code == 1
    assert [entry.operation for entry in simulator.journal()] == ["create_unit"]
    assert caplog.records == []


def test_a_held_answer_delays_no_other(caller: Caller, simulator: SimulatorClient) -> None:
    """The journal shows what was carried out while its answer is still held."""
    simulator.faults(
        FaultRule(operation="create_folder", delay=30, when=When.AFTER, nth=(1,)),
        FaultRule(operation="create_folder", delay=30, nth=(2,)),
    )
    toys = read("create_folder", {"folderId": 747759, "folderName": "toys"})

    def send() -> None:
        for operation in (TOOLS, toys):
            with pytest.raises(requests.ReadTimeout):
                requests.post(
                    caller.base_url + (request := prepare(operation, DEFAULT_SCHOOL, NOW)).target,
                    data=request.form,
                    timeout=1,
                )

    sender = threading.Thread(target=send)
    sender.start()
    assert caller.ask(UNIT).code == 1
    sender.join()

    assert [folders_named(simulator, name) for name in ("tools", "toys")] == [1, 0]
    entries = simulator.journal("create_folder")
    assert [(entry.applied, entry.outcome) for entry in entries] == [(True, None), (False, None)]


def test_a_delay_goes_with_other_effects(caller: Caller, simulator: SimulatorClient) -> None:
    """First the wait, then the rest; alone, the wait and then the true answer."""
    simulator.faults(FaultRule(delay=0.2, code=114, nth=(1,)), FaultRule(delay=0.2))
    for code in (114, 1):
        before = time.monotonic()
        assert caller.ask(TOOLS).code == code
        assert time.monotonic() - before >= 0.2


def test_a_request_is_carried_out_late_whether_anybody_waits_or_not(
    caller: Caller, simulator: SimulatorClient
) -> None:
    """It may be answered at once, or never; what works on the same meanwhile is not busy."""
    lost, done = ({"courseId": 352861, "courseName": each} for each in ("lost", "done"))
    simulator.faults(
        FaultRule(match={"courseName": "lost"}, apply_after=0.5, drop=True),
        FaultRule(match={"courseName": "kept"}, apply_after=0.5),
    )
    with pytest.raises(requests.ConnectionError):
        caller.ask(read("edit_course", lost))
    assert caller.ask(read("edit_course", done)).code == 1
    assert simulator.applied("edit_course", courseName="lost") == 0

    assert caller.ask(read("edit_course", {**lost, "courseName": "kept"})).code == 1
    turns = [(entry.fields["courseName"], entry.turn) for entry in simulator.journal()]
    assert turns == [("lost", 2), ("done", 1), ("kept", 3)]


def test_what_was_held_over_a_reset_stays_in_the_past(
    caller: Caller, simulator: SimulatorClient
) -> None:
    """A request from before is carried out in a world that is gone."""
    simulator.faults(FaultRule(delay=0.5))
    said: list[int | None] = []
    sender = threading.Thread(target=lambda: said.append(caller.ask(TOOLS).code))
    sender.start()
    until = time.monotonic() + 5
    while not simulator.journal() and time.monotonic() < until:
        time.sleep(0.01)

    simulator.reset()
    sender.join()

    assert said == [1]
    assert folders_named(simulator, "tools") == 0
    assert (simulator.journal(), simulator.counts()) == ([], {})


def test_only_the_matching_calls_are_struck(caller: Caller, simulator: SimulatorClient) -> None:
    """By operation, field and number; the others go through."""
    simulator.faults(
        FaultRule(operation="create_unit", match={"courseId": 352861}, nth=(2,), code=460)
    )
    units = [
        read("create_unit", {"courseId": course, "name": f"Unit {n}", "publishFlag": 0})
        for n, course in enumerate([352861, 132323, 132323, 352861, 352861])
    ]
    assert [caller.ask(unit).code for unit in units] == [1, 1, 1, 460, 1]


def test_what_is_refused_at_the_door_is_not_struck(
    caller: Caller, simulator: SimulatorClient
) -> None:
    """A wrong signature is answered as such, and does not count."""
    simulator.faults(FaultRule(code=104, first=1))
    assert caller.ask(TOOLS, School("main", DEFAULT_SCHOOL.sid, "wrong")).code == 102
    assert [caller.ask(TOOLS).code for _ in range(2)] == [104, 1]


def test_chance_repeats_itself(caller: Caller, simulator: SimulatorClient) -> None:
    """The same seed gives the same pattern of misfortune."""
    patterns = []
    for seed in (7, 7, 8):
        simulator.reset()
        simulator.faults(FaultRule(code=104, chance=0.5, seed=seed))
        patterns.append([caller.ask(TOOLS).code for _ in range(40)])
    assert patterns[0] == patterns[1] != patterns[2]
    assert 5 < patterns[0].count(104) < 35


# The process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_says_where_it_listens_and_ends_when_told(number: signal.Signals) -> None:
    """One line when it is ready; a clean end, though an answer is still held."""
    command = [sys.executable, "-c", "from ops.simulator import run; run(0)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # ours
        assert process.stdout is not None
        text, url = process.stdout.readline().strip().rsplit(" ", 1)
        assert text == "simulator listening on"
        SimulatorClient(url).wait_until_ready()
        SimulatorClient(url).faults(FaultRule(delay=60))
        request = prepare(TOOLS, DEFAULT_SCHOOL, int(time.time()))
        with pytest.raises(requests.ReadTimeout):
            requests.post(url + request.target, data=request.form, timeout=0.2)

        process.send_signal(number)

        rest, _ = process.communicate(timeout=20)
        assert (process.returncode, rest) == (0, "")
    with pytest.raises(UnavailableError, match="does not answer"):
        SimulatorClient(url).wait_until_ready(0.05)


def test_a_port_in_use_is_named(simulator: SimulatorClient) -> None:
    """Whoever starts a second simulator there is told in a line."""
    port = int(simulator.base_url.rsplit(":", 1)[1])
    with (
        pytest.raises(UnavailableError, match=f"Port {port} .* is in use"),
        in_thread(create_app(), port=port),
    ):
        pass


def test_an_address_that_is_not_ours_is_named() -> None:
    """Other reasons for not listening are told as well."""
    with (
        pytest.raises(UnavailableError, match=r"cannot listen on port 0 of 192\.0\.2\.1"),
        in_thread(create_app(), host="192.0.2.1"),
    ):
        pass
