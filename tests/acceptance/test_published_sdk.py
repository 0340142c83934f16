"""A client that nobody here wrote: the SDK `eeo` from PyPI, against the simulator and our wire."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ops.simulator import DEFAULT_SCHOOL, create_app, in_thread
from tests.acceptance.sdk import HOME, Carried, Sdk, Told, carried_by_ours, driven
from tests.acceptance.sdk_steps import (
    OPERATIONS,
    Enclosed,
    Id,
    Step,
    filled,
    parameter,
    told,
    wire_name,
)
from tests.acceptance.sdk_story import ANN, CAT, CLASS, NOW, PICTURE, STORY
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.errors import InvalidOperation
from worker.classin.fields import File
from worker.classin.wire import prepare

CALLS = [step.call for step in STORY]

VECTORS = Path(__file__).parents[1] / "vectors" / "wire.json"

#: Any id will do where nothing is sent.
SOME_ID = 4711

#: What ClassIn's pages have and the SDK has not, or has in a way that ClassIn refuses.
NOT_IN_THE_SDK = {
    "release_activity",
    "set_webcast",
    "add_playback_user",
    "delete_playback_user",
    "set_playback_all_forbidden",
    "set_playback_all_viewable",
    "modify_password_by_telephone",
    "del_end_course_class",
    "delete_sub_school_account",
}

#: Fields that the SDK's call does not take.
NOT_TAKEN = {("register", "isSentMessage"), ("register", "md5pass")}

#: Calls beyond the story's whose requests must be the same.
ALIKE = {
    "an account by e-mail": Step("register", {"account": "li@example.com", "password": "secret-1"}),
    "text so long that it goes unsigned": Step(
        "create_unit",
        {"courseId": CLASS, "unitName": "1", "publishFlag": 0, "content": "长" * 1025},
    ),
    "the longest text that is signed by all": Step(
        "create_unit",
        {"courseId": CLASS, "unitName": "1", "publishFlag": 0, "content": "x" * 1023},
    ),
    "nothing given": Step("get_cloud_list"),
    "none for an argument of the older half": Step("get_webcast_url", {"courseId": CLASS}),
    "no labels": Step("add_course_labels", {"courseList": [{"courseId": CLASS, "labelIds": []}]}),
}


@dataclass(frozen=True)
class Difference:
    """A call whose request is another than ours, on purpose."""

    why: str
    step: Step
    #: The fields that differ: the SDK's text, and ours.
    fields: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    same_proof: bool = True


DIFFERENCES = {
    "a long text": Difference(
        "the page's words count bytes, the SDK characters: ours begins with the words",
        Step(
            "create_unit",
            {"courseId": CLASS, "unitName": "1", "publishFlag": 0, "content": "长" * 400},
        ),
        same_proof=False,
    ),
    "null": Difference(
        "the sources disagree on how null is signed: ours leaves absent values out",
        Step(
            "create_unit",
            {"courseId": CLASS, "unitName": "1", "publishFlag": 0, "content": None},
        ),
        {"content": ("null", None)},
    ),
    "true in a body": Difference(
        "the sources disagree on how true is signed, and ClassIn's pages say 1",
        Step("modify_school_conf", {"allowViewReplay": True}),
        {"allowViewReplay": ("true", "1")},
        same_proof=False,
    ),
    "true in a form": Difference(
        "ClassIn's pages say 1, not Python's True",
        Step("edit_course", {"courseId": CLASS, "allowAddFriend": True}),
        {"allowAddFriend": ("True", "1")},
    ),
    "whole stars": Difference(
        "JSON has one kind of number: 5 and 5.0 are the same",
        Step(
            "update_class_student_comment",
            {"classId": 1, "commentJson": [{"studentUid": ANN, "starNum": 5, "comment": ""}]},
        ),
        {
            "commentJson": (
                f'[{{"comment": "", "starNum": 5, "studentUid": {ANN}}}]',
                f'[{{"comment": "", "starNum": 5.0, "studentUid": {ANN}}}]',
            )
        },
    ),
}

#: What the SDK sends and the catalogue refuses: the field at fault, and the call.
REFUSED = {
    "a grouping as a flat list, as the SDK describes it; the pages have a list of lists": (
        "groupList",
        Step(
            "add_course_group",
            {
                "courseId": CLASS,
                "groupName": "Teams",
                "groupList": [{"studentUid": CAT, "isLeader": 1}],
            },
        ),
    ),
    "a list of activities, of which ClassIn takes one a call": (
        "activityIds",
        Step("release_activity", {"courseId": CLASS, "activityIds": [SOME_ID]}),
    ),
    "a misspelt field, which ClassIn ignores": (
        "courseNmae",
        Step("edit_course", {"courseId": CLASS, "courseNmae": "Maths"}),
    ),
    "text that ClassIn cuts silently": (
        "labelName",
        Step("add_school_label", {"labelName": "x" * 21}),
    ),
}


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    """The SDK. Where it is not installed: failed in CI, skipped at home."""
    if not (HOME / "eeo" / "api.py").is_file():
        missing = f"the published SDK is not in {HOME}: `make setup` puts it there"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with driven() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SDK finds the files that it is to send."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def story(sdk: Sdk, folder: Path) -> Mapping[str, Told]:
    """The whole story told to a simulator, once: what came of each call."""
    now = NOW
    ids: dict[str, int] = {}
    outcomes: dict[str, Told] = {}
    with in_thread(create_app(clock=lambda: now)) as url:
        for step in STORY:
            now = max(now, NOW + step.at)
            try:
                arguments = given(step, folder, ids)
            except KeyError as lacking:
                outcomes[step.call] = Told(None, failure=f"no earlier call told of {lacking}")
                continue
            outcome = sdk.call(step.call, arguments, at=now, base_url=url)
            with contextlib.suppress(LookupError, TypeError, ValueError):  # left to later calls
                ids |= {name: int(told(outcome.reply, path)) for name, path in step.tells.items()}
            outcomes[step.call] = outcome
    return outcomes


def given(step: Step, folder: Path, ids: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Fill in a step's arguments for the SDK: it takes a file as a path; KeyError lacks an id."""

    def fill(each: Id | Enclosed) -> object:
        if isinstance(each, Id):
            return SOME_ID if ids is None else ids[each.name]
        path = folder / each.name
        path.write_bytes(each.content)
        return str(path)

    return dict(filled(step.arguments, fill))


def described(file: Enclosed) -> File:
    """Describe a file as an operation does."""
    digest = hashlib.sha256(file.content).hexdigest()
    return File(name=file.name, size=len(file.content), sha256=digest, at=f"file:///{file.name}")


def ours(step: Step) -> Carried:
    """Prepare our own request with the fields of a step."""
    arguments = filled(
        step.arguments, lambda each: SOME_ID if isinstance(each, Id) else described(each)
    )
    fields = {
        wire_name(step.call, name, value): value
        for name, value in arguments.items()
        if value is not None
    }
    operation = read(OPERATIONS.get(step.call, step.call), fields)
    return carried_by_ours(prepare(operation, DEFAULT_SCHOOL, NOW))


def with_every_field() -> Iterator[Step]:
    """Turn the vectors of our wire into calls of the SDK."""
    calls = {OPERATIONS.get(call, call): call for call in CALLS}
    for vector in json.loads(VECTORS.read_text(encoding="utf-8")):
        if call := calls.get(vector["operation"]):
            taken = {
                parameter(call, name): value
                for name, value in _wire_fields(vector["request"]).items()
                if (call, name) not in NOT_TAKEN
            }
            yield Step(call, taken)


def _wire_fields(request: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a vector's request carries, without the proof: values for the SDK."""
    if request["body"] is not None:
        return dict(json.loads(request["body"]))
    form = request["form"].items()
    return dict.fromkeys(request["files"], PICTURE) | {
        name: json.loads(text) if text[:1] in ("[", "{") else text
        for name, text in form
        if name not in {"SID", "safeKey", "timeStamp"}
    }


def codes(reply: Any) -> list[int]:  # noqa: ANN401  # JSON
    """Find the code of an answer, and those of the single things in it."""
    said = reply.get("error_info", reply)
    found = [said[name] for name in ("errno", "code") if name in said]
    data = reply.get("data")
    if isinstance(data, dict):
        data = next((each for each in data.values() if isinstance(each, list)), None)
    items = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    found += [each[name] for each in items for name in ("errno", "code") if name in each]
    return [int(code) for code in found]


def test_every_call_of_the_sdk_is_in_the_story(sdk: Sdk) -> None:
    """Once each."""
    assert sorted(sdk.calls) == sorted([*CALLS, "release_activity"])


def test_what_the_sdk_lacks() -> None:
    """These operations of the catalogue, and no more."""
    assert set(CATALOGUE) - {OPERATIONS.get(call, call) for call in CALLS} == NOT_IN_THE_SDK


@pytest.mark.parametrize("call", CALLS)
def test_the_simulator_answers_with_success(call: str, story: Mapping[str, Told]) -> None:
    """The SDK understands it, and every single thing in the answer went well."""
    outcome = story[call]

    assert outcome.failure is None
    assert set(codes(outcome.reply)) == {1}, outcome.reply


@pytest.mark.parametrize("step", STORY, ids=CALLS)
def test_our_request_is_the_same(step: Step, sdk: Sdk, folder: Path) -> None:
    """Address, proof, fields and files, for the same fields at the same time."""
    theirs = sdk.call(step.call, given(step, folder), at=NOW).request

    assert ours(step) == theirs


@pytest.mark.parametrize("step", list(with_every_field()), ids=lambda step: step.call)
def test_our_request_is_the_same_with_every_field(step: Step, sdk: Sdk, folder: Path) -> None:
    """The fields of the vectors: all that an operation can have at once, and the SDK takes."""
    theirs = sdk.call(step.call, given(step, folder), at=NOW).request

    assert ours(step) == theirs


@pytest.mark.parametrize("step", ALIKE.values(), ids=ALIKE)
def test_our_request_is_the_same_at_the_edges(step: Step, sdk: Sdk, folder: Path) -> None:
    """Where it would be easy to differ."""
    theirs = sdk.call(step.call, given(step, folder), at=NOW).request

    assert ours(step) == theirs


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)
def test_our_request_differs_on_purpose(difference: Difference, sdk: Sdk, folder: Path) -> None:
    """In the fields listed, and in nothing else."""
    step = difference.step
    theirs, mine = sdk.call(step.call, given(step, folder), at=NOW).request, ours(step)

    assert theirs.differences(mine) == difference.fields, difference.why
    assert theirs.url == mine.url
    assert (theirs.proof == mine.proof) is difference.same_proof


@pytest.mark.parametrize(("at_fault", "step"), REFUSED.values(), ids=REFUSED)
def test_the_sdk_sends_what_we_refuse(at_fault: str, step: Step, sdk: Sdk, folder: Path) -> None:
    """On purpose: nothing is sent whose meaning is not certain."""
    theirs = sdk.call(step.call, given(step, folder), at=NOW).request

    with pytest.raises(InvalidOperation) as refused:
        ours(step)
    assert at_fault in theirs.fields
    assert at_fault in {fault.where.partition(".")[0] for fault in refused.value.faults}


def test_the_sdk_needs_the_sid_as_text(sdk: Sdk) -> None:
    """It documents a number, and then puts it into a header, which must be text."""
    refused = sdk.call("modify_school_conf", {"allowViewReplay": 1}, at=NOW, sid=1000082)

    assert refused.sent is None
    assert "must be of type str or bytes" in str(refused.failure)
