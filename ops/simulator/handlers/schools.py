"""The institution: labels, accounts, settings, and login links."""

from urllib.parse import urlencode

from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.roles import attends, gives
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.people import User
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.schools import (
    AddSchoolLabel,
    DeleteSchoolLabel,
    DeleteSubSchoolAccount,
    Device,
    GetLoginLinked,
    ModifySchoolConf,
    UpdateSchoolLabel,
)

#: Maximum labels of an institution.
MOST_LABELS = 100


@answers(AddSchoolLabel)
def add_school_label(institution: Institution, operation: AddSchoolLabel, now: float) -> Answer:
    """Create a label, unless the name exists; label ids come back as text."""
    del now
    labels = institution.labels
    if holder := labels.named(operation.label_name):
        return Answer(Code.LABEL_EXISTS, {"labelId": str(holder.label_id)})
    if len(labels) >= MOST_LABELS:
        return Answer(Code.TOO_MANY_LABELS)
    return Answer(Code.OK, {"labelId": str(labels.add(operation.label_name).label_id)})


@answers(UpdateSchoolLabel)
def update_school_label(
    institution: Institution, operation: UpdateSchoolLabel, now: float
) -> Answer:
    """Rename a label; its own name is allowed."""
    del now
    labels, label_id = institution.labels, operation.label_id
    if label_id not in labels:
        return Answer(_no_such_label(institution, label_id))
    holder = labels.named(operation.label_name)
    if holder is not None and holder.label_id != label_id:
        return Answer(Code.LABEL_EXISTS)
    labels.rename(label_id, operation.label_name)
    return Answer(Code.OK)


@answers(DeleteSchoolLabel)
def delete_school_label(
    institution: Institution, operation: DeleteSchoolLabel, now: float
) -> Answer:
    """Delete a label, also from courses and lessons."""
    del now
    label_id = operation.label_id
    if label_id not in institution.labels:
        return Answer(_no_such_label(institution, label_id))
    institution.labels.delete(label_id)
    for course_id, course in institution.courses.items():
        if label_id in course.label_ids:
            kept = tuple(one for one in course.label_ids if one != label_id)
            institution.courses[course_id] = course.model_copy(update={"label_ids": kept})
    for lesson in tuple(institution.lessons):
        if label_id in lesson.label_ids:
            kept = tuple(one for one in lesson.label_ids if one != label_id)
            institution.lessons.change(lesson, label_ids=kept)
    return Answer(Code.OK)


@answers(DeleteSubSchoolAccount)
def delete_sub_school_account(
    institution: Institution, operation: DeleteSubSchoolAccount, now: float
) -> Answer:
    """Remove a sub-account from the institution; its user stays registered."""
    del now
    if operation.uid not in institution.subaccounts:
        return Answer(Code.NO_SUCH_SUB_ACCOUNT)
    institution.subaccounts.remove(operation.uid)
    return Answer(Code.OK)


@answers(ModifySchoolConf)
def modify_school_conf(institution: Institution, operation: ModifySchoolConf, now: float) -> Answer:
    """Set the given settings."""
    del now
    institution.settings.update(operation.wire_fields())
    return Answer(Code.OK)


@answers(GetLoginLinked)
def get_login_linked(institution: Institution, operation: GetLoginLinked, now: float) -> Answer:
    """Return a person's login link of a lesson."""
    user = institution.people.user(operation.uid)
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    lesson = institution.lessons.find(operation.class_id)
    if lesson is None:
        return Answer(Code.NO_SUCH_LESSON)
    if code := _closed_lesson(lesson, operation.course_id, now):
        return Answer(code)
    if user is None or not _may_enter(institution, lesson, user.uid):
        return Answer(Code.NOT_A_MEMBER)
    if user.cancelled:
        return Answer(Code.USER_CANCELLED)
    if not user.has_phone:
        return Answer(Code.NO_PHONE_BOUND)
    return Answer(Code.OK, _link(user, lesson, operation.device_type))


def _no_such_label(institution: Institution, label_id: int) -> Code:
    foreign = institution.elsewhere(lambda other: label_id in other.labels)
    return Code.FOREIGN_LABEL if foreign else Code.NO_SUCH_LABEL


def _closed_lesson(lesson: Lesson, course_id: int, now: float) -> Code | None:
    if lesson.course_id != course_id:
        return Code.LESSON_NOT_IN_COURSE
    if lesson.deleted:
        return Code.LESSON_DELETED
    return Code.LESSON_ENDED if lesson.phase(now) is Phase.OVER else None


def _may_enter(institution: Institution, lesson: Lesson, uid: int) -> bool:
    """Return whether somebody takes part in a lesson, or belongs to the office."""
    roster = institution.rosters.of(lesson.course_id)
    office = {institution.owner, *institution.subaccounts}
    seated = attends(institution, lesson, uid) or uid in roster.auditors
    return seated or gives(lesson, uid) or uid in roster.staff or uid in office


def _link(user: User, lesson: Lesson, device: Device | None) -> str:
    """Return the link: a web page for iOS, else the client's own scheme."""
    way = "https" if device is Device.IOS else "classin"
    where = {"telephone": user.account, "classId": lesson.class_id, "courseId": lesson.course_id}
    return f"{way}://www.eeo.cn/enterclass?{urlencode(where)}"
