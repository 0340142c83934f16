"""The trial by fire in its short form: nothing is lost, doubled or overtaken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.shape import SHORT

SEED = 7


@pytest.mark.usefixtures("redis")  # only to tell whether this machine has a redis-server
def test_a_trial_by_fire(tmp_path: Path) -> None:
    """Workers and Redis die, messages and replies get lost, ClassIn fails: and all is well."""
    report = tmp_path / "report.json"

    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--short", f"--seed={SEED}", f"--report={report}"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (said["seed"], said["submitted"]) == (SEED, SHORT.submitted)
    assert SHORT.submitted <= sum(said["settled"].values()) <= SHORT.submitted + SHORT.retried
    assert said["offences"] == []
    assert said["redis_restarts"] == SHORT.redis_deaths
    assert said["workers_killed"] >= SHORT.workers
