"""Lessons of one school: those of API version 1, and classrooms (LMS)."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto

from pydantic import ConfigDict

from ops.simulator.state.drive import Held


class Phase(Enum):
    """Whether a lesson is ahead, running or over."""

    AHEAD = auto()
    RUNNING = auto()
    OVER = auto()


class Lesson(Held):
    """A lesson; other fields are kept as given."""

    model_config = ConfigDict(extra="allow")

    class_id: int
    course_id: int
    class_name: str
    begin_time: int
    end_time: int
    teacher_uid: int
    assistant_uids: tuple[int, ...] = ()
    #: A classroom is an activity as well, and may be in a unit.
    activity_id: int | None = None
    unit_id: int | None = None
    unique_identity: str | None = None
    folder_id: int | None = None
    #: Students on stage besides the teacher.
    seat_num: int = 6
    is_hd: int = 0
    is_dc: int = 0
    record: bool = False
    live: bool = False
    replay: bool = False
    locked: bool = False
    deleted_clips: tuple[str, ...] = ()
    #: Students of this lesson only, and students of the course who are not in this lesson.
    drop_ins: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    label_ids: tuple[int, ...] = ()
    #: Who may watch the replay in the client; None: the default.
    viewers: tuple[int, ...] | None = None
    #: The main lesson of a sub-lesson.
    main_class_id: int | None = None
    deleted: bool = False

    @property
    def name(self) -> str:
        """Its name, as activities have one."""
        return self.class_name

    @property
    def published(self) -> bool:
        """Always True: lessons have no drafts."""
        return True

    @property
    def is_classroom(self) -> bool:
        """Whether it was created as a classroom."""
        return self.activity_id is not None

    @property
    def clips(self) -> tuple[str, ...]:
        """Ids of its video clips, deleted ones included; a recorded lesson has two."""
        return (f"{self.class_id}-1", f"{self.class_id}-2") if self.record else ()

    def phase(self, now: float) -> Phase:
        """Return its phase at a time, in seconds since 1970."""
        if now < self.begin_time:
            return Phase.AHEAD
        return Phase.RUNNING if now < self.end_time else Phase.OVER


class Lessons:
    """All lessons of one school, deleted ones included, in order of creation."""

    def __init__(self, lessons: Iterable[Lesson], new_id: Callable[[], int]) -> None:
        """Take the initial lessons."""
        self._lessons: dict[int, Lesson] = {}
        self._of_course: dict[int, list[int]] = {}
        self._subs: dict[int, list[int]] = {}
        self._identities: dict[str, int] = {}
        self._new_id = new_id
        for lesson in lessons:
            self._enter(lesson)

    def __contains__(self, class_id: int) -> bool:
        return class_id in self._lessons

    def __getitem__(self, class_id: int) -> Lesson:
        return self._lessons[class_id]

    def __iter__(self) -> Iterator[Lesson]:
        return iter(self._lessons.values())

    def find(self, class_id: int) -> Lesson | None:
        """Return a lesson by id, also a deleted one."""
        return self._lessons.get(class_id)

    def identified(self, identity: str | None) -> Lesson | None:
        """Return the lesson with this unique identity."""
        class_id = self._identities.get(identity) if identity else None
        return None if class_id is None else self._lessons[class_id]

    def of(self, course_id: int) -> list[Lesson]:
        """Return a course's lessons that are not deleted."""
        return self._living(self._of_course, course_id)

    def subs(self, lesson: Lesson) -> list[Lesson]:
        """Return a lesson's sub-lessons that are not deleted."""
        return self._living(self._subs, lesson.class_id)

    def has_two_teachers(self, lesson: Lesson) -> bool:
        """Return whether it is a double-teacher lesson, main or sub."""
        return lesson.main_class_id is not None or bool(self.subs(lesson))

    def add(self, drafted: Lesson) -> Lesson:
        """Add a lesson, with a new id."""
        return self._enter(drafted.model_copy(update={"class_id": self._new_id()}))

    def change(self, lesson: Lesson, **fields: object) -> Lesson:
        """Change a lesson's attributes."""
        changed = lesson.model_copy(update=fields)
        self._lessons[lesson.class_id] = changed
        return changed

    def delete(self, lesson: Lesson) -> None:
        """Delete a lesson, which frees its unique identity."""
        if lesson.unique_identity is not None:
            del self._identities[lesson.unique_identity]
        self.change(lesson, deleted=True, unique_identity=None)

    def _enter(self, lesson: Lesson) -> Lesson:
        self._lessons[lesson.class_id] = lesson
        self._of_course.setdefault(lesson.course_id, []).append(lesson.class_id)
        if lesson.main_class_id is not None:
            self._subs.setdefault(lesson.main_class_id, []).append(lesson.class_id)
        if lesson.unique_identity is not None:
            self._identities[lesson.unique_identity] = lesson.class_id
        return lesson

    def _living(self, index: dict[int, list[int]], key: int) -> list[Lesson]:
        lessons = (self._lessons[class_id] for class_id in index.get(key, ()))
        return [lesson for lesson in lessons if not lesson.deleted]
