"""Passwords on the command line: the list of processes and the shell's history show arguments."""

import subprocess
from pathlib import Path

import pytest

from ops.processes.supervisor import classin as command_line
from tests.stage import Command, Environment, until
from worker.config.settings import environment_with
from worker.encryption import FieldCipher
from worker.ledger.store import RedisLedger

WORD = "canary-word-8"
REGISTER = ("enqueue", "register", "telephone=13800009999", "nickname=Zz")


@pytest.fixture
def classin(environment: Environment) -> Command:
    """The command, with the test's environment."""
    return Command(environment)


def password_of(said: str, ledger: RedisLedger, environment: Environment) -> object:
    """The password of the record that a command names."""
    record = ledger.find(said.split()[2].rstrip(";"))
    seals = FieldCipher(environment.settings.keyring)
    return seals.revealed(record.operation, record.fields, record.school, record.id)["password"]


def test_a_password_from_a_line_is_in_no_list_of_processes(
    environment: Environment, ledger: RedisLedger
) -> None:
    """Any user of the machine reads /proc/PID/cmdline; only the owner reads standard input."""
    with subprocess.Popen(
        command_line(*REGISTER, "--ask", "password"),
        env=environment_with(environment.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        line = Path(f"/proc/{process.pid}/cmdline")
        until(lambda: b"--ask" in line.read_bytes(), "it runs")
        shown = line.read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
        assert WORD.encode() not in shown
        said, warned = process.communicate(f"{WORD}\n")
    assert (WORD in said + warned) is False
    assert password_of(said, ledger, environment) == WORD


def test_a_password_comes_from_a_file(
    classin: Command, ledger: RedisLedger, environment: Environment, tmp_path: Path
) -> None:
    """As a scheduled job or a script has it."""
    path = tmp_path / "word"
    path.touch(0o600)
    path.write_text(f"{WORD}\n", encoding="utf-8")
    done = classin(*REGISTER, "--secret-file", f"password={path}")
    assert done.stderr == ""
    assert password_of(done.stdout, ledger, environment) == WORD


def test_a_password_among_the_arguments_is_warned_of(classin: Command) -> None:
    """It still works, for who has no other way; the warning does not repeat it."""
    done = classin(*REGISTER, f"password={WORD}")
    assert done.returncode == 0
    assert "warning: the list of processes" in done.stderr
    assert "--ask password" in done.stderr
    assert WORD not in done.stderr


def test_a_password_among_the_settings_of_a_retry_is_warned_of(
    classin: Command,
) -> None:
    """`retry --set password=...` is an argument as well."""
    record = classin(*REGISTER, f"password={WORD}").stdout.split()[2].rstrip(";")
    assert classin("cancel", record).returncode == 0
    done = classin("retry", record, "--set", f"password={WORD}-new", "--dry-run")
    assert "warning: the list of processes" in done.stderr
    assert WORD not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--secret-file", "password"], "should be written as field=path"),
        (["--secret-file", "password=/nowhere/word"], "cannot be read: No such file"),
        (["--ask", "password"], "should have 1 to 4,096 characters"),
    ],
)
def test_what_is_no_password_is_refused_in_a_line(
    words: list[str], fault: str, classin: Command
) -> None:
    """Nothing is submitted without it."""
    done = classin(*REGISTER, *words)
    assert done.returncode == 2
    assert fault in done.stderr
