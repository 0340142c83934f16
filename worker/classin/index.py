"""The operations in short: there at once, while declarations take long to import.

Made from these declarations by `make reference`; do not edit it.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Brief(NamedTuple):
    """An operation in short; Spec has the meanings."""

    chapter: str
    title: str
    idempotency: str


# fmt: off
#: By name, in the order of the API's chapters.
INDEX: Mapping[str, Brief] = {
    "register": Brief("users", "Register a user", "conflict_detected"),
    "register_multiple": Brief("users", "Register several users", "conflict_detected"),
    "modify_password": Brief("users", "Change the password of a user whose old one is known", "idempotent"),
    "modify_password_by_telephone": Brief("users", "Set the password of a user whose old one is not known", "idempotent"),
    "add_school_student": Brief("users", "Make a registered user a student of the institution", "conflict_detected"),
    "edit_school_student": Brief("users", "Change a student's name in the institution", "idempotent"),
    "modify_course_student_nick_name": Brief("users", "Give students, in all their courses, the names that they bear in the institution", "idempotent"),
    "add_teacher": Brief("users", "Make a registered user a teacher of the institution", "conflict_detected"),
    "edit_teacher": Brief("users", "Change a teacher's name and picture in the institution", "idempotent"),
    "stop_using_teacher": Brief("users", "Deactivate a teacher", "idempotent"),
    "restart_using_teacher": Brief("users", "Reactivate a teacher", "idempotent"),
    "update_class_student_comment": Brief("users", "Write the teacher's evaluations of students of a lesson", "idempotent"),
    "add_course": Brief("courses", "Create a course", "keyed"),
    "edit_course": Brief("courses", "Edit a course; only the fields given are changed", "idempotent"),
    "end_course": Brief("courses", "End a course, which deletes its lessons that have not started and dissolves its chat", "idempotent"),
    "add_course_labels": Brief("courses", "Set the labels of courses; the labels given take the place of those there are", "idempotent"),
    "add_course_class": Brief("lessons", "Create a lesson in a course", "keyed"),
    "add_course_class_multiple": Brief("lessons", "Create several lessons in a course", "keyed"),
    "edit_course_class": Brief("lessons", "Edit a lesson; only the fields given are changed, though two may fall back", "idempotent"),
    "modify_class_seat_num": Brief("lessons", "Change what happens on stage in a lesson: number, sharpness, second camera", "idempotent"),
    "del_course_class": Brief("lessons", "Delete a lesson that has not begun", "idempotent"),
    "del_end_course_class": Brief("lessons", "Delete a lesson that has ended", "idempotent"),
    "add_course_student": Brief("rosters", "Add a student or an auditor to a course and all its lessons, later ones too", "conflict_detected"),
    "del_course_student": Brief("rosters", "Remove a student or an auditor from a course", "idempotent"),
    "add_course_student_multiple": Brief("rosters", "Add several students or auditors to a course", "conflict_detected"),
    "del_course_student_multiple": Brief("rosters", "Remove several students or auditors from a course", "idempotent"),
    "modify_course_teacher": Brief("rosters", "Replace the teacher of those lessons of a course that have not started", "idempotent"),
    "remove_course_teacher": Brief("rosters", "Remove a teacher from a course", "idempotent"),
    "add_course_teacher": Brief("rosters", "Add teachers to a course", "conflict_detected"),
    "add_course_group": Brief("rosters", "Create the grouping of a course's students", "conflict_detected"),
    "edit_course_group": Brief("rosters", "Edit the grouping of a course's students", "idempotent"),
    "del_course_group": Brief("rosters", "Delete the grouping of a course's students", "idempotent"),
    "modify_group_member_nickname": Brief("rosters", "Give a course's students and auditors the names that they bear in the institution", "idempotent"),
    "add_class_student_multiple": Brief("lesson_rosters", "Add several students to one lesson", "conflict_detected"),
    "del_class_student_multiple": Brief("lesson_rosters", "Remove several students from one lesson; they keep the other lessons of the course", "idempotent"),
    "add_course_class_student": Brief("lesson_rosters", "Add one student to several lessons of a course", "conflict_detected"),
    "add_class_labels": Brief("lesson_rosters", "Set the labels of lessons, in place of those that they have", "idempotent"),
    "create_unit": Brief("activities", "Create a unit in a class", "conflict_detected"),
    "update_unit": Brief("activities", "Edit a unit; only the fields given are changed", "idempotent"),
    "delete_unit": Brief("activities", "Delete a unit and its activities", "idempotent"),
    "move_activities": Brief("activities", "Move all activities of one unit to another", "idempotent"),
    "create_activity_no_class": Brief("activities", "Create the draft of an activity other than a classroom", "unsafe"),
    "release_activity": Brief("activities", "Publish an activity of any kind", "idempotent"),
    "delete_activity": Brief("activities", "Delete an activity of any kind", "idempotent"),
    "add_activity_students": Brief("activities", "Add students to an activity, other than homework and quizzes", "idempotent"),
    "delete_activity_students": Brief("activities", "Remove students from an activity, other than homework and quizzes", "idempotent"),
    "create_classroom": Brief("classrooms", "Create a classroom, published, for all members of a class", "keyed"),
    "update_classroom": Brief("classrooms", "Edit a classroom; only the fields given are changed, though some may fall back", "idempotent"),
    "get_folder_list": Brief("cloud", "List the folders of the first two levels", "read_only"),
    "get_cloud_list": Brief("cloud", "List the folders and files in a folder", "read_only"),
    "get_top_folder_id": Brief("cloud", "Get the id of the top folder", "read_only"),
    "upload_file": Brief("cloud", "Upload a file to a folder of the cloud drive", "unsafe"),
    "rename_file": Brief("cloud", "Rename a file of the cloud drive", "idempotent"),
    "del_file": Brief("cloud", "Delete a file of the cloud drive", "idempotent"),
    "create_folder": Brief("cloud", "Create a folder in the cloud drive", "conflict_detected"),
    "rename_folder": Brief("cloud", "Rename a folder of the cloud drive", "idempotent"),
    "del_folder": Brief("cloud", "Delete a folder of the cloud drive with all that is in it", "idempotent"),
    "set_class_video_multiple": Brief("broadcast", "Set recording, live and replay of several lessons", "idempotent"),
    "delete_class_video": Brief("broadcast", "Delete recordings of a lesson that has ended", "idempotent"),
    "update_class_lock_status": Brief("broadcast", "Keep the recordings of a lesson that has ended from being deleted, or no longer", "idempotent"),
    "get_webcast_url": Brief("broadcast", "Get the address of the web page that shows a course or a lesson", "read_only"),
    "set_webcast": Brief("playback", "Set recording, live and replay of a classroom; what is left out stays", "idempotent"),
    "add_playback_user": Brief("playback", "Let people watch the replay of a classroom in the client", "idempotent"),
    "delete_playback_user": Brief("playback", "Keep people from watching the replay of a classroom in the client", "idempotent"),
    "set_playback_all_forbidden": Brief("playback", "Let nobody watch the replays of classrooms in the client", "idempotent"),
    "set_playback_all_viewable": Brief("playback", "Let everybody who may be let watch the replays of classrooms in the client", "idempotent"),
    "add_school_label": Brief("schools", "Create a label", "conflict_detected"),
    "update_school_label": Brief("schools", "Rename a label", "idempotent"),
    "delete_school_label": Brief("schools", "Delete a label", "idempotent"),
    "delete_sub_school_account": Brief("schools", "Delete a sub-account of the institution", "idempotent"),
    "modify_school_conf": Brief("schools", "Change settings of the institution; only those given are changed", "idempotent"),
    "get_login_linked": Brief("schools", "Get the link that opens the client in a lesson", "read_only"),
    "add_double_teacher_class": Brief("double_teacher", "Create sub-lessons of a lesson or classroom, which becomes a double-teacher lesson", "keyed"),
    "edit_double_teacher_class": Brief("double_teacher", "Edit a double-teacher lesson, main or sub; only the fields given are changed", "idempotent"),
    "delete_double_teacher_class": Brief("double_teacher", "Delete a double-teacher lesson: the main one with its sub-lessons, or one of these alone", "idempotent"),
}

#: Writes of which a repeat is judged like the first request: none of their requests is announced.
UNANNOUNCED = frozenset({
    "modify_password",
    "modify_password_by_telephone",
    "edit_school_student",
    "modify_course_student_nick_name",
    "edit_teacher",
    "stop_using_teacher",
    "restart_using_teacher",
    "update_class_student_comment",
    "edit_course",
    "end_course",
    "add_course_labels",
    "edit_course_class",
    "modify_class_seat_num",
    "modify_course_teacher",
    "edit_course_group",
    "modify_group_member_nickname",
    "add_class_labels",
    "update_unit",
    "move_activities",
    "add_activity_students",
    "delete_activity_students",
    "update_classroom",
    "rename_file",
    "rename_folder",
    "set_class_video_multiple",
    "update_class_lock_status",
    "set_webcast",
    "set_playback_all_forbidden",
    "set_playback_all_viewable",
    "update_school_label",
    "modify_school_conf",
    "edit_double_teacher_class",
})
# fmt: on
