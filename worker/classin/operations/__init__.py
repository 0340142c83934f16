"""The operations, a module for each chapter of the API."""

from importlib import import_module

#: The chapters in the order in which the API's pages stand.
CHAPTERS = (
    "users",
    "courses",
    "lessons",
    "rosters",
    "lesson_rosters",
    "activities",
    "classrooms",
    "cloud",
    "broadcast",
    "playback",
    "schools",
    "double_teacher",
)


def load() -> None:
    """Import every chapter; each class enters the catalogue as it is defined."""
    for chapter in CHAPTERS:
        import_module(f"{__name__}.{chapter}")
