"""Hooks: who is told of what, and what happens to a hook that fails."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from producers import Submitter
from tests.unit.stage import Stage, said
from worker.classin.operations.courses import EditCourse
from worker.classin.operations.users import Register
from worker.classin.response import Reply
from worker.classin.verdicts import Verdict
from worker.config.settings import Settings, from_env
from worker.errors import InvalidSettingsError
from worker.hooks import AttemptMade, Hook, RecordSettled, load_hooks
from worker.ledger.states import Reason, State

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")


def test_attempts_and_the_settled_record_are_told(stage: Stage) -> None:
    """Each attempt, those between included, then where the report left the record."""
    attempts, settled = list[AttemptMade](), list[RecordSettled]()
    stage.on_attempt(attempts.append)
    stage.on_settled(settled.append)
    course = stage.submit_raw("edit_course", COURSE.to_dict(), batch="b", source="sis")

    stage.perform(course, said(104), said(1))

    assert [(each.id, each.batch, each.attempt.n) for each in attempts] == [
        (course, "b", 1),
        (course, "b", 2),
    ]
    assert [each.attempt.verdict for each in attempts] == [Verdict.RETRY, Verdict.DONE]
    (event,) = settled
    record = stage.ledger.find(course)
    assert (event.id, event.state, event.reason, event.code) == (course, record.state, None, 1)
    assert (event.operation, event.school, event.source) == ("edit_course", "main", "sis")
    assert (event.attempts, event.enqueued_at) == (2, record.enqueued_at)


def test_what_is_put_off_is_not_settled(stage: Stage) -> None:
    """Its attempt is told all the same."""
    attempts, settled = list[AttemptMade](), list[RecordSettled]()
    stage.on_attempt(attempts.append)
    stage.on_settled(settled.append)
    stage.perform(stage.submit(COURSE), said(253))
    assert (len(attempts), settled) == (1, [])


def test_what_was_never_sent_settles_without_an_attempt(stage: Stage) -> None:
    """The worker refused it."""
    attempts, settled = list[AttemptMade](), list[RecordSettled]()
    stage.on_attempt(attempts.append)
    stage.on_settled(settled.append)
    stage.perform(stage.submit_raw("edit_course", {}), said(1))
    ((event),) = settled
    assert (attempts, event.state, event.reason) == ([], State.FAILED, Reason.REFUSED)
    assert event.message.startswith("courseId: is required")


def test_what_was_called_off_meanwhile_is_told_as_cancelled(stage: Stage) -> None:
    """The ledger has the last word on where a record stands."""
    settled = list[RecordSettled]()
    stage.on_settled(settled.append)
    course = stage.submit(COURSE)

    def cancel() -> Reply:
        stage.ledger.cancel(course)
        return said(253)

    stage.perform(course, cancel)
    assert [(each.state, each.reason) for each in settled] == [(State.CANCELLED, None)]


def test_events_hold_nothing_that_is_masked(stage: Stage) -> None:
    """Neither fields nor results; and where ClassIn quotes a field, it is masked."""
    told: list[object] = []
    stage.on_attempt(told.append)
    stage.on_settled(told.append)
    register = Register(telephone="13812345678", password="hunter2hunter2", nickname="Zhang San")
    answer = said(135, "13812345678 of Zhang San with hunter2hunter2", data=1001)
    stage.perform(stage.submit(register), answer)
    assert len(told) == 2
    for secret in ("13812345678", "hunter2", "Zhang San"):
        assert secret not in repr(told)


def test_a_hook_that_raises_is_logged_once_and_harms_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does one that wants to end the process; those behind it are told."""
    told: list[object] = []

    @stage.on_attempt
    def fail(made: AttemptMade) -> None:
        raise ZeroDivisionError(made.id)

    @stage.on_settled
    def leave(_: RecordSettled) -> None:
        sys.exit(3)

    stage.on_attempt(told.append)
    stage.on_settled(told.append)
    ids = [stage.submit(COURSE) for _ in range(3)]

    for each in ids:
        stage.perform(each, said(1))

    assert {each.state for each in stage.ledger.find_all(ids)} == {State.SUCCEEDED}
    assert len(told) == 6
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [each.args for each in errors] == [("on_attempt",), ("on_settled",)]
    assert "ZeroDivisionError" in caplog.text


def test_a_function_attaches_once_and_can_be_detached() -> None:
    """As when its module is imported under two names."""
    told = list[int]()
    hook: Hook[int] = Hook("on_test")
    assert not hook
    hook(told.append)
    hook(told.append)
    hook.tell(1)
    hook.detach(told.append)
    hook.tell(2)
    assert (told, bool(hook)) == ([1], False)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of somebody else's; gives its name."""
    name = "hooks_of_a_school"
    (tmp_path / f"{name}.py").write_text("LOADED = True\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_modules_are_named_in_the_settings(settings: Settings, stage: Stage, module: str) -> None:
    """Who submits imports them as it starts."""
    Submitter(replace(settings, hooks=(module,)), stage.ledger)
    assert sys.modules[module].LOADED


def test_all_modules_that_cannot_be_imported_are_named(module: str, tmp_path: Path) -> None:
    """With what keeps them from it, but for what an error of their own says."""
    (tmp_path / "broken_hooks.py").write_text("raise ValueError('a secret')\n", encoding="utf-8")
    with pytest.raises(InvalidSettingsError) as raised:
        load_hooks([module, "no_such_hooks", "broken_hooks"])
    assert [str(fault) for fault in raised.value.faults] == [
        "CLASSIN_HOOKS: no_such_hooks cannot be imported: No module named 'no_such_hooks'",
        "CLASSIN_HOOKS: broken_hooks cannot be imported: it raises ValueError",
    ]


def test_what_is_no_module_s_name_is_said(tmp_path: Path) -> None:
    """Before anything is imported."""
    here = {"CLASSIN_HOME": str(tmp_path), "CLASSIN_SID": "1", "CLASSIN_SECRET": "s"}
    assert from_env({**here, "CLASSIN_HOOKS": "a.b  c"}).hooks == ("a.b", "c")
    with pytest.raises(InvalidSettingsError, match="CLASSIN_HOOKS: should name modules"):
        from_env({**here, "CLASSIN_HOOKS": "a, b"})
