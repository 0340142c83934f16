"""Users: accounts, and roles in the institution."""

from ops.simulator.handlers.entries import entry, entry_v2
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.roles import attends, has_lessons
from ops.simulator.state.lessons import Lesson
from ops.simulator.state.people import User
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.classin.operations.users import (
    AddSchoolStudent,
    AddTeacher,
    EditSchoolStudent,
    EditTeacher,
    Membership,
    ModifyCourseStudentNickName,
    ModifyPassword,
    ModifyPasswordByTelephone,
    NewUser,
    Register,
    RegisterMultiple,
    RestartUsingTeacher,
    StopUsingTeacher,
    StudentComment,
    UpdateClassStudentComment,
)


@answers(Register)
def register(institution: Institution, operation: Register, now: float) -> Answer:
    """Register a user, or return the account's owner; either gets the requested role."""
    del now
    if operation.is_sent_message and not (operation.telephone and operation.add_to_school_member):
        return Answer(Code.SMS_NOT_POSSIBLE)
    return Answer(*_registered(institution, operation, _picture(operation)))


@answers(RegisterMultiple)
def register_multiple(institution: Institution, operation: RegisterMultiple, now: float) -> Answer:
    """Register several users, each as by `register`."""
    del now
    entries = []
    for item in operation.user_json:
        code, uid = _registered(institution, item)
        mark, phone = item.custom_column, item.telephone
        entries.append(entry(code, data=uid, telephone=phone, customColumn=mark))
    return Answer(Code.OK, entries)


@answers(ModifyPassword)
def modify_password(institution: Institution, operation: ModifyPassword, now: float) -> Answer:
    """Store that the user has a password; the old one is not checked."""
    del now
    user = institution.people.user(operation.uid)
    if user is None or not user.password_set:
        return Answer(Code.BAD_PARAMETERS)
    return Answer(Code.OK)


@answers(ModifyPasswordByTelephone)
def modify_password_by_telephone(
    institution: Institution, operation: ModifyPasswordByTelephone, now: float
) -> Answer:
    """Store that a member of the institution has a password."""
    del now
    user = institution.people.user(operation.uid)
    if user is None:
        return Answer(Code.BAD_REQUEST_DATA)
    if not institution.people.is_member(user.uid):
        return Answer(Code.PASSWORD_NOT_OURS)
    institution.people.users.keep(user.model_copy(update={"password_set": True}))
    return Answer(Code.OK)


@answers(AddSchoolStudent)
def add_school_student(institution: Institution, operation: AddSchoolStudent, now: float) -> Answer:
    """Add a user as a student; an existing one keeps the name."""
    del now
    user = institution.people.by_account(operation.student_account)
    if user is None:
        return Answer(Code.ACCOUNT_NOT_REGISTERED)
    if user.cancelled:
        return Answer(Code.STUDENT_CANCELLED)
    if user.uid == institution.owner:
        return Answer(Code.INSTITUTION_AS_STUDENT)
    if institution.people.is_student(user.uid):
        return Answer(Code.THERE_ALREADY)
    institution.people.admit_student(user.uid, operation.student_name)
    return Answer(Code.OK)


@answers(EditSchoolStudent)
def edit_school_student(
    institution: Institution, operation: EditSchoolStudent, now: float
) -> Answer:
    """Change a student's name in the institution; names in courses stay."""
    del now
    students = institution.people.students
    student = students.get(operation.student_uid)
    if student is None:
        return Answer(Code.STUDENT_NOT_HERE)
    students[student.uid] = student.model_copy(update={"name": operation.student_name})
    return Answer(Code.OK)


@answers(ModifyCourseStudentNickName)
def modify_course_student_nick_name(
    institution: Institution, operation: ModifyCourseStudentNickName, now: float
) -> Answer:
    """Copy each student's name from the institution into running courses."""
    running = [
        institution.rosters.of(course.course_id)
        for course in institution.courses.values()
        if course.goes_on(now)
    ]
    entries = []
    for uid in operation.student_uids:
        student = institution.people.students.get(uid)
        code = Code.OK if student else Code.FOREIGN_STUDENT
        for roster in running if student else ():
            roster.rename(uid, institution.people.students[uid].name)
        entries.append(entry_v2(code, studentUid=uid))
    return Answer(Code.OK, entries)


@answers(AddTeacher)
def add_teacher(institution: Institution, operation: AddTeacher, now: float) -> Answer:
    """Add a user as a teacher; the returned number is not the UID."""
    del now
    people = institution.people
    user = people.by_account(operation.teacher_account)
    if user is None:
        return Answer(Code.ACCOUNT_NOT_REGISTERED)
    if user.cancelled:
        return Answer(Code.TEACHER_CANCELLED)
    if user.uid in people.teachers:
        return Answer(Code.THERE_ALREADY)
    teacher = people.admit_teacher(user.uid, operation.teacher_name, _picture(operation))
    return Answer(Code.OK, teacher.relation_id)


@answers(EditTeacher)
def edit_teacher(institution: Institution, operation: EditTeacher, now: float) -> Answer:
    """Change a teacher's name and, if given, picture in the institution."""
    del now
    teachers = institution.people.teachers
    teacher = teachers.get(operation.teacher_uid)
    if teacher is None:
        return Answer(Code.NO_TEACHER_RECORD)
    picture = _picture(operation) or teacher.picture
    changed = {"name": operation.teacher_name, "picture": picture}
    teachers[teacher.uid] = teacher.model_copy(update=changed)
    return Answer(Code.OK)


@answers(StopUsingTeacher)
def stop_using_teacher(institution: Institution, operation: StopUsingTeacher, now: float) -> Answer:
    """Deactivate a teacher without courses or lessons ahead."""
    uid = operation.teacher_uid
    if uid == institution.owner:
        return Answer(Code.INSTITUTION_ACCOUNT_STAYS)
    if uid in institution.subaccounts:
        return Answer(Code.SUB_ACCOUNT_STAYS)
    if code := _no_teacher(institution, uid):
        return Answer(code)
    going_on = [one.course_id for one in institution.courses.values() if one.goes_on(now)]
    if any(has_lessons(institution, course_id, uid, now) for course_id in institution.courses):
        return Answer(Code.TEACHER_HAS_LESSONS)
    if any(uid in institution.rosters.of(course_id).staff for course_id in going_on):
        return Answer(Code.TEACHER_HAS_COURSES)
    _set_deactivated(institution, uid, deactivated=True)
    return Answer(Code.OK)


@answers(RestartUsingTeacher)
def restart_using_teacher(
    institution: Institution, operation: RestartUsingTeacher, now: float
) -> Answer:
    """Reactivate a teacher."""
    del now
    uid = operation.teacher_uid
    if code := _no_teacher(institution, uid):
        return Answer(code)
    _set_deactivated(institution, uid, deactivated=False)
    return Answer(Code.OK)


@answers(UpdateClassStudentComment)
def update_class_student_comment(
    institution: Institution, operation: UpdateClassStudentComment, now: float
) -> Answer:
    """Store the teacher's comments on students of a lesson."""
    del now
    lesson = institution.lessons.find(operation.class_id)
    if lesson is None or lesson.deleted:
        return Answer(Code.LESSON_NOT_HERE)
    entries, comments = [], dict((lesson.model_extra or {}).get("comments", {}))
    for item in operation.comment_json:
        code = _bad_comment(institution, lesson, item)
        if code is None:
            comments[str(item.student_uid)] = {"starNum": item.star_num, "comment": item.comment}
        mark, uid = item.custom_column, item.student_uid
        entries.append(entry(code or Code.OK, studentUid=uid, customColumn=mark))
    institution.lessons.change(lesson, comments=comments)
    return Answer(Code.OK, entries)


def _registered(
    institution: Institution, given: Register | NewUser, avatar: dict[str, object] | None = None
) -> tuple[Code, int]:
    """Register somebody, who may exist already; return the UID either way."""
    people, code = institution.people, Code.OK
    account = given.telephone or given.email or ""
    user = people.by_account(account)
    if user is None:
        user = people.users.add(account, given.nickname, avatar)
    else:
        code = Code.PHONE_REGISTERED if user.has_phone else Code.EMAIL_REGISTERED
    _take_in(institution, user, given)
    return code, user.uid


def _take_in(institution: Institution, user: User, given: Register | NewUser) -> None:
    """Give a registered user the requested role in the institution."""
    name = given.nickname or user.nickname
    match given.add_to_school_member:
        case Membership.STUDENT:
            institution.people.admit_student(user.uid, name)
        case Membership.TEACHER:
            institution.people.admit_teacher(user.uid, name)
        case Membership.NONE | None:
            pass


def _picture(operation: Operation) -> dict[str, object] | None:
    """Return the digest of the picture, if there is one."""
    return next((file.summary() for file in operation.files().values()), None)


def _no_teacher(institution: Institution, uid: int) -> Code | None:
    if institution.people.user(uid) is None:
        return Code.BAD_REQUEST_DATA
    return None if uid in institution.people.teachers else Code.TEACHER_NOT_HERE


def _set_deactivated(institution: Institution, uid: int, *, deactivated: bool) -> None:
    teachers = institution.people.teachers
    teachers[uid] = teachers[uid].model_copy(update={"deactivated": deactivated})


def _bad_comment(institution: Institution, lesson: Lesson, item: StudentComment) -> Code | None:
    """Check that a comment is about a student of the lesson."""
    if not institution.people.is_student(item.student_uid):
        return Code.STUDENT_NOT_HERE
    attended = attends(institution, lesson, item.student_uid)
    return None if attended else Code.NOT_IN_LESSON
