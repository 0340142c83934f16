"""A module of somebody else's that attaches hooks, in a real worker and in the command."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stage import PLAIN_CELERY, Command, Environment, WorkerProcess, until

MODULE = """
import json, os, sys

from producers.hooks import on_submitted
from worker.hooks import on_attempt, on_settled


def write(kind, event):
    with open(os.environ["SCHOOL_TRACE"], "a", encoding="utf-8") as trace:
        trace.write(json.dumps([kind, event.id, event.operation]) + "\\n")


@on_submitted
def submitted(event):
    write("submitted", event)


@on_attempt
def attempt(event):
    write(f"attempt {event.attempt.n} {event.attempt.code}", event)
    raise ArithmeticError("of the hook's own")


@on_settled
def settled(event):
    write(event.state.value, event)
"""


@pytest.fixture
def trace(environment: Environment, tmp_path: Path) -> Path:
    """Put the module where Python finds it, and name it; gives the file that it writes."""
    (tmp_path / "school_trace.py").write_text(MODULE, encoding="utf-8")
    environment.variables |= {
        "PYTHONPATH": str(tmp_path),
        "SCHOOL_TRACE": str(tmp_path / "trace.jsonl"),
    }
    environment.set(hooks="school_trace", threads="2", worker_processes="1")
    return tmp_path / "trace.jsonl"


def told(trace: Path) -> list[Any]:
    """Read what the hooks wrote."""
    lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("command", [(), PLAIN_CELERY], ids=["classin", "celery"])
def test_hooks_are_told_of_the_life_of_an_operation(
    command: tuple[str, ...],
    trace: Path,
    classin: Command,
    worker: WorkerProcess,
) -> None:
    """One that fails is logged once; the operation goes its way."""
    worker.start(command)
    words = ("enqueue", "edit_course", "courseId=352861", "courseName=Today", "--wait", "--json")

    done = [classin(*words) for _ in range(2)]

    assert [each.returncode for each in done] == [0, 0], done[0].stderr
    until(lambda: len(told(trace)) == 6, "all hooks were told")
    for each in done:
        record_id = json.loads(each.stdout)["id"]
        kinds = {kind for kind, name, _ in told(trace) if name == record_id}
        assert kinds == {"submitted", "attempt 1 1", "succeeded"}
    assert {operation for _, _, operation in told(trace)} == {"edit_course"}
    assert worker.said().count("a function of on_attempt failed") == 1
    assert "ArithmeticError: of the hook's own" in worker.said()


def test_a_module_that_is_not_there_is_said_at_the_start(
    trace: Path, environment: Environment, classin: Command, worker: WorkerProcess
) -> None:
    """By the command, and by a worker, which does not start without it."""
    environment.set(hooks="school_trace no_such_trace")
    said = classin("enqueue", "edit_course", "courseId=352861", "courseName=Today")
    assert (said.returncode, told(trace)) == (2, [])
    assert "no_such_trace cannot be imported" in said.stderr
    worker.start(PLAIN_CELERY, ready=False)
    until(lambda: not worker.alive, "the worker ended")
    assert "CLASSIN_HOOKS: no_such_trace cannot be imported" in worker.said()
