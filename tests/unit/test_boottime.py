"""The clock of leases: it counts the time in which a machine is suspended."""

import sys
import time

import pytest

from worker.boottime import boottime, clock_of


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has this clock")
def test_on_linux_it_is_the_time_since_the_machine_started() -> None:
    """With the time asleep, which monotonic leaves out."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= boottime() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_where_no_clock_counts_the_time_asleep_it_is_monotonic() -> None:
    """There the ledger is asked all the same, after each wait."""
    assert clock_of("some other system") is time.monotonic
