"""All operations in one view, by what the index says: their declarations are not needed for it."""

from ops.cli.markup import marked
from ops.cli.output import out, table
from worker.classin.index import INDEX


def print_listing() -> None:
    """Print a table of the operations, chapter by chapter."""
    rows = table("chapter", "operation", "*what it does", "a repeat")
    chapter = ""
    for name, brief in INDEX.items():
        rows.add_row(
            brief.chapter if brief.chapter != chapter else "", name, brief.title, brief.idempotency
        )
        chapter = brief.chapter
    out().print(rows)
    out().print(marked("\nExplain one with: classin ops create_folder"))
