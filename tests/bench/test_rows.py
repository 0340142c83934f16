"""What is made of samples: ratios, round by round, and whether the goal is reached."""

import pytest

from tests.bench.promises import ROWS
from tests.bench.rows import Row, results
from tests.bench.samples import Samples
from tests.bench.tour import TOUR

RATE = Row(number="1", what="rate", unit="/s", ours="ours", peers={"a": "a", "b": "b"}, goal=2.0)


def samples_of(**rounds: list[float]) -> Samples:
    """Give samples by name, one of each round."""
    samples = Samples()
    for name, values in rounds.items():
        for turn, value in enumerate(values, 1):
            samples.take([(name, value)], turn)
    return samples


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that gets slower from round to round changes nothing."""
    samples = samples_of(ours=[400, 200, 90], a=[100, 50, 30], b=[1, 1, 1])
    (result,) = results(samples, [RATE])
    assert (result.ratios, result.ratio, result.met) == ([4, 4, 3], 4, True)
    assert (result.ours, result.peer, result.theirs) == (200, "a", 50)


@pytest.mark.parametrize(("more", "peer", "met"), [(True, "b", False), (False, "a", True)])
def test_the_best_peer_counts(*, more: bool, peer: str, met: bool) -> None:
    """The fastest where more is better, else the cheapest."""
    row = Row(
        number="1", what="", unit="", ours="ours", peers={"a": "a", "b": "b"}, more=more, goal=2.0
    )
    (result,) = results(samples_of(ours=[10], a=[6], b=[8]), [row])
    assert (result.peer, result.met) == (peer, met)


def test_a_value_that_is_compared_with_nobody() -> None:
    """It reaches the goal by itself."""
    row = Row(number="6", what="size", unit="kB", ours="size", more=False, goal=1.2)
    (result,) = results(samples_of(size=[1.1]), [row])
    assert (result.peer, result.ratio, result.met) == (None, 1.1, True)


def test_what_was_not_measured_is_left_out() -> None:
    """Also if one of several peers is missing: it may have been the best."""
    assert list(results(samples_of(ours=[1], a=[1]), [RATE])) == []
    assert list(results(samples_of(a=[1], b=[1]), [RATE])) == []


def test_a_round_that_failed_spoils_no_other() -> None:
    """Ours of a round is compared with theirs of the same, and with no other."""
    samples = samples_of(ours=[100, 10, 100], a=[50], b=[1, 1, 1])
    samples.take([("a", 20.0)], 3)
    (result,) = results(samples, [RATE])
    assert (result.peer, result.ratios) == ("a", [2, 5])


def test_every_row_is_on_the_tour() -> None:
    """Rows 6, 7 and 11 have a visit of their own."""
    served = {row for stop in TOUR for _, rows in stop.steps for row in rows.split()}
    assert {row.number for row in ROWS} == served | {"6", "7", "11"}
