"""Activities of one school: classrooms, which are lessons as well, and all other kinds."""

from collections.abc import Callable, Iterable, Iterator

from ops.simulator.state.drive import Held
from ops.simulator.state.lessons import Lesson, Lessons


class Task(Held):
    """An activity other than a classroom: homework, a quiz, a discussion, ..."""

    activity_id: int
    course_id: int
    unit_id: int
    activity_type: int
    name: str
    teacher_uid: int
    start_time: int | None = None
    end_time: int | None = None
    published: bool = False
    #: Members of the course who were removed from it.
    absent: tuple[int, ...] = ()
    deleted: bool = False


Activity = Task | Lesson


class Activities:
    """All activities of one school, deleted ones included; iteration yields the tasks."""

    def __init__(self, tasks: Iterable[Task], lessons: Lessons, new_id: Callable[[], int]) -> None:
        """Take the initial tasks, and the lessons, some of which are classrooms."""
        self._lessons = lessons
        self._tasks = {task.activity_id: task for task in tasks}
        self._classrooms = {
            lesson.activity_id: lesson.class_id
            for lesson in lessons
            if lesson.activity_id is not None
        }
        self._new_id = new_id
        self._of_unit: dict[int, set[int]] = {}
        for task in self._tasks.values():
            self._place(task)
        for lesson in lessons:
            self._place(lesson)

    def __contains__(self, activity_id: int) -> bool:
        return activity_id in self._tasks or activity_id in self._classrooms

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def find(self, activity_id: int) -> Activity | None:
        """Return an activity by id, also a deleted one."""
        if (class_id := self._classrooms.get(activity_id)) is not None:
            return self._lessons.find(class_id)
        return self._tasks.get(activity_id)

    def of(self, unit_id: int) -> list[Activity]:
        """Return the activities of a unit that are not deleted."""
        found = map(self.find, sorted(self._of_unit.get(unit_id, ())))
        return [one for one in found if one is not None and not one.deleted]

    def add_task(self, drafted: Task) -> Task:
        """Add a task, with a new id."""
        task = drafted.model_copy(update={"activity_id": self._new_id()})
        self._tasks[task.activity_id] = task
        self._place(task)
        return task

    def add_classroom(self, drafted: Lesson) -> Lesson:
        """Add a classroom, as a lesson and as an activity."""
        lesson = self._lessons.add(drafted.model_copy(update={"activity_id": self._new_id()}))
        if lesson.activity_id is not None:
            self._classrooms[lesson.activity_id] = lesson.class_id
        self._place(lesson)
        return lesson

    def change(self, activity: Activity, **fields: object) -> Activity:
        """Change an activity's attributes."""
        if isinstance(activity, Lesson):
            changed: Activity = self._lessons.change(activity, **fields)
        else:
            changed = self._tasks[activity.activity_id] = activity.model_copy(update=fields)
        if changed.unit_id != activity.unit_id:
            self._of_unit.get(activity.unit_id or 0, set()).discard(activity.activity_id or 0)
            self._place(changed)
        return changed

    def delete(self, activity: Activity) -> None:
        """Delete an activity; of a classroom this frees the unique identity."""
        if isinstance(activity, Lesson):
            self._lessons.delete(activity)
        else:
            self.change(activity, deleted=True)

    def _place(self, activity: Activity) -> None:
        if activity.unit_id is not None and activity.activity_id is not None:
            self._of_unit.setdefault(activity.unit_id, set()).add(activity.activity_id)
