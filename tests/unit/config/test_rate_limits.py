"""How fast a school may be asked, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.config.rate_limits import USUAL, paces_of, read_paces
from worker.errors import InvalidInputError


def faults(text: str) -> list[str]:
    """Everything that is wrong with these words."""
    with pytest.raises(InvalidInputError) as refused:
        read_paces(text, "HERE")
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("text", "paces"),
    [
        ("", {}),
        ("create_classroom=1000/m", USUAL),
        ("edit_course=10/s", {"edit_course": 100}),
        ("all=50/s", {"all": 20}),
        ("all=0.5/h", {"all": 7_200_000}),
        ("create_classroom=none", {"create_classroom": None}),
        (" edit_course=10/s,all=4/s ,\n create_folder=none ",
         {"edit_course": 100, "all": 250, "create_folder": None}),
    ],
)  # fmt: skip
def test_words_become_the_time_between_two_requests(
    text: str, paces: dict[str, float | None]
) -> None:
    """In milliseconds, by operation, or by `all`; none is no limit."""
    assert read_paces(text, "HERE") == paces


@given(st.integers(1, 999_999), st.sampled_from([("s", 1), ("m", 60), ("h", 3600)]))
def test_so_many_fit_into_their_time(number: int, unit: tuple[str, int]) -> None:
    """As many of these times as were asked for make up the unit."""
    letter, seconds = unit
    pace = read_paces(f"all={number}/{letter}", "HERE")["all"]
    assert pace is not None
    assert pace * number == pytest.approx(seconds * 1000)


@pytest.mark.parametrize(
    "pace",
    ["", "10", "10/", "/s", "0/s", "0.000/m", "-1/s", "1/d", "1 /s", "1e3/s", "inf/s", "nan/s",
     "1/s/s", "None", "1.0001/s", "9999999/s", "\u0661/s"],
)  # fmt: skip
def test_what_is_no_pace_is_refused(pace: str) -> None:
    """With what would be right; and nothing else of it is taken."""
    said = faults(f"all={pace}")
    assert said[0].startswith("HERE: all should be like all=10/s, 600/m, 50/h or none; got ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("al=1/s", "ClassIn knows no 'al'; did you mean all?"),
        ("edit_corse=1/s", "ClassIn knows no 'edit_corse'; did you mean edit_course?"),
        ("=1/s", "ClassIn knows no ''"),
        ("x" * 50, f"ClassIn knows no {'x' * 40!r}"),
        ("all=1/s all=1/s", "all should be there once only"),
    ],
)
def test_what_is_no_operation_is_refused(text: str, said: str) -> None:
    """The nearest right one is named."""
    assert faults(text) == [f"HERE: {said}"]


def test_all_faults_are_named_at_once() -> None:
    """Each for itself."""
    assert len(faults("al=1/s edit_course=fast all=1/s all=none")) == 3


def test_what_is_said_last_wins() -> None:
    """The usual, the deployment's word, the school's own; what is lifted is not there."""
    said = {"all": 20.0, "edit_course": 100.0}
    assert paces_of("main", USUAL, said, {"all": None, "create_classroom": 5.0}) == {
        "main create_classroom": 5.0,
        "main edit_course": 100.0,
    }
    assert paces_of("main", {"all": 20.0}) == {"main": 20.0}
