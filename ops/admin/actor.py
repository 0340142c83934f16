"""The OS user or the scheduled job that acts, for the audit trail."""

import os
import pwd


def actor() -> str:
    """Name the user, by the machine's own list: no variable decides it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"uid {os.getuid()}"


def author(run: str | None) -> str:
    """Name the job that a run belongs to, whose id is JOB:TICK; without one, the user."""
    return actor() if run is None else f"job {run.partition(':')[0]}"
