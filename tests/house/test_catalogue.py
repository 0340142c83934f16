"""Every operation of the catalogue is complete: its page, its codes, its vector, its answer."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Operation
from worker.classin.request import prepare
from worker.classin.school import School


@pytest.fixture(scope="module")
def vectors(root: Path) -> dict[str, dict[str, Any]]:
    """The requests that tests/vectors/wire.json expects, by operation."""
    listed = json.loads((root / "tests" / "vectors" / "wire.json").read_text(encoding="utf-8"))
    return {vector["operation"]: vector for vector in listed}


@for_each("kind", CATALOGUE.values())
def test_an_operation_names_itself_and_its_page(kind: type[Operation]) -> None:
    """Its docstring has a title, and says on which page of the API it stands."""
    said = (kind.__doc__ or "").strip().splitlines()
    source = said[-1].strip()
    assert kind.spec.title
    assert said[0].endswith(".")
    assert source.startswith("Source: ")
    assert source.removeprefix("Source: ").strip()


@for_each("kind", CATALOGUE.values())
def test_an_operation_has_its_codes_in_the_table(kind: type[Operation]) -> None:
    """Each code that it lists has words of its own in the one table, success among them."""
    assert Code.OK in kind.spec.codes
    assert all(Code(number).phrase for number in kind.spec.codes)


@for_each("kind", CATALOGUE.values())
def test_what_is_judged_in_a_way_of_its_own_is_told(kind: type[Operation]) -> None:
    """Whoever looks an operation up learns which code it takes otherwise than the table."""
    assert (kind.judged is not Operation.judged) is bool(kind.spec.peculiar)


def test_codes_have_names_and_words_of_their_own() -> None:
    """No two codes say the same, and each says something."""
    assert len({code.phrase for code in Code}) == len(Code)
    assert len(Code.__members__) == len(Code)


def test_every_vector_is_of_an_operation(vectors: dict[str, dict[str, Any]]) -> None:
    """There is one vector for each operation, and none for what is not in the catalogue."""
    assert vectors.keys() == CATALOGUE.keys()


@for_each("kind", CATALOGUE.values())
def test_an_operation_goes_out_as_its_vector_says(
    kind: type[Operation], vectors: dict[str, dict[str, Any]]
) -> None:
    """The request, signature included, is the one that was written down."""
    vector = vectors[kind.spec.name]
    operation = read(kind.spec.name, vector["fields"])
    request = prepare(operation, School("made-up", **vector["school"]), vector["timestamp"])
    assert {
        "target": request.target,
        "headers": dict(request.headers),
        "form": None if request.form is None else dict(request.form),
        "body": None if request.body is None else request.body.decode(),
        "files": {name: file.summary() for name, file in request.files.items()},
    } == vector["request"]


@for_each("kind", CATALOGUE.values())
def test_a_vector_has_every_field(
    kind: type[Operation], vectors: dict[str, dict[str, Any]]
) -> None:
    """No field of the operation goes untried, but for those that a rule keeps out."""
    fields = vectors[kind.spec.name]["fields"]
    absent = {name for name, info in kind.model_fields.items() if info.alias not in fields}
    assert absent <= {name for rule in kind.rules for name in rule.fields}


@for_each("kind", CATALOGUE.values())
def test_a_vector_obeys_the_rules_of_signing(
    kind: type[Operation], vectors: dict[str, dict[str, Any]]
) -> None:
    """The proof written down follows from the rules, worked out here once more."""
    vector = vectors[kind.spec.name]
    school, now, request = vector["school"], vector["timestamp"], vector["request"]
    match kind.spec.endpoint.version:
        case ApiVersion.V1:
            told = request["form"]["safeKey"]
            text = f"{school['secret']}{now}"
        case ApiVersion.V2:
            told = request["headers"]["X-EEO-SIGN"]
            signed = {**json.loads(request["body"]), "sid": school["sid"], "timeStamp": now}
            text = "&".join(
                f"{name}={value}"
                for name, value in sorted(signed.items())
                if not isinstance(value, (list, dict))
            )
            text += f"&key={school['secret']}"
    assert told == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_files_of_vectors_are_summed_up_rightly(vectors: dict[str, dict[str, Any]]) -> None:
    """What a vector says of a file is what the operation does."""
    for vector in vectors.values():
        for name, said in vector["request"]["files"].items():
            file = vector["fields"][name]
            assert said == {"name": file["name"], "bytes": file["size"], "sha256": file["sha256"]}
