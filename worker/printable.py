"""Printable text: control characters of untrusted text are shown, not executed."""

import re

#: C0, DEL and C1; marks that reorder, hide or split text; lone surrogates. Flag tags, and joiners
#: between non-ASCII characters (emoji, Persian, Hindi), are part of visible text.
_ACTING = re.compile(
    "\U0001f3f4[\U000e0020-\U000e007f]+"
    "|[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
    "|[\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def printable(text: str) -> str:
    r"""Return a text as one line: ESC becomes `\x1b`, a line break `\n`, and so on."""
    return _ACTING.sub(_written, text)


def printable_lines(text: str) -> str:
    r"""Return a text of several lines with all else printable; a tab becomes a space."""
    return "\n".join(map(printable, text.replace("\t", " ").split("\n")))


def _written(found: re.Match[str]) -> str:
    text = found[0]
    return text if len(text) > 1 else text.encode("unicode_escape").decode("ascii")
