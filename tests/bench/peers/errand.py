"""The unit of work of every peer: one POST over a connection that is kept, as ours sends it."""

import os
import threading

import requests

URL = os.environ["BENCH_URL"] + "/partner/api/course.api.php?action=editCourse"
HEALTH = os.environ["BENCH_URL"] + "/bench/health"
SOCKET = os.environ["BENCH_SOCKET"]
#: Operations side by side in each of two processes.
THREADS = int(os.environ["BENCH_THREADS"])

_local = threading.local()


def form(number: int) -> dict[str, str]:
    """Give what is sent: as much as our own requests carry, without the work of signing."""
    return {
        "SID": "1000082",
        "safeKey": "fca03dfa214280174ce6c1aef4c5d7ca",
        "timeStamp": "1767225600",
        "courseId": str(number),
        "courseName": f"Course {number}",
    }


def session() -> requests.Session:
    """Give this thread's session."""
    kept: requests.Session | None = getattr(_local, "session", None)
    if kept is None:
        kept = _local.session = requests.Session()
    return kept


def post(number: int) -> None:
    """Send one request, and read the answer."""
    session().post(URL, data=form(number), timeout=30).raise_for_status()
