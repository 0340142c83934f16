"""The console: where text for people goes out, as it is, none of it acting on the terminal."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from ops.cli.markup import Marked
from worker.printable import printable, printable_lines


class PlainConsole(Console):
    """A console that takes for markup only what is `Marked`; all else is shown on one line."""

    def render_str(self, text: str, **options: Any) -> Any:  # noqa: ANN401  # as rich has it
        """Make a text ready; it is measured so."""
        of_ours = isinstance(text, Marked)
        shown = text if of_ours else printable(text)
        return super().render_str(shown, **{**options, "markup": of_ours, "emoji": False})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Render anything, also what rich makes texts of by itself."""
        for each in super().render(renderable, options):
            shown = each.text if each.control else printable_lines(each.text)
            yield each if shown == each.text else each._replace(text=shown)
