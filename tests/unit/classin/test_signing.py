"""How a request proves whom it comes from."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.classin.signing import LONGEST_SIGNED, Counting, otherwise, safe_key, signature

SID, NOW = "1000082", 1721095405
UNIT = {"courseId": 132323, "unitJson": [{"name": "string", "content": "string", "publishFlag": 0}]}

signable = st.integers() | st.text(max_size=50)
bodies = st.dictionaries(st.text("abcXYZ_019", min_size=1), signable)


@pytest.mark.parametrize(
    ("body", "secret", "timestamp", "proof"),
    [
        (UNIT, "Mb71234", 1673949471, "d0d99023aa44549f97dfe9523059f0c3"),
        (UNIT, "Mb7SR6H", NOW, "4f97f55addf4921a05c2395617cd8a7b"),
        (
            {"publishFlag": 0, "name": "Unit A", "courseId": 132323},
            "Mb7SR6H",
            NOW,
            "84b74d01807178b27976d45c2c90147c",
        ),
        (
            {"courseId": 414193, "name": "第一单元", "content": "", "publishFlag": 2},
            "Mb7SR6H",
            NOW,
            "021fb13f9416f5014643c497aff65db3",
        ),
    ],
    ids=["printed in the text", "printed in the sample", "space and zero", "no ASCII, empty text"],
)
def test_a_body_is_signed_as_published(
    body: dict[str, Any], secret: str, timestamp: int, proof: str
) -> None:
    """The newer generation signs the body, the SID and the time."""
    assert signature(body, SID, secret, timestamp) == proof


def test_a_form_is_proven_by_secret_and_time_alone() -> None:
    """The older generation signs nothing else."""
    assert safe_key("Mb7SR6H", NOW) == "7e81a9cae9ed5d520c1577b882d284b2"


@given(bodies, st.randoms(use_true_random=False))
def test_the_order_of_the_fields_does_not_matter(body: dict[str, Any], chance: Random) -> None:
    """Whoever builds the body, the proof is the same."""
    shuffled = list(body.items())
    chance.shuffle(shuffled)
    assert signature(dict(shuffled), SID, "s", NOW) == signature(body, SID, "s", NOW)


@given(bodies.filter(lambda body: "id" not in body), st.integers())
def test_every_signed_field_counts(body: dict[str, Any], number: int) -> None:
    """One more field, and the proof is another."""
    assert signature(body | {"id": number}, SID, "s", NOW) != signature(body, SID, "s", NOW)


@pytest.mark.parametrize("unsigned", [[1], {"a": 1}, (), "x" * (LONGEST_SIGNED + 1), "é" * 513])
def test_lists_objects_and_long_text_travel_unsigned(unsigned: object) -> None:
    """They are sent, and take no part in the proof."""
    assert signature({"a": 1, "b": unsigned}, SID, "s", NOW) == signature({"a": 1}, SID, "s", NOW)


def test_text_of_just_the_longest_length_is_signed() -> None:
    """The bound itself belongs to what is signed."""
    longest = {"a": "x" * LONGEST_SIGNED}
    assert signature(longest, SID, "s", NOW) != signature({}, SID, "s", NOW)


@pytest.mark.parametrize("doubtful", [True, False, None, 1.0])
def test_what_the_sources_disagree_on_is_not_signed_at_all(doubtful: object) -> None:
    """The error names the field, not what it held."""
    with pytest.raises(TypeError, match=r"^flag: only integers and strings can be signed$"):
        signature({"flag": doubtful}, SID, "s", NOW)


#: Texts by bytes and characters, and which way of counting signs each of them.
LONG = {
    "fewer of both": ("é" * 511, {Counting.BYTES, Counting.CHARACTERS, Counting.FEWER_BYTES}),
    "as many bytes": ("x" * 1024, {Counting.BYTES, Counting.CHARACTERS}),
    "as many bytes, fewer characters": ("é" * 512, {Counting.BYTES, Counting.CHARACTERS}),
    "more bytes": ("é" * 513, {Counting.CHARACTERS}),
    "more bytes, as many characters": ("é" * 1024, {Counting.CHARACTERS}),
    "more of both": ("x" * 1025, set()),
}


@pytest.mark.parametrize(("text", "signing"), LONG.values(), ids=LONG)
@pytest.mark.parametrize("counting", Counting)
def test_a_long_text_is_signed_by_the_way_of_counting(
    text: str, signing: set[Counting], counting: Counting
) -> None:
    """The page's words count bytes; its samples, and the SDKs, do otherwise."""
    without = signature({}, SID, "s", NOW, counting)
    assert (signature({"a": text}, SID, "s", NOW, counting) != without) is (counting in signing)


@pytest.mark.parametrize(
    ("text", "counting", "other"),
    [
        ("é" * 511, Counting.BYTES, None),
        ("x" * 1025, Counting.BYTES, None),
        ("x" * 1024, Counting.BYTES, Counting.FEWER_BYTES),
        ("x" * 1024, Counting.CHARACTERS, Counting.FEWER_BYTES),
        ("x" * 1024, Counting.FEWER_BYTES, Counting.BYTES),
        ("é" * 513, Counting.BYTES, Counting.CHARACTERS),
        ("é" * 513, Counting.FEWER_BYTES, Counting.CHARACTERS),
        ("é" * 513, Counting.CHARACTERS, Counting.BYTES),
    ],
)
def test_another_way_of_counting_is_one_that_makes_a_difference(
    text: str, counting: Counting, other: Counting | None
) -> None:
    """For this very body; of most there is none."""
    assert otherwise({"courseId": 5, "a": text, "b": [text]}, counting) is other
