"""Text in rich's markup: values in it stay as they are, whatever they look like."""

from collections.abc import Iterable

from worker.printable import printable


class Marked(str):
    """Text in rich's markup: made by `marked`, or written in this program."""

    __slots__ = ()


def marked(template: str, *values: object) -> Marked:
    """Return markup with values in place of its `{}`, as they are: no markup, on one line."""
    from rich.markup import escape  # noqa: PLC0415  # rich

    shown = (str(v) if isinstance(v, Marked) else escape(printable(str(v))) for v in values)
    return Marked(template.format(*shown) if values else template)


def joined(between: str, parts: Iterable[object]) -> Marked:
    """Return values with something of ours between them, such as a line break."""
    return Marked(between.join(marked("{}", part) for part in parts))


def lines(text: str) -> Marked:
    """Return a text that may have several lines, each of them shown as it is."""
    return joined("\n", text.replace("\t", " ").split("\n"))
