"""Students and labels of single lessons."""

from enum import IntEnum
from typing import Annotated

from annotated_types import MaxLen, MinLen
from pydantic import Field

from worker.classin.endpoint import v1
from worker.classin.field_types import CourseId, CustomColumn, LabelId, LessonId, Uid
from worker.classin.operation import Bulk, Idempotency, Item, Operation


class LessonRole(IntEnum):
    """As what somebody takes part in a single lesson; auditors are for courses."""

    STUDENT = 1


class LessonStudent(Item):
    """One of several students to add to a lesson."""

    uid: Uid
    custom_column: CustomColumn | None = None


class AddClassStudentMultiple(
    Operation,
    endpoint=v1("course", "addClassStudentMultiple"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(
        1, 100, 102, 113, 114, 125, 129, 131, 142, 143, 144, 145, 155, 157, 158, 159, 164, 166, 212,
        228, 288, 329, 332, 333, 369, 400, 466, 886,
    ),
    already=[166],
    bulk=Bulk("student_json", echo=("customColumn",), most=30),
):  # fmt: skip
    """Add several students to one lesson.

    They must be students of the institution; who is not in the course sees this lesson only. Works
    for double-teacher lessons too.
    Source: classroom/addClassStudentMultiple
    """

    course_id: CourseId
    class_id: LessonId
    identity: LessonRole
    student_json: Annotated[tuple[LessonStudent, ...], MinLen(1)]


class DelClassStudentMultiple(
    Operation,
    endpoint=v1("course", "delClassStudentMultiple"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 113, 114, 142, 143, 144, 145, 155, 159, 167, 171, 212, 369, 400, 466),
    already=[167],
    bulk=Bulk("student_uid_json"),
):
    """Remove several students from one lesson; they keep the other lessons of the course.

    Who was not in the lesson answers 167, and so does a wrong UID.
    Source: classroom/delClassStudentMultiple
    """

    course_id: CourseId
    class_id: LessonId
    identity: LessonRole
    student_uid_json: Annotated[tuple[Uid, ...], MinLen(1)]


class AddCourseClassStudent(
    Operation,
    endpoint=v1("course", "addCourseClassStudent"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(
        1, 100, 102, 113, 114, 129, 134, 142, 144, 145, 149, 153, 155, 157, 158, 164, 166, 212, 228,
        332, 333, 369, 400, 466, 886,
    ),
    already=[166],
    bulk=Bulk("class_json", most=100),
):  # fmt: skip
    """Add one student to several lessons of a course.

    The student must be one of the institution; who is not in the course sees these lessons only.
    Source: classroom/addCourseClassStudent
    """

    course_id: CourseId
    student_uid: Uid
    class_json: Annotated[tuple[LessonId, ...], MinLen(1)] = Field(description="the lessons")


class LabelledLesson(Item, shown=["class_label_id"]):
    """One of several lessons to label."""

    custom_column: CustomColumn | None = None
    class_id: LessonId
    class_label_id: Annotated[tuple[LabelId, ...], MaxLen(10)] | None = Field(
        default=None, description="all its labels from now on; an empty list removes them"
    )


class AddClassLabels(
    Operation,
    endpoint=v1("course", "addClassLabels"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 142, 143, 144, 147, 149, 155, 212, 357, 358, 359, 369, 466),
    bulk=Bulk("class_list", echo=("classId", "customColumn")),
):
    """Set the labels of lessons, in place of those that they have.

    Source: classroom/addClassLabels
    """

    course_id: CourseId
    class_list: Annotated[tuple[LabelledLesson, ...], MinLen(1)]
