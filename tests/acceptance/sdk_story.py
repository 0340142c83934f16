"""Every operation that a published SDK has a call for, in an order in which each can succeed.

The ids are those of the simulator's seed; what an earlier call told stands as `Id("name")`.
"""

import hashlib

from tests.acceptance.sdk_steps import Enclosed, Id, Step

#: When the story begins, in seconds since 1970; the simulator's clock says the same.
NOW = 1_800_000_000
MINUTE, HOUR, DAY = 60, 3600, 86400

TEACHER, OTHER_TEACHER = 1001001, 1001002
ANN, BEN, CAT, DAN, EVE = range(1002001, 1002006)
COURSE, CLASS, UNIT = 352861, 414193, 400001
FOLDER = 123456

PICTURE = Enclosed("picture.png", b"\x89PNG\r\n\x1a\n not quite a picture")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _lesson(name: str, day: int, **more: object) -> dict[str, object]:
    """Give the fields of an hour's lesson, so many days after the beginning."""
    begin = NOW + day * DAY
    times = {"beginTime": begin, "endTime": begin + HOUR}
    return {"className": name, "teacherUid": TEACHER, **times, **more}


USERS = [
    Step(
        "register",
        {
            "telephone": "13800138000",
            "password": "secret-1",
            "nickname": "Zoë 左伊",
            "addToSchoolMember": 1,
            "Filedata": PICTURE,
        },
        tells={"newcomer": "data"},
    ),
    Step(
        "register_multiple",
        {
            "userJson": [
                {"telephone": "001-8006437676", "password": "secret-1", "customColumn": "first"},
                {"email": "li@example.com", "md5pass": _md5("secret-2"), "nickname": "李"},
            ]
        },
        tells={"new teacher": "data.0.data", "new student": "data.1.data"},
    ),
    Step(
        "modify_password",
        {
            "uid": Id("newcomer"),
            "oldMd5pass": _md5("secret-1"),
            "md5pass": _md5("secret-3"),
        },
    ),
    Step(
        "add_teacher",
        {"teacherAccount": "001-8006437676", "teacherName": "Mr. 王", "Filedata": PICTURE},
    ),
    Step("edit_teacher", {"teacherUid": Id("new teacher"), "teacherName": "Mr. Wang"}),
    Step("stop_using_teacher", {"teacherUid": Id("new teacher")}),
    Step("add_school_student", {"studentAccount": "li@example.com", "studentName": "Li"}),
    Step("edit_school_student", {"studentUid": Id("new student"), "studentName": "Li Na"}),
    Step("restart_using_teacher", {"teacherUid": Id("new teacher")}, at=10 * MINUTE),
]

COURSES = [
    Step("add_school_label", {"labelName": "autumn"}, tells={"label": "data.labelId"}),
    Step("update_school_label", {"labelId": Id("label"), "labelName": "winter"}),
    Step(
        "add_course",
        {
            "courseName": "初中 maths & more",
            "mainTeacherUid": OTHER_TEACHER,
            "folderId": FOLDER,
            "expiryTime": NOW + 300 * DAY,
            "subjectId": 2,
            "courseIntroduce": "",
            "courseUniqueIdentity": "maths-2027",
            "allowAddFriend": 0,
            "allowStudentModifyNickname": 1,
            "notAllowDeleteCourseStudentReplay": 0,
            "Filedata": PICTURE,
        },
        tells={"course": "data"},
    ),
    Step(
        "edit_course",
        {"courseId": Id("course"), "courseName": "Maths = 100%", "Filedata": PICTURE},
    ),
    Step(
        "add_course_labels",
        {"courseList": [{"courseId": COURSE, "labelIds": [Id("label")], "customColumn": "a"}]},
    ),
    Step("add_course_teacher", {"courseId": Id("course"), "teacherUids": [TEACHER]}),
    Step(
        "add_course_student",
        {"courseId": CLASS, "studentUid": ANN, "identity": 2, "studentName": "Ann"},
    ),
    Step(
        "add_course_student_multiple",
        {
            "courseId": CLASS,
            "studentJson": [{"uid": BEN, "customColumn": "b"}, {"uid": CAT}, {"uid": DAN}],
            "identity": 1,
        },
    ),
    Step("modify_group_member_nickname", {"courseId": CLASS}),
    Step("modify_course_student_nick_name", {"studentUids": [BEN, CAT]}),
    Step(
        "add_course_group",
        {
            "courseId": CLASS,
            "groupName": "Teams",
            "groupList": [
                [{"studentUid": BEN, "isLeader": 1}, {"studentUid": CAT, "isLeader": 0}],
                [{"studentUid": DAN, "isLeader": 1}],
            ],
        },
        tells={"group": "data"},
    ),
    Step(
        "edit_course_group",
        {
            "courseId": CLASS,
            "groupId": Id("group"),
            "groupName": "小组",
            "groupList": [[{"studentUid": CAT, "isLeader": 1}]],
        },
    ),
    Step("del_course_group", {"courseId": CLASS, "groupId": Id("group")}),
]

LESSONS = [
    Step(
        "add_course_class",
        {
            "courseId": Id("course"),
            **_lesson("Sets", 1, folderId=FOLDER, teachMode=1, isAutoOnstage=0, seatNum=6),
            "isHd": 1,
            "isDc": 0,
            "assistantUids": [OTHER_TEACHER],
            "record": 1,
            "live": 0,
            "replay": 1,
            "watchByLogin": 0,
            "allowUnloggedChat": 0,
            "courseUniqueIdentity": "sets-1",
            "classIntroduce": "all & everything",
        },
        tells={"lesson": "data"},
    ),
    Step(
        "add_course_class_multiple",
        {
            "courseId": Id("course"),
            "classJson": [
                _lesson("Numbers 数", 2, record=1, customColumn="c", assistantUids=[OTHER_TEACHER]),
                _lesson("Letters", 3),
                _lesson("Points", 9),
            ],
        },
        tells={"second": "data.0.data", "third": "data.1.data", "fourth": "data.2.data"},
    ),
    Step(
        "edit_course_class",
        {
            "courseId": Id("course"),
            "classId": Id("second"),
            "className": "Numbers",
            "beginTime": NOW + 2 * DAY,
            "endTime": NOW + 2 * DAY + 2 * HOUR,
            "assistantUids": [],
        },
    ),
    Step(
        "modify_class_seat_num",
        {"courseId": Id("course"), "classId": Id("lesson"), "seatNum": 1, "isHd": 2, "isDc": 3},
    ),
    Step(
        "set_class_video_multiple",
        {
            "courseId": Id("course"),
            "classJson": [
                {"classId": Id("second"), "record": 1, "live": 0, "replay": 0, "customColumn": "d"},
            ],
        },
    ),
    Step(
        "add_class_student_multiple",
        {
            "courseId": Id("course"),
            "classId": Id("lesson"),
            "studentJson": [{"uid": ANN, "customColumn": "e"}, {"uid": BEN}],
            "identity": 1,
        },
    ),
    Step(
        "del_class_student_multiple",
        {
            "courseId": Id("course"),
            "classId": Id("lesson"),
            "studentUidJson": [BEN],
            "identity": 1,
        },
    ),
    Step(
        "add_course_class_student",
        {
            "courseId": Id("course"),
            "studentUid": EVE,
            "classJson": [Id("lesson"), Id("second")],
        },
    ),
    Step(
        "add_class_labels",
        {
            "courseId": Id("course"),
            "classList": [{"classId": Id("third"), "classLabelId": [Id("label")]}],
        },
    ),
    Step("get_webcast_url", {"courseId": Id("course"), "classId": Id("lesson")}),
    Step(
        "get_login_linked",
        {
            "uid": ANN,
            "courseId": Id("course"),
            "classId": Id("lesson"),
            "deviceType": 3,
            "lifeTime": 600,
        },
    ),
    Step("del_course_class", {"courseId": Id("course"), "classId": Id("third")}),
]

ACTIVITIES = [
    Step(
        "create_unit",
        {"courseId": CLASS, "name": "第二单元", "publishFlag": 2, "content": "a=b & c"},
        tells={"unit": "data.unitId"},
    ),
    Step("update_unit", {"courseId": CLASS, "unitId": Id("unit"), "name": "2", "content": ""}),
    Step(
        "create_activity_no_class",
        {
            "courseId": CLASS,
            "unitId": Id("unit"),
            "activityType": 6,
            "name": "Talk",
            "teacherUid": TEACHER,
            "startTime": NOW + HOUR,
            "endTime": NOW + DAY,
        },
        tells={"activity": "data.activityId"},
    ),
    Step("release_activity", {"courseId": CLASS, "activityId": Id("activity")}),
    Step(
        "delete_activity_students",
        {"courseId": CLASS, "activityId": Id("activity"), "studentUids": [BEN, CAT]},
    ),
    Step(
        "add_activity_students",
        {"courseId": CLASS, "activityId": Id("activity"), "studentUids": [BEN]},
    ),
    Step("move_activities", {"courseId": CLASS, "unitId": Id("unit"), "toUnitId": UNIT}),
    Step("delete_activity", {"courseId": CLASS, "activityId": Id("activity")}),
    Step("delete_unit", {"courseId": CLASS, "unitId": Id("unit")}),
    Step(
        "create_classroom",
        {
            "courseId": CLASS,
            "unitId": UNIT,
            "name": "Reading",
            "teacherUid": TEACHER,
            "startTime": NOW + 4 * DAY,
            "endTime": NOW + 4 * DAY + HOUR,
            "assistantUids": [OTHER_TEACHER],
            "cameraHide": 0,
            "isAutoOnstage": 1,
            "seatNum": 7,
            "isHd": 0,
            "isDc": 0,
            "recordType": 0,
            "recordState": 1,
            "liveState": 1,
            "openState": 0,
            "isAllowCheck": 1,
            "uniqueIdentity": "reading-1",
        },
        tells={"classroom": "data.activityId", "main lesson": "data.classId"},
    ),
    Step(
        "update_classroom",
        {
            "courseId": CLASS,
            "activityId": Id("classroom"),
            "name": "Reading aloud",
            "assistantUids": [],
            "startTime": NOW + 5 * DAY,
            "endTime": NOW + 5 * DAY + HOUR,
        },
    ),
    Step(
        "set_webcast",
        {
            "courseId": CLASS,
            "activityId": Id("classroom"),
            "recordType": 2,
            "recordState": 1,
            "liveState": 1,
            "openState": 1,
            "watchByLogin": 0,
            "watchPassword": "for guests",
        },
    ),
    Step(
        "add_double_teacher_class",
        {
            "mainCourseId": CLASS,
            "mainClassId": Id("main lesson"),
            "subClassJson": [
                {
                    "courseId": COURSE,
                    "className": "Reading, elsewhere",
                    "isAutoOnstage": 2,
                    "seatNum": 7,
                    "uniqueIdentity": "reading-2",
                },
            ],
        },
        tells={"sub-lesson": "data.subClassData.0.classId"},
    ),
    Step(
        "edit_double_teacher_class",
        {"courseId": COURSE, "classId": Id("sub-lesson"), "className": "Reading, in the annex"},
    ),
    Step("delete_double_teacher_class", {"courseId": COURSE, "classId": Id("sub-lesson")}),
]

REST = [
    Step("get_top_folder_id"),
    Step("get_folder_list"),
    Step(
        "create_folder",
        {"folderId": FOLDER, "folderName": "课件 & tools"},
        tells={"folder": "data"},
    ),
    Step("rename_folder", {"folderId": Id("folder"), "folderName": "tools"}),
    Step("upload_file", {"folderId": Id("folder"), "Filedata": PICTURE}, tells={"file": "data"}),
    Step("rename_file", {"fileId": Id("file"), "fileName": "cover+1.png"}),
    Step("get_cloud_list", {"folderId": Id("folder")}),
    Step("del_file", {"fileId": Id("file")}),
    Step("del_folder", {"folderId": Id("folder")}),
    Step("modify_school_conf", {"allowViewReplay": 1, "allowNewStudentViewReplay": 0}),
    # the lessons of the first days are over
    Step(
        "update_class_student_comment",
        {
            "classId": Id("lesson"),
            "commentJson": [{"studentUid": ANN, "starNum": 4.5, "comment": "好 & good"}],
        },
        at=7 * DAY,
    ),
    Step("update_class_lock_status", {"classId": Id("second"), "isLock": 1}, at=7 * DAY),
    Step("delete_class_video", {"classId": Id("lesson")}, at=7 * DAY),
    Step(
        "modify_course_teacher",
        {"courseId": Id("course"), "teacherUid": OTHER_TEACHER},
        at=7 * DAY,
    ),
    Step("remove_course_teacher", {"courseId": Id("course"), "teacherUid": TEACHER}, at=7 * DAY),
    Step("del_course_student", {"courseId": CLASS, "studentUid": ANN, "identity": 2}, at=7 * DAY),
    Step(
        "del_course_student_multiple",
        {"courseId": CLASS, "studentUidJson": [BEN, CAT, DAN], "identity": 1},
        at=7 * DAY,
    ),
    Step("delete_school_label", {"labelId": Id("label")}, at=7 * DAY),
    Step("end_course", {"courseId": Id("course")}, at=7 * DAY),
]

STORY = [*USERS, *COURSES, *LESSONS, *ACTIVITIES, *REST]
