"""Each Lua script says in its header what it takes and what it answers."""

import re
from collections.abc import Mapping
from itertools import takewhile

import pytest

from worker.ledger.scripts import SCRIPTS

LIBRARY = sorted({part for parts in SCRIPTS.values() for part in parts})


def test_every_script_is_in_use(scripts: Mapping[str, str]) -> None:
    """It is called by its name, or put in front of those that are."""
    assert scripts.keys() == {*SCRIPTS, *(f"lib/{part}" for part in LIBRARY)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_header_lists_keys_arguments_answer_and_bound(
    scripts: Mapping[str, str], name: str
) -> None:
    """The comment on top has a purpose, and says how much one call works on: Redis waits for it."""
    lines = scripts[name].splitlines()
    header = list(takewhile(lambda line: line.startswith("--"), lines))
    labels = re.findall(r"^-- (KEYS|ARGV|answer|work): \S", "\n".join(header), re.MULTILINE)
    assert labels == ["KEYS", "ARGV", "answer", "work"]
    assert not header[0].startswith("-- KEYS")


@pytest.mark.parametrize("name", LIBRARY)
def test_a_part_of_the_library_says_that_it_is_one(scripts: Mapping[str, str], name: str) -> None:
    """Whoever opens it learns that it runs in front of the others."""
    assert scripts[f"lib/{name}"].startswith("-- Shared by all scripts")
