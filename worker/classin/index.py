"""The operations in short: there at once, while declarations take long to import.

Made from these declarations by `make reference`; do not edit it.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Brief(NamedTuple):
    """An operation in short; Spec has the meanings."""

    chapter: str
    title: str
    repeat: str


# fmt: off
#: By name, in the order of the API's chapters.
INDEX: Mapping[str, Brief] = {
    "register": Brief("users", "Register a user", "reconciles"),
    "register_multiple": Brief("users", "Register several users", "reconciles"),
    "modify_password": Brief("users", "Change the password of a user whose old one is known", "converges"),
    "modify_password_by_telephone": Brief("users", "Set the password of a user whose old one is not known", "converges"),
    "add_school_student": Brief("users", "Make a registered user a student of the institution", "reconciles"),
    "edit_school_student": Brief("users", "Change a student's name in the institution", "converges"),
    "modify_course_student_nick_name": Brief("users", "Give students, in all their courses, the names that they bear in the institution", "converges"),
    "add_teacher": Brief("users", "Make a registered user a teacher of the institution", "reconciles"),
    "edit_teacher": Brief("users", "Change a teacher's name and picture in the institution", "converges"),
    "stop_using_teacher": Brief("users", "Deactivate a teacher", "converges"),
    "restart_using_teacher": Brief("users", "Reactivate a teacher", "converges"),
    "update_class_student_comment": Brief("users", "Write the teacher's evaluations of students of a lesson", "converges"),
    "add_course": Brief("courses", "Create a course", "identified"),
    "edit_course": Brief("courses", "Edit a course; only the fields given are changed", "converges"),
    "end_course": Brief("courses", "End a course, which deletes its lessons that have not started and dissolves its chat", "converges"),
    "add_course_labels": Brief("courses", "Set the labels of courses; the labels given take the place of those there are", "converges"),
    "add_course_class": Brief("lessons", "Create a lesson in a course", "identified"),
    "add_course_class_multiple": Brief("lessons", "Create several lessons in a course", "identified"),
    "edit_course_class": Brief("lessons", "Edit a lesson; only the fields given are changed, though two may fall back", "converges"),
    "modify_class_seat_num": Brief("lessons", "Change what happens on stage in a lesson: number, sharpness, second camera", "converges"),
    "del_course_class": Brief("lessons", "Delete a lesson that has not begun", "converges"),
    "del_end_course_class": Brief("lessons", "Delete a lesson that has ended", "converges"),
    "add_course_student": Brief("rosters", "Add a student or an auditor to a course and all its lessons, later ones too", "reconciles"),
    "del_course_student": Brief("rosters", "Remove a student or an auditor from a course", "converges"),
    "add_course_student_multiple": Brief("rosters", "Add several students or auditors to a course", "reconciles"),
    "del_course_student_multiple": Brief("rosters", "Remove several students or auditors from a course", "converges"),
    "modify_course_teacher": Brief("rosters", "Replace the teacher of those lessons of a course that have not started", "converges"),
    "remove_course_teacher": Brief("rosters", "Remove a teacher from a course", "converges"),
    "add_course_teacher": Brief("rosters", "Add teachers to a course", "reconciles"),
    "add_course_group": Brief("rosters", "Create the grouping of a course's students", "reconciles"),
    "edit_course_group": Brief("rosters", "Edit the grouping of a course's students", "converges"),
    "del_course_group": Brief("rosters", "Delete the grouping of a course's students", "converges"),
    "modify_group_member_nickname": Brief("rosters", "Give a course's students and auditors the names that they bear in the institution", "converges"),
    "add_class_student_multiple": Brief("lesson_rosters", "Add several students to one lesson", "reconciles"),
    "del_class_student_multiple": Brief("lesson_rosters", "Remove several students from one lesson; they keep the other lessons of the course", "converges"),
    "add_course_class_student": Brief("lesson_rosters", "Add one student to several lessons of a course", "reconciles"),
    "add_class_labels": Brief("lesson_rosters", "Set the labels of lessons, in place of those that they have", "converges"),
    "create_unit": Brief("activities", "Create a unit in a class", "reconciles"),
    "update_unit": Brief("activities", "Edit a unit; only the fields given are changed", "converges"),
    "delete_unit": Brief("activities", "Delete a unit and its activities", "converges"),
    "move_activities": Brief("activities", "Move all activities of one unit to another", "converges"),
    "create_activity_no_class": Brief("activities", "Create the draft of an activity other than a classroom", "harmful"),
    "release_activity": Brief("activities", "Publish an activity of any kind", "converges"),
    "delete_activity": Brief("activities", "Delete an activity of any kind", "converges"),
    "add_activity_students": Brief("activities", "Add students to an activity, other than homework and quizzes", "converges"),
    "delete_activity_students": Brief("activities", "Remove students from an activity, other than homework and quizzes", "converges"),
    "create_classroom": Brief("classrooms", "Create a classroom, published, for all members of a class", "identified"),
    "update_classroom": Brief("classrooms", "Edit a classroom; only the fields given are changed, though some may fall back", "converges"),
    "get_folder_list": Brief("cloud", "List the folders of the first two levels", "reads"),
    "get_cloud_list": Brief("cloud", "List the folders and files in a folder", "reads"),
    "get_top_folder_id": Brief("cloud", "Get the id of the top folder", "reads"),
    "upload_file": Brief("cloud", "Upload a file to a folder of the cloud drive", "harmful"),
    "rename_file": Brief("cloud", "Rename a file of the cloud drive", "converges"),
    "del_file": Brief("cloud", "Delete a file of the cloud drive", "converges"),
    "create_folder": Brief("cloud", "Create a folder in the cloud drive", "reconciles"),
    "rename_folder": Brief("cloud", "Rename a folder of the cloud drive", "converges"),
    "del_folder": Brief("cloud", "Delete a folder of the cloud drive with all that is in it", "converges"),
    "set_class_video_multiple": Brief("broadcast", "Set recording, live and replay of several lessons", "converges"),
    "delete_class_video": Brief("broadcast", "Delete recordings of a lesson that has ended", "converges"),
    "update_class_lock_status": Brief("broadcast", "Keep the recordings of a lesson that has ended from being deleted, or no longer", "converges"),
    "get_webcast_url": Brief("broadcast", "Get the address of the web page that shows a course or a lesson", "reads"),
    "set_webcast": Brief("playback", "Set recording, live and replay of a classroom; what is left out stays", "converges"),
    "add_playback_user": Brief("playback", "Let people watch the replay of a classroom in the client", "converges"),
    "delete_playback_user": Brief("playback", "Keep people from watching the replay of a classroom in the client", "converges"),
    "set_playback_all_forbidden": Brief("playback", "Let nobody watch the replays of classrooms in the client", "converges"),
    "set_playback_all_viewable": Brief("playback", "Let everybody who may be let watch the replays of classrooms in the client", "converges"),
    "add_school_label": Brief("schools", "Create a label", "reconciles"),
    "update_school_label": Brief("schools", "Rename a label", "converges"),
    "delete_school_label": Brief("schools", "Delete a label", "converges"),
    "delete_sub_school_account": Brief("schools", "Delete a sub-account of the institution", "converges"),
    "modify_school_conf": Brief("schools", "Change settings of the institution; only those given are changed", "converges"),
    "get_login_linked": Brief("schools", "Get the link that opens the client in a lesson", "reads"),
    "add_double_teacher_class": Brief("double_teacher", "Create sub-lessons of a lesson or classroom, which becomes a double-teacher lesson", "identified"),
    "edit_double_teacher_class": Brief("double_teacher", "Edit a double-teacher lesson, main or sub; only the fields given are changed", "converges"),
    "delete_double_teacher_class": Brief("double_teacher", "Delete a double-teacher lesson: the main one with its sub-lessons, or one of these alone", "converges"),
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
