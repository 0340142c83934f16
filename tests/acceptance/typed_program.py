"""A program of somebody who submits: it is type-checked, and run, with the installed wheel."""

import asyncio
import sys

from producers import (
    AddCourse,
    AddCourseClassMultiple,
    CreateFolder,
    EditCourse,
    NewLesson,
    Operation,
    Receipt,
    Record,
    State,
    UnavailableError,
    ValidationError,
    result_of,
    submit,
    submit_async,
    submit_many,
    submit_many_async,
)
from producers.testing import InMemorySubmitter, failed, submitting_in_memory, succeeded

#: When the lesson begins and ends, in seconds since 1970.
BEGIN, END = 2_000_000_000, 2_000_003_600


def lessons_of(course: Receipt) -> Operation:
    """Build the lessons of a course that is not there yet."""
    lesson = NewLesson(class_name="Maths", begin_time=BEGIN, end_time=END, teacher_uid=1000001)
    return AddCourseClassMultiple(course_id=result_of(course), class_json=(lesson,))


async def rename(course_id: int, name: str) -> Record:
    """Rename a course, and wait for what came of it."""
    operation = EditCourse(course_id=course_id, course_name=name)
    receipt = await submit_async(operation, dedup_key=name, priority="high")
    await submit_many_async([CreateFolder(folder_id=1, folder_name=name)])
    return await receipt.wait_async(30)


def main(submitted: InMemorySubmitter) -> None:
    """Submit in all ways; write what came of it."""
    submitted.set_outcome(AddCourse, succeeded(352861))
    submitted.set_outcome("edit_course", failed(144))
    course = submit(AddCourse(course_name="Spring"), after=[])
    submit_many([lessons_of(course), {"operation": "get_top_folder_id", "fields": {}}])
    state: State = asyncio.run(rename(352861, "Summer")).state
    sys.stdout.write(f"{len(submitted.records)} submitted, the last is {state.value}\n")
    try:
        submit("edit_course", {"courseId": "x"})
    except ValidationError as error:
        sys.stdout.write(f"{error.faults[0]}\n")
    submitted.unavailable = True
    try:
        course.record()
    except UnavailableError as error:
        sys.stdout.write(f"{error}\n")


if __name__ == "__main__":
    with submitting_in_memory(["main"]) as in_memory:
        main(in_memory)
