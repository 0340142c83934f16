"""The built wheel, installed in an environment of its own, as whoever submits uses it."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from inspect import getdoc
from pathlib import Path
from textwrap import dedent

import pytest

import producers.testing
from worker.config.settings import environment_with

ROOT = Path(__file__).parents[2]

#: What a type checker refuses: a name, two fields, an option, a timeout.
WRONG = """
from producers import EditCourse, EditCurse, submit

submit(EditCourse(course_id="x", course_nam="Spring"))
submit(EditCourse(course_id=1), priorty="high").wait("long")
"""


def run(*words: str | Path, cwd: Path, ends: int = 0) -> str:
    """Run a program to its end, and return what it wrote."""
    variables = environment_with({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    command = [str(word) for word in words]
    done = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == ends, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel; its libraries are those of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env")
    python = folder / "env" / "bin" / "python"
    install = ("install", "--quiet", "--no-index", "--no-deps", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a program that submits."""
    shutil.copy(Path(__file__).with_name("typed_program.py"), tmp_path)
    return tmp_path


def test_an_installed_wheel_submits(python: Path, program: Path) -> None:
    """What runs is the wheel, not the checkout."""
    home = run(python, "-c", "import producers; print(producers.__file__)", cwd=program)
    assert Path(home.strip()).is_relative_to(python.parents[1])
    assert run(python, "typed_program.py", cwd=program).splitlines() == [
        "5 submitted, the last is failed",
        "courseId: should be a whole number; got 'x'",
        "Redis does not answer: a test set `unavailable`",
    ]


def test_type_checkers_know_the_installed_wheel(python: Path, program: Path) -> None:
    """`mypy --strict` takes the program, and finds each thing that is wrong in another."""
    (program / "wrong.py").write_text(WRONG, encoding="utf-8")
    # What mypy found out of the libraries is kept for the next time: that takes it longest.
    cache = ROOT / ".mypy_cache" / "wheel"
    words = ("-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", cache, ".")
    found = run(sys.executable, *words, cwd=program, ends=1).splitlines()
    errors = [line.split(": error: ")[0] for line in found if ": error: " in line]
    assert errors == ["wrong.py:2"] + ["wrong.py:4"] * 2 + ["wrong.py:5"] * 2, found


def test_the_documented_example_passes(python: Path, tmp_path: Path) -> None:
    """It stands in the docstring of `producers.testing`; the fixture is found as a plugin."""
    example = (getdoc(producers.testing) or "").split("\n\n", 1)[1].rpartition("\n\n")[0]
    (tmp_path / "test_example.py").write_text(dedent(example), encoding="utf-8")
    plugins = ("-p", "no:cacheprovider", "-p", "producers.testing.pytest_plugin")
    assert "1 passed" in run(python, "-m", "pytest", "-q", *plugins, cwd=tmp_path)
