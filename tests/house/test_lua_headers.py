"""Each Lua script says in its header what it takes and what it answers."""

import re
from collections.abc import Mapping
from itertools import takewhile

#: Put in front of the others, and never called alone.
SHARED = "ledger.lua"


def test_each_header_lists_keys_arguments_and_answer(scripts: Mapping[str, str]) -> None:
    """The comment on top has a purpose, and a line each for KEYS, ARGV and the answer."""
    for name in scripts.keys() - {SHARED}:
        header = list(takewhile(lambda line: line.startswith("--"), scripts[name].splitlines()))
        labels = re.findall(r"^-- (KEYS|ARGV|answer): \S", "\n".join(header), re.MULTILINE)
        assert labels == ["KEYS", "ARGV", "answer"], name
        assert not header[0].startswith("-- KEYS"), name


def test_the_shared_part_says_that_it_is_shared(scripts: Mapping[str, str]) -> None:
    """Whoever opens it learns that it runs in front of the others."""
    assert scripts[SHARED].startswith("-- Shared by all scripts")
