"""What Python and the scripts both know stands in Python: keys, states, limits."""

import ast
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest

from worker.ledger.keys import PREFIX, Keys, all_keys
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.scripts import SCRIPTS, text_of
from worker.ledger.states import Reason, State

KEYS = dict(all_keys())


def code_of(script: str) -> str:
    """Return a script without its comments."""
    return re.sub(r"--.*", "", script)


def test_no_script_names_a_key_itself(scripts: Mapping[str, str]) -> None:
    """It says KEY.counts, not what that is called."""
    assert [name for name, text in scripts.items() if PREFIX in text] == []


def test_no_script_names_a_state_or_a_reason_itself(scripts: Mapping[str, str]) -> None:
    """It says STATE.queued and REASON.poison; runs of jobs have states of their own."""
    words = [*State, *set(Reason) - {Reason.DECIDED}]  # `decided` is a field of records as well
    named = re.compile("|".join(f"'{word}'" for word in words))
    of_jobs = {name for name, parts in SCRIPTS.items() if "runs" in parts} | {"lib/runs"}
    found = {
        name: named.findall(code_of(text)) for name, text in scripts.items() if name not in of_jobs
    }
    assert {name: states for name, states in found.items() if states} == {}


def test_no_script_has_a_limit_or_a_lifetime_of_its_own(scripts: Mapping[str, str]) -> None:
    """It says LIMIT.barred_for; that a second has 1000 ms it may know."""
    found = {
        name: re.findall(r"(?<![\w.$])(?<!\* )(?<!/ )\d{3,}|\d+e\d+", code_of(text))
        for name, text in scripts.items()
    }
    assert {name: numbers for name, numbers in found.items() if numbers} == {}


@pytest.mark.parametrize("name", SCRIPTS)
def test_all_that_a_script_names_is_known(name: str) -> None:
    """Nothing is left to be filled in, and a script is the same each time for a prefix."""
    text = text_of(name, "north")
    assert not re.search(r"\b(KEY|LIMIT|LIST|SET|STATE|REASON)\.", text)
    assert f"'{PREFIX}:" not in text
    assert text == text_of.__wrapped__(name, "north")


def test_no_module_names_a_key_itself(sources: Mapping[str, ast.Module]) -> None:
    """It asks Keys, which knows the prefix."""
    found = {
        path: node.value
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and re.match(f"{PREFIX}:\\S", str(node.value))
    }
    assert found == {}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_named_by_those_who_write_it(
    root: Path, scripts: Mapping[str, str], name: str
) -> None:
    """The page on keys sends nobody to a file that has nothing to do with one."""
    modules = root / "worker" / "ledger"
    for writer in KEYS[name].info.writers.split(", "):
        path = root / f"{writer}.py" if "/" in writer else modules / f"{writer}.py"
        text = scripts.get(writer) or path.read_text(encoding="utf-8")
        assert re.search(rf"(?i)keys?\.{name}\b", text), writer


def test_no_two_keys_are_the_same() -> None:
    """Nor does one begin as a family does."""
    keys = Keys()
    names = [key.in_script(keys.prefix) for key in KEYS.values()]
    assert len(set(names)) == len(names)
    assert QUEUE not in names


def test_every_key_is_named_somewhere(
    scripts: Mapping[str, str], sources: Mapping[str, ast.Module]
) -> None:
    """None is listed that nobody uses."""
    in_scripts = set(re.findall(r"KEY\.(\w+)", "".join(scripts.values())))
    in_python = {
        node.attr
        for node in chain(*map(ast.walk, sources.values()))
        if isinstance(node, ast.Attribute)
    }
    assert {name for name in KEYS if name not in in_scripts | in_python} == set()


def test_who_connects_says_the_prefix(sources: Mapping[str, ast.Module]) -> None:
    """Without it a part of the system would write among another system's keys."""
    without = [
        f"{path}:{node.lineno}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "connect"
        and len(node.args) != 2  # the address, and the prefix
    ]
    assert without == []
