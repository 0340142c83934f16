"""Boot-time clock for leases: it never goes back, and counts while the machine is suspended."""

import sys
import time
from collections.abc import Callable
from functools import partial

#: The clock that counts time asleep, by platform. On both, `time.monotonic` does not. (macOS's
#: CLOCK_MONOTONIC does, but follows the wall clock when that is set.)
_CLOCKS = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC_RAW"}


def clock_of(platform: str) -> Callable[[], float]:
    """Return the platform's clock that counts time asleep, else the monotonic one."""
    number = getattr(time, _CLOCKS.get(platform, ""), None)
    if number is None:
        return time.monotonic
    clock = partial(time.clock_gettime, number)
    try:
        clock()
    except OSError:  # the kernel is older than its headers
        return time.monotonic
    return clock


#: Seconds from an arbitrary start.
boottime: Callable[[], float] = clock_of(sys.platform)
