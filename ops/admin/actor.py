"""The OS user or the scheduled job that acts, for the audit trail."""

import os
import pwd


def actor() -> str:
    """Return the OS user from passwd; environment variables are ignored."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container
        return f"uid {os.getuid()}"


def author(run: str | None) -> str:
    """Return the job of a run, whose id is JOB:TICK; without a run, the user."""
    return actor() if run is None else f"job {run.partition(':')[0]}"
