"""Clients that nobody here wrote: SDKs from PyPI, against the simulator and our wire."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ops.simulator import DEFAULT_SCHOOL, create_app, in_thread
from tests.acceptance.sdk import Carried, Sdk, Told, carried_by_ours, driven
from tests.acceptance.sdk_packages import EEO, PACKAGES, Package
from tests.acceptance.sdk_steps import Enclosed, Id, Step, filled, told
from tests.acceptance.sdk_story import ANN, CAT, CLASS, NOW, PICTURE, STORY
from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.field_types import File
from worker.classin.request import prepare
from worker.classin.signing import Counting
from worker.errors import InvalidOperationError

#: Gives the driver of a package.
Sdks = Callable[[Package], Sdk]

VECTORS = Path(__file__).parents[1] / "vectors" / "wire.json"

#: Any id will do where nothing is sent.
SOME_ID = 4711


def unit(content: str | None) -> Step:
    """Create a unit with an introduction."""
    return Step(
        "create_unit", {"courseId": CLASS, "name": "1", "publishFlag": 0, "content": content}
    )


#: Beyond the story, what must be the same.
ALIKE = {
    "an account by e-mail": Step("register", {"email": "li@example.com", "password": "secret-1"}),
    "text so long that it goes unsigned": unit("长" * 1025),
    "the longest text that is signed by all": unit("x" * 1023),
    "nothing given": Step("get_cloud_list"),
    "none for an argument of the older half": Step("get_webcast_url", {"courseId": CLASS}),
    "no labels": Step("add_course_labels", {"courseList": [{"courseId": CLASS, "labelIds": []}]}),
    "an empty expiry": Step("edit_course", {"courseId": CLASS, "expiryTime": ""}),
    "the default classroom setting": Step(
        "edit_course", {"courseId": CLASS, "classroomSettingId": 0}
    ),
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
        "the page's words count bytes, the SDKs characters: ours begins with the words",
        unit("长" * 400),
        same_proof=False,
    ),
    "null": Difference(
        "the sources disagree on how null is signed: ours leaves absent values out",
        unit(None),
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

#: What an SDK sends and the catalogue refuses: the field at fault, and the step.
REFUSED = {
    "a grouping as a flat list, as an SDK describes it; the pages have a list of lists": (
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
    "a misspelt field, which ClassIn ignores": (
        "courseNmae",
        Step("edit_course", {"courseId": CLASS, "courseNmae": "Maths"}),
    ),
    "text that ClassIn cuts silently": (
        "labelName",
        Step("add_school_label", {"labelName": "x" * 21}),
    ),
}


def of_each(steps: Iterable[Step]) -> list[tuple[Package, Step]]:
    """Pair each package with the steps that it can do, without the fields that it does not take."""
    listed = [*steps]
    return [
        (package, package.taken(step))
        for package in PACKAGES
        for step in listed
        if package.can_do(package.taken(step))
    ]


def of_each_named(steps: Mapping[str, Any], step_of: Callable[[Any], Step]) -> list[Any]:
    """Pair each package with what it can do just as it is, by names."""
    return [
        pytest.param(package, each, id=f"{package.name}: {name}")
        for package in PACKAGES
        for name, each in steps.items()
        if package.can_do(step_of(each))
    ]


@pytest.fixture(scope="module")
def sdks() -> Iterator[Sdks]:
    """Their drivers, each started when it is asked for first.

    Where an SDK is not installed: failed in CI, skipped at home.
    """
    with contextlib.ExitStack() as stack:

        @cache
        def started(name: str) -> Sdk:
            (package,) = [each for each in PACKAGES if each.name == name]
            return stack.enter_context(driven(package.home))

        def sdk_of(package: Package) -> Sdk:
            if not (package.home / "eeo" / "api.py").is_file():
                missing = f"{package.name} is not in {package.home}: `make setup` puts it there"
                if os.environ.get("CI"):
                    pytest.fail(missing)
                pytest.skip(missing)
            return started(package.name)

        yield sdk_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SDKs find the files that they are to send."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def stories(sdks: Sdks, folder: Path) -> Callable[[Package], Mapping[str, Told]]:
    """The whole story told to a simulator, once by each package: what came of each operation."""
    kept: dict[str, Mapping[str, Told]] = {}

    def story_of(package: Package) -> Mapping[str, Told]:
        if package.name not in kept:
            kept[package.name] = performed(package, sdks(package), folder)
        return kept[package.name]

    return story_of


def performed(package: Package, sdk: Sdk, folder: Path) -> Mapping[str, Told]:
    """Tell the story to a simulator of its own."""
    now = NOW
    ids: dict[str, int] = {}
    outcomes: dict[str, Told] = {}
    with in_thread(create_app(clock=lambda: now)) as url:
        for step in filter(lambda each: package.has(each.operation), STORY):
            now = max(now, NOW + step.at)
            try:
                arguments = given(package, step, folder, ids)
            except KeyError as lacking:
                outcomes[step.operation] = Told(None, failure=f"no earlier call told of {lacking}")
                continue
            outcome = sdk.call(package.call(step.operation), arguments, at=now, base_url=url)
            with contextlib.suppress(LookupError, TypeError, ValueError):  # left to later calls
                ids |= {name: int(told(outcome.reply, path)) for name, path in step.tells.items()}
            outcomes[step.operation] = outcome
    return outcomes


def given(
    package: Package, step: Step, folder: Path, ids: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Fill in a step's fields for an SDK: it takes a file as a path; KeyError lacks an id."""

    def fill(each: Id | Enclosed) -> object:
        if isinstance(each, Id):
            return SOME_ID if ids is None else ids[each.name]
        path = folder / each.name
        path.write_bytes(each.content)
        return str(path)

    return {
        package.parameter(step.operation, name): value
        for name, value in filled(package.taken(step).fields, fill).items()
    }


def sent(sdks: Sdks, package: Package, step: Step, folder: Path) -> Carried:
    """Give the request that a package makes of a step."""
    arguments = given(package, step, folder)
    return sdks(package).call(package.call(step.operation), arguments, at=NOW).request


def described(file: Enclosed) -> File:
    """Describe a file as an operation does."""
    digest = hashlib.sha256(file.content).hexdigest()
    return File(name=file.name, size=len(file.content), sha256=digest, at=f"file:///{file.name}")


def ours(step: Step, counting: Counting = Counting.BYTES) -> Carried:
    """Prepare our own request with the fields of a step."""
    values = filled(step.fields, lambda each: SOME_ID if isinstance(each, Id) else described(each))
    fields = {name: value for name, value in values.items() if value is not None}
    operation = read(step.operation, fields)
    return carried_by_ours(prepare(operation, DEFAULT_SCHOOL, NOW, counting))


def with_every_field() -> Iterator[Step]:
    """Turn the vectors of our wire into steps."""
    for vector in json.loads(VECTORS.read_text(encoding="utf-8")):
        yield Step(vector["operation"], _wire_fields(vector["request"]))


def _wire_fields(request: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a vector's request carries, without the proof: values for an SDK."""
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


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_call_of_the_sdk_is_in_the_story(package: Package, sdks: Sdks) -> None:
    """Once each, but for those that cannot succeed."""
    told = [package.call(step.operation) for step in STORY if package.has(step.operation)]
    broken = [each.call for each in package.broken.values()]
    assert sorted(sdks(package).calls) == sorted([*told, *broken])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_what_the_sdk_lacks(package: Package) -> None:
    """What is not in the story stands in its list, and nothing else does."""
    in_story = {step.operation for step in STORY}
    assert CATALOGUE.keys() - {name for name in in_story if name not in package.lacks} == (
        package.lacks
    )


@for_each("package, step", of_each(STORY))
def test_the_simulator_answers_with_success(
    package: Package, step: Step, stories: Callable[[Package], Mapping[str, Told]]
) -> None:
    """The SDK understands it, and every single thing in the answer went well."""
    outcome = stories(package)[step.operation]

    assert outcome.failure is None
    assert set(codes(outcome.reply)) == {1}, outcome.reply


@for_each("package, step", of_each(STORY))
def test_our_request_is_the_same(package: Package, step: Step, sdks: Sdks, folder: Path) -> None:
    """Address, proof, fields and files, for the same fields at the same time."""
    assert ours(step) == sent(sdks, package, step, folder)


@for_each("package, step", of_each(with_every_field()))
def test_our_request_is_the_same_with_every_field(
    package: Package, step: Step, sdks: Sdks, folder: Path
) -> None:
    """The fields of the vectors: all that an operation can have at once, and the SDK takes."""
    assert ours(step) == sent(sdks, package, step, folder)


@pytest.mark.parametrize(("package", "step"), of_each_named(ALIKE, lambda step: step))
def test_our_request_is_the_same_at_the_edges(
    package: Package, step: Step, sdks: Sdks, folder: Path
) -> None:
    """Where it would be easy to differ."""
    assert ours(step) == sent(sdks, package, step, folder)


@pytest.mark.parametrize(
    ("package", "difference"), of_each_named(DIFFERENCES, lambda each: each.step)
)
def test_our_request_differs_on_purpose(
    package: Package, difference: Difference, sdks: Sdks, folder: Path
) -> None:
    """In the fields listed, and in nothing else."""
    step = difference.step
    theirs, mine = sent(sdks, package, step, folder), ours(step)

    assert theirs.differences(mine) == difference.fields, difference.why
    assert theirs.url == mine.url
    assert (theirs.proof == mine.proof) is difference.same_proof


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_long_text_signed_the_other_way_is_signed_as_by_the_sdk(
    package: Package, sdks: Sdks, folder: Path
) -> None:
    """By characters."""
    step = unit("长" * 400)
    assert ours(step, Counting.CHARACTERS) == sent(sdks, package, step, folder)


@pytest.mark.parametrize(("package", "refused"), of_each_named(REFUSED, lambda each: each[1]))
def test_the_sdk_sends_what_we_refuse(
    package: Package, refused: tuple[str, Step], sdks: Sdks, folder: Path
) -> None:
    """On purpose: nothing is sent whose meaning is not certain."""
    at_fault, step = refused
    assert at_fault in sent(sdks, package, step, folder).fields
    with pytest.raises(InvalidOperationError) as error:
        ours(step)
    assert {fault.where.partition(".")[0] for fault in error.value.faults} == {at_fault}


@pytest.mark.parametrize(
    ("package", "operation"),
    [
        pytest.param(package, operation, id=f"{package.name} {operation}")
        for package in PACKAGES
        for operation in package.broken
    ],
)
def test_a_call_that_cannot_succeed_is_refused_by_us_and_the_simulator(
    package: Package, operation: str, sdks: Sdks
) -> None:
    """It names a field otherwise than ClassIn's pages do, or its samples and live tries."""
    broken = package.broken[operation]
    with in_thread(create_app(clock=lambda: NOW)) as url:
        outcome = sdks(package).call(broken.call, broken.arguments, at=NOW, base_url=url)

    assert outcome.failure is not None or codes(outcome.reply) != [1]
    assert broken.at_fault in outcome.request.fields
    with pytest.raises(InvalidOperationError) as error:
        read(operation, broken.arguments)
    assert broken.at_fault in {fault.where for fault in error.value.faults}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_sid_may_have_to_be_text(package: Package, sdks: Sdks) -> None:
    """The older SDK documents a number, and then puts it into a header, which must be text."""
    call = package.call("modify_school_conf")
    said = sdks(package).call(call, {"allowViewReplay": 1}, at=NOW, sid=1000082)

    assert (said.sent is not None) is package.takes_a_number
    if package is EEO:
        assert "must be of type str or bytes" in str(said.failure)
