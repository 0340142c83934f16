"""The command is quick to answer: it loads what it needs, and tells nothing that is not so."""

import gc
import inspect
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
import typer

from ops.cli.build import build
from ops.cli.command_table import COMMANDS, NAMES, PURPOSE, overview
from ops.processes.redis_server import PrivateRedis
from worker.config.settings import environment_with

#: What seals.
CIPHER = "cryptography.hazmat.primitives.ciphers.aead"

#: What takes long to import.
HEAVY = frozenset(
    {
        "aiohttp", "celery", CIPHER, "fsspec", "kombu", "pydantic", "redis",
        "requests", "rich", "tomllib", "urllib3", "worker.classin.codes",
        "worker.ledger.queries", "producers.files.sheets", "ops.cli.waiting",
    }
)  # fmt: skip

_COMMAND = "import sys; sys.argv = ['classin', {words}]; from ops.cli.main import main; main()"


def _unmeasured(variables: Mapping[str, str]) -> dict[str, str]:
    """Leave out what lets coverage, which loads tomllib, begin in a process."""
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE")}


def _told(code: str, what: str, root: Path, **variables: str) -> list[str]:
    """Run code in a process of its own, with these variables; gives what is so at its end."""
    report = f"import atexit, gc, sys; atexit.register(lambda: print({what}, file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{report}\n{code}"],
        cwd=root, env=_unmeasured(environment_with(variables)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stderr.splitlines()[-1].split()


def _loaded(code: str, root: Path, **variables: str) -> frozenset[str]:
    """Run code in a process of its own; gives which heavy modules it has loaded at its end."""
    return HEAVY & set(_told(code, "*sys.modules", root, **variables))


def _as_command(line: str) -> str:
    """Write the code that is run for a line of a shell."""
    return _COMMAND.format(words=", ".join(map(repr, line.split())))


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("--help", ""),
        ("enqueue --help", "pydantic"),
        ("ops", "rich"),
        ("ops edit_course", "pydantic rich worker.classin.codes"),
    ],
)
def test_a_command_loads_only_what_it_needs(line: str, needed: str, root: Path) -> None:
    """The first help waits for no library, and the catalogue for neither Redis nor Celery."""
    assert _loaded(_as_command(line), root) == set(needed.split())


def test_what_only_some_commands_run_with_is_loaded_when_they_run(root: Path) -> None:
    """No help, and no check of a job, waits for Celery, servers, HTTP, tables or the cipher."""
    light = {"pydantic", "redis", "tomllib", "worker.classin.codes", "worker.ledger.queries"}
    ours = {"producers.files.sheets", "ops.cli.waiting"}
    assert _loaded("from ops.cli.build import build; build()", root) <= light | ours


def test_to_submit_one_operation_loads_no_celery(root: Path, redis: PrivateRedis) -> None:
    """Nor what is for files, for judging and for painting."""
    line = "enqueue edit_course courseId=352861 courseName=Spring"
    variables = {"CLASSIN_REDIS_URL": redis.url, "CLASSIN_SID": "1", "CLASSIN_SECRET": "s"}
    assert _loaded(_as_command(line), root, **variables) == {"pydantic", "redis"}


def test_only_a_credential_loads_the_cipher(root: Path, redis: PrivateRedis) -> None:
    """A worker starts without it; whoever submits a password needs it, and nothing else more."""
    variables = {"CLASSIN_REDIS_URL": redis.url, "CLASSIN_SID": "1", "CLASSIN_SECRET": "s"}
    line = "enqueue register telephone=13800138000 password=a-secret"
    assert CIPHER not in _loaded("import worker.app", root, **variables)
    told = _loaded(_as_command(line), root, **variables)
    assert told == {"pydantic", "redis", CIPHER}


@pytest.mark.parametrize(("line", "usual"), [("show --help", False), ("worker --help", True)])
def test_only_what_works_for_days_looks_for_garbage_early(
    line: str, root: Path, *, usual: bool
) -> None:
    """What other commands import stays until they end, which is soon."""
    (threshold,) = _told(_as_command(line), "gc.get_threshold()[0]", root)
    assert (int(threshold) == gc.get_threshold()[0]) is usual


@pytest.mark.parametrize(
    "code",
    [
        (
            "from pathlib import Path; import producers;"
            "from worker.config.settings import Settings;"
            "home, keys = Path('/nowhere'), Path('/elsewhere/keys.json');"
            "producers.Submitter.from_settings(Settings(home=home, keys=keys))"
        ),
        (
            "from producers.testing import InMemorySubmitter;"
            "InMemorySubmitter().submit('edit_course', {'courseId': 352861})"
        ),
    ],
)
def test_a_submitter_loads_no_celery(code: str, root: Path) -> None:
    """Celery comes only when a message is to be sent through it, fsspec when there is a file."""
    assert _loaded(code, root) == {"pydantic", "redis"}


@pytest.mark.parametrize(
    ("asked", "chapters"),
    [
        ("from worker.classin.catalogue import find; find('edit_course')", ["courses"]),
        ("from producers import EditCourse", ["courses"]),
        ("from producers import submit, submit_many", []),
    ],
)
def test_only_the_chapter_of_an_operation_is_loaded(
    asked: str, chapters: list[str], root: Path
) -> None:
    """To import an operation, or to find it by name, does not import all the others."""
    code = (
        f"{asked}; import sys; chapters = 'worker.classin.operations.'; "
        "assert [name for name in sys.modules if name.startswith(chapters)] == "
        f"[chapters + name for name in {chapters}]"
    )
    _loaded(code, root)


@pytest.mark.parametrize("name", NAMES)
def test_the_overview_says_what_a_command_says_of_itself(name: str) -> None:
    """The line in the overview is the first of the command's own help."""
    command = getattr(import_module(f"ops.cli.commands.{name}"), name)
    says = command.info.help if isinstance(command, typer.Typer) else inspect.getdoc(command)
    lines = {name: line for group in COMMANDS.values() for name, line in group.items()}
    assert lines[name] == (says or "").partition("\n")[0]


def test_the_program_has_the_commands_of_the_overview() -> None:
    """All of them, and no other."""
    program = build()
    alone = [str(command.name) for command in program.registered_commands]
    groups = [str(group.name) for group in program.registered_groups]
    assert sorted(alone + groups) == sorted(NAMES)


def test_the_overview_fits_into_a_narrow_terminal() -> None:
    """Long lines are broken, and go on where they began; into a file they stay whole."""
    narrow, wide = overview(60).splitlines(), overview().splitlines()
    assert max(map(len, narrow)) <= 60
    assert " ".join(" ".join(narrow).split()) == " ".join(" ".join(wide).split())
    assert f"  {PURPOSE}" in wide
    start = next(line for line in narrow if line.startswith("  demo "))
    after = narrow[narrow.index(start) + 1]
    assert len(after) - len(after.lstrip()) == start.index("Run the main job")
