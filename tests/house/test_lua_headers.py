"""Each Lua script says in its header what it takes and what it answers."""

import re
from collections.abc import Mapping
from itertools import takewhile

import pytest

from worker.ledger import report_store, schedule_store, store, write_check

SCRIPTS = (*store.SCRIPTS, *schedule_store.SCRIPTS, *report_store.SCRIPTS, *write_check.SCRIPTS)
SHARED = (*store.SHARED, *schedule_store.SHARED)


def test_every_script_is_in_use(scripts: Mapping[str, str]) -> None:
    """It is called by its name, or put in front of those that are."""
    assert scripts.keys() == {f"{name}.lua" for name in (*SHARED, *SCRIPTS)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_header_lists_keys_arguments_answer_and_bound(
    scripts: Mapping[str, str], name: str
) -> None:
    """The comment on top has a purpose, and says how much one call works on: Redis waits for it."""
    lines = scripts[f"{name}.lua"].splitlines()
    header = list(takewhile(lambda line: line.startswith("--"), lines))
    labels = re.findall(r"^-- (KEYS|ARGV|answer|work): \S", "\n".join(header), re.MULTILINE)
    assert labels == ["KEYS", "ARGV", "answer", "work"]
    assert not header[0].startswith("-- KEYS")


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_part_says_that_it_is_shared(scripts: Mapping[str, str], name: str) -> None:
    """Whoever opens it learns that it runs in front of the others."""
    assert scripts[f"{name}.lua"].startswith("-- Shared by all scripts")


def test_a_shared_part_is_no_script_of_its_own() -> None:
    """It cannot be called."""
    assert set(SHARED).isdisjoint(SCRIPTS)
