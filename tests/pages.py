"""The pages of documentation, taken apart: what is typed on them, and where their links lead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: The project's folder.
ROOT = Path(__file__).parents[1]

#: A remark in front of a block says that it is not run, and why, or that it ends by Ctrl-C only.
NOT_RUN, ENDLESS = "not run:", "until Ctrl-C"

_BLOCK = re.compile(
    r"^(?:<!-- (?P<remark>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    #: What stands in the comment in front of it.
    remark: str
    #: The heading that it stands below.
    section: str

    @property
    def commands(self) -> Iterator[str]:
        """Return its lines of shell, without comments and indentation."""
        return (line.partition("  #")[0].strip() for line in self.text.splitlines())


def pages(root: Path = ROOT) -> list[Path]:
    """Return all pages."""
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])


def blocks(text: str, language: str = "") -> list[Block]:
    """Return the blocks of a page's text, in order; those of one language, if it is given."""
    found = []
    for match in _BLOCK.finditer(text):
        headings = _HEADING.findall(_without_blocks(text[: match.start()]))
        section = headings[-1] if headings else ""
        remark = match["remark"] or ""
        found.append(Block(match["language"], match["text"], remark, section))
    return [block for block in found if language in {"", block.language}]


def anchors(text: str) -> set[str]:
    """Return the names by which links reach a page's headings, as GitHub makes them."""
    prose = _without_blocks(text)
    named = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose)]
    return {name.strip().replace(" ", "-") for name in named} | set(
        re.findall(r'<a id="([^"]+)">', prose)
    )


def links(text: str) -> list[str]:
    """Return where a page's links and pictures lead, but for other sites."""
    prose = _without_blocks(text)
    found = re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose)
    return found + re.findall(r'src="(?!https?:)([^"]+)"', prose)


def _without_blocks(text: str) -> str:
    return _BLOCK.sub("", text)
