"""What is measured at a place: each step gives values by the name of what they are of."""

import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles

from tests.bench.place import Place
from tests.bench.sizes import Sizes

#: One value, and what it is of.
Found = Iterator[tuple[str, float]]
Step = Callable[[Place, Sizes], Found]

#: How late the server answers, in seconds, where it takes its time.
LATENCY = 0.1

#: Waits that are not counted: for connections to be made.
_FIRST_WAITS = 10

#: Seconds for which memory is looked at, and between two looks.
_WATCH, _LOOK = 2.0, 0.1


def together(place: Place, sizes: Sizes) -> Found:
    """Settle a batch, and see what that costs."""
    before = place.cpu()
    took = place.carry_out("together", sizes.together, LATENCY)
    yield f"{place.candidate.name} together", sizes.together / took
    if place.candidate.workers:
        yield f"{place.candidate.name} cpu", (place.cpu() - before) / sizes.together * 1000


def at_once(place: Place, sizes: Sizes) -> Found:
    """Settle a batch, with a server that answers at once."""
    took = place.carry_out("together", sizes.together, 0.0)
    yield f"{place.candidate.name} at once", sizes.together / took


def singly(place: Place, sizes: Sizes) -> Found:
    """Settle what is submitted one by one."""
    took = place.carry_out("singly", sizes.singly, LATENCY)
    yield f"{place.candidate.name} singly", sizes.singly / took


def idle(place: Place, sizes: Sizes) -> Found:
    """See how soon a request goes out when there is nothing else to do; in ms."""
    waits = place.waits(_FIRST_WAITS + sizes.idle)[_FIRST_WAITS:]
    yield f"{place.candidate.name} wait", median(waits) * 1000
    yield f"{place.candidate.name} longest wait", quantiles(waits, n=100)[-1] * 1000


def entered(place: Place, sizes: Sizes) -> Found:
    """Submit a batch, with nobody to take it."""
    yield f"{place.candidate.name} entered", _rate(place, "together", sizes.entered)


def entered_singly(place: Place, sizes: Sizes) -> Found:
    """Submit one by one, with nobody to take it."""
    rate = _rate(place, "singly", sizes.entered_singly)
    yield f"{place.candidate.name} entered singly", rate


def _rate(place: Place, manner: str, number: int) -> float:
    with place.producer(manner, number) as producer:
        said = producer.said()
    return float(number / (said["ended"] - said["began"]))


def memory(place: Place, sizes: Sizes) -> Found:
    """See how the workers grow when much is queued."""
    place.carry_out("together", sizes.few, LATENCY)
    yield "memory idle", max(_watched(place))
    with place.producer("together", sizes.waiting) as producer:
        highest = 0.0
        while not producer.ended:
            highest = max(highest, place.memory())
            time.sleep(_LOOK)
        producer.said()
    yield "memory full", max(highest, *_watched(place))


def _watched(place: Place) -> Iterator[float]:
    """Give the memory now, and for a while."""
    ends = time.monotonic() + _WATCH
    while time.monotonic() < ends:
        yield place.memory()
        time.sleep(_LOOK)
