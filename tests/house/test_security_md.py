"""SECURITY.md lists each attack that is tried, and no other."""

import re
from pathlib import Path

import pytest

#: It is to be read whole.
MOST_LINES = 150


@pytest.fixture(scope="module")
def said(root: Path) -> str:
    """What SECURITY.md says."""
    return (root / "SECURITY.md").read_text(encoding="utf-8")


def test_every_attack_that_is_tried_is_listed(root: Path, said: str) -> None:
    """Each file of attacks has a row, a folder of them one for all, and each row what it names."""
    listed = re.findall(r"^\|.*\]\((tests/security/\S+?)\)", said, re.MULTILINE)
    attacks = root / "tests" / "security"
    there = {attacks / path.relative_to(attacks).parts[0] for path in attacks.rglob("test_*.py")}

    assert sorted(listed) == sorted(path.relative_to(root).as_posix() for path in there)


def test_what_it_links_to_is_there(root: Path, said: str) -> None:
    """Each link to a file of the project leads somewhere."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", said)

    assert [link for link in links if not (root / link).exists()] == []


def test_it_can_be_read_whole(said: str) -> None:
    """It has a page or two, and the README sends there."""
    assert len(said.splitlines()) <= MOST_LINES


def test_the_readme_leads_to_it(root: Path) -> None:
    """Who looks for it finds it where all begins."""
    assert "](SECURITY.md)" in (root / "README.md").read_text(encoding="utf-8")
