"""ClassIn's numbers: wording, verdict and remedy, in one table.

A code that says "it is so already", or that only a part is missing, is refused here: the operations
that take it otherwise say so themselves, in `already` and `partial`.

Source: the code tables of the operations' pages; Error-Handling/Basic_errors and Lesson_errors.
"""

from enum import IntEnum
from typing import Self

from worker.classin.remedies import Remedy
from worker.classin.verdicts import Verdict

DONE, AGAIN, THROTTLED, LATER = Verdict.DONE, Verdict.RETRY, Verdict.THROTTLED, Verdict.DEFER
LOCKED_OUT, CLOCK, REFUSED = Verdict.LOCKED_OUT, Verdict.CLOCK_SKEW, Verdict.REFUSED


class Code(IntEnum):
    """A code that ClassIn documents.

    `phrase` says what it means; `verdict` what it means for an attempt, unless the operation lists
    it in `done`, `already` or `partial`; `remedy` what a person does about it.
    """

    phrase: str
    verdict: Verdict
    remedy: Remedy

    def __new__(
        cls,
        number: int,
        phrase: str = "",
        verdict: Verdict = REFUSED,
        remedy: Remedy = Remedy.CHANGE,
    ) -> Self:
        """Create a member whose value is the number, as `http.HTTPStatus` does."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.phrase = phrase
        code.verdict = verdict
        code.remedy = remedy
        return code

    @classmethod
    def known(cls, number: int | None) -> "Code | None":
        """Return the code with this number; None if the table lacks it."""
        found: Code | None = cls._value2member_map_.get(number)  # type: ignore[assignment]  # its members
        return found

    # fmt: off
    OK = 1, "carried out", DONE, Remedy.NOTHING

    # The request itself
    BAD_PARAMETERS = 100, "a parameter is missing or wrong", REFUSED, Remedy.CHANGE
    NO_PERMISSION = 102, "SID, safeKey or time was not accepted, or the account may not use the API", LOCKED_OUT, Remedy.ACCOUNT
    UNKNOWN_ERROR = 104, "unknown error", AGAIN, Remedy.WAIT
    NO_DATA = 106, "there is no data", REFUSED, Remedy.FIND
    SERVER_ERROR = 114, "a server of ClassIn failed", AGAIN, Remedy.WAIT
    EMPTY_LIST = 155, "a list is empty, or did not arrive as JSON", REFUSED, Remedy.CHANGE
    TYPE_NOT_SUPPORTED = 369, "this type of course or lesson does not allow the operation", REFUSED, Remedy.CHANGE
    BAD_REQUEST_DATA = 400, "the data is not valid; often an id that is no user's UID", REFUSED, Remedy.CHANGE
    TOO_MANY_ENTRIES = 450, "there is more of something than is allowed", REFUSED, Remedy.CHANGE
    MAINTENANCE = 901, "ClassIn is under maintenance", LATER, Remedy.WAIT
    FEES_OWED = 29057, "the institution has fees to pay", LOCKED_OUT, Remedy.ACCOUNT
    INSTITUTION_NOT_NORMAL = 29060, "the institution's account is not in order", LOCKED_OUT, Remedy.ACCOUNT
    PARAMETER_MISSING = 21601030, "a parameter that must be there is missing", REFUSED, Remedy.CHANGE
    PARAMETER_ERROR = 101001001, "a parameter is wrong", REFUSED, Remedy.CHANGE
    BAD_SIGNATURE = 101002005, "the signature is missing or wrong", LOCKED_OUT, Remedy.ACCOUNT
    TIME_OUT_OF_DATE = 101002006, "our time is more than five minutes off", CLOCK, Remedy.CLOCK
    TIME_MISSING = 101002008, "the time is missing", LOCKED_OUT, Remedy.ACCOUNT
    TOO_FAST = 101003001, "we ask too fast", THROTTLED, Remedy.SLOW_DOWN
    REPEATED_TOO_SOON = 101003002, "the same parameters came twice within five seconds", THROTTLED, Remedy.SLOW_DOWN
    INNER_CALL_FAILED = 101004005, "one part of ClassIn could not reach another", REFUSED, Remedy.SERVICE
    BUSINESS_PARAMETER_ERROR = 121601020, "a parameter breaks a rule, often a name too long", REFUSED, Remedy.CHANGE
    FIELD_EMPTY = 121601018, "a field that is needed is missing, or has no good value", REFUSED, Remedy.CHANGE
    FIELD_MISSING = 121601030, "a parameter is lacking, or a list is too long", REFUSED, Remedy.CHANGE

    # Accounts
    IMAGE_NOT_STORED = 103, "the picture could not be stored", REFUSED, Remedy.SERVICE
    ACCOUNT_NOT_REGISTERED = 113, "nobody is registered with ClassIn under this account", REFUSED, Remedy.JOIN
    BAD_STUDENT_PHONE = 125, "no student's phone number looks like this", REFUSED, Remedy.CHANGE
    REGISTRATION_COLLIDED = 131, "identical registrations ran side by side", THROTTLED, Remedy.SLOW_DOWN
    BAD_PHONE = 134, "no phone number looks like this", REFUSED, Remedy.CHANGE
    PHONE_REGISTERED = 135, "somebody is registered with this phone number already", REFUSED, Remedy.EXISTS
    BAD_PASSWORD_LENGTH = 137, "a password has 6 to 20 characters", REFUSED, Remedy.CHANGE
    BAD_IMAGE_TYPE = 224, "this type of picture is not accepted", REFUSED, Remedy.CHANGE
    PASSWORD_NOT_OURS = 227, "the password of a user outside the institution cannot be changed", REFUSED, Remedy.JOIN
    BAD_NUMBER_RANGE = 288, "no phone number starts like this", REFUSED, Remedy.CHANGE
    REGISTERED_WITHOUT_AVATAR = 340, "the user is registered, but has no avatar", REFUSED, Remedy.LOOK
    BAD_IMAGE_DIMENSIONS = 341, "an avatar measures 300 by 300 pixels", REFUSED, Remedy.CHANGE
    IMAGE_TOO_LARGE = 342, "an avatar is smaller than 1 MB", REFUSED, Remedy.CHANGE
    EMAIL_REGISTERED = 461, "somebody is registered with this e-mail address already", REFUSED, Remedy.EXISTS
    NO_PHONE_BOUND = 467, "the account has no phone number, so it cannot open the client this way", REFUSED, Remedy.PERSON
    REGISTERED_NOT_AS_STUDENT = 820, "the user is registered, but is not yet a student of the institution", REFUSED, Remedy.LOOK
    REGISTERED_NOT_AS_TEACHER = 821, "the user is registered, but is not yet a teacher of the institution", REFUSED, Remedy.LOOK
    SMS_NOT_POSSIBLE = 877, "with these parameters no SMS can be sent", REFUSED, Remedy.CHANGE
    USER_CANCELLED = 888, "the user cancelled the account", REFUSED, Remedy.PERSON

    # People of the institution
    LESSON_TEACHER_NOT_HERE = 121, "the teacher meant for the lesson is not in this institution", REFUSED, Remedy.JOIN
    BAD_TEACHER = 122, "the teacher's account is not valid", REFUSED, Remedy.CHANGE
    INSTITUTION_AS_STUDENT = 128, "the institution's own account cannot be a student", REFUSED, Remedy.ROLES
    THERE_ALREADY = 133, "it is there already, or the request lists it twice", REFUSED, Remedy.ALREADY
    TEACHER_NOT_HERE = 136, "the teacher is not in this institution", REFUSED, Remedy.JOIN
    NOT_A_MEMBER = 150, "the user has no role in the institution, or is not in this lesson", REFUSED, Remedy.JOIN
    NO_TEACHER_RECORD = 219, "there is no record of this teacher", REFUSED, Remedy.FIND
    STUDENT_NOT_HERE = 228, "the institution knows no such student", REFUSED, Remedy.JOIN
    TEACHER_HAS_LESSONS = 317, "the teacher has lessons that are not over", REFUSED, Remedy.STATE
    TEACHER_HAS_COURSES = 339, "the teacher has courses that are not over", REFUSED, Remedy.STATE
    INSTITUTION_ACCOUNT_STAYS = 386, "the institution's own account cannot be deactivated", REFUSED, Remedy.ROLES
    TEACHER_DEACTIVATED = 387, "the teacher has been deactivated", REFUSED, Remedy.PERSON
    SUB_ACCOUNT_STAYS = 402, "the institution's sub-accounts cannot be deactivated", REFUSED, Remedy.ROLES
    TEACHER_LEAVING = 800, "the teacher's deactivation is under way", LATER, Remedy.WAIT
    TOO_MANY_TEACHERS = 845, "the institution has as many active teachers as it may", REFUSED, Remedy.LIMIT
    TEACHER_CANCELLED = 884, "the teacher cancelled the account", REFUSED, Remedy.PERSON
    STUDENT_CANCELLED = 886, "the student cancelled the account", REFUSED, Remedy.PERSON
    AUDITOR_CANCELLED = 887, "the auditor cancelled the account", REFUSED, Remedy.PERSON
    TEACHER_DELETED = 21319, "this teacher was deleted", REFUSED, Remedy.FIND
    NO_SUCH_SUB_ACCOUNT = 22101, "there is no such sub-account", REFUSED, Remedy.FIND
    INSTITUTION_TYPE_UNKNOWN = 30013, "ClassIn could not tell what type of institution this is", REFUSED, Remedy.SERVICE
    FOREIGN_TEACHER = 121601044, "this person is no teacher of the institution", REFUSED, Remedy.JOIN
    NO_SUCH_INSTITUTION = 121601058, "there is no such institution", REFUSED, Remedy.FIND
    FOREIGN_STUDENT = 121601059, "this person is no student of the institution", REFUSED, Remedy.JOIN

    # Courses
    NO_SUCH_COURSE = 144, "the institution has no such course", REFUSED, Remedy.FIND
    COURSE_ENDED = 146, "the course is over", REFUSED, Remedy.STATE
    COURSE_UNKNOWN = 147, "nothing is known of this course", REFUSED, Remedy.FIND
    COURSE_DELETED = 149, "the course was deleted", REFUSED, Remedy.STATE
    EXPIRES_TOO_SOON = 151, "the course must expire at least one day ahead", REFUSED, Remedy.CHANGE
    EXPIRES_BEFORE_LAST_LESSON = 152, "the course cannot expire before its last lesson ends", REFUSED, Remedy.STATE
    COURSE_EXPIRED = 153, "the course's time has run out", REFUSED, Remedy.STATE
    EXPIRES_TOO_LATE = 154, "the course expires too far ahead", REFUSED, Remedy.CHANGE
    NO_LESSON_AHEAD = 188, "the course has no lesson still to begin", REFUSED, Remedy.STATE
    COURSE_INCOMPLETE = 190, "the course was never created to the end", REFUSED, Remedy.STATE
    NO_SUCH_CLASSROOM_SETTING = 371, "there is no such classroom setting", REFUSED, Remedy.FIND
    FOREIGN_CLASSROOM_SETTING = 373, "the classroom setting belongs to another institution", REFUSED, Remedy.FIND
    COURSE_IN_SESSION = 394, "a lesson of the course is being held, so the course cannot end", REFUSED, Remedy.STATE
    IDENTITY_TAKEN = 398, "something was made with this unique identity already", REFUSED, Remedy.EXISTS
    COURSE_BUSY = 460, "another request is creating in this course at this moment", THROTTLED, Remedy.SLOW_DOWN
    COURSE_FINISHED = 30031, "the course is over and takes no more teachers", REFUSED, Remedy.STATE
    FOREIGN_COURSE = 121601021, "the course belongs to another institution", REFUSED, Remedy.FIND
    NOT_A_STANDARD_COURSE = 121601022, "only a standard course allows this", REFUSED, Remedy.CHANGE
    COURSE_OVER = 121601023, "the course was dissolved or has expired", REFUSED, Remedy.STATE

    # Head teachers
    HEAD_TEACHER_NOT_ADDED = 260, "the head teacher could not be added", REFUSED, Remedy.SERVICE
    NO_SUCH_HEAD_TEACHER = 310, "the account of the new head teacher does not exist", REFUSED, Remedy.FIND
    STUDENT_AS_HEAD_TEACHER = 311, "who studies in the course cannot be its head teacher", REFUSED, Remedy.ROLES
    AUDITOR_AS_HEAD_TEACHER = 312, "who audits the course cannot be its head teacher", REFUSED, Remedy.ROLES
    HEAD_TEACHER_HAS_LESSONS = 314, "the present head teacher still has lessons to give", REFUSED, Remedy.STATE
    BAD_HEAD_TEACHER = 331, "the head teacher's account is not valid", REFUSED, Remedy.CHANGE
    HEAD_TEACHER_AS_STUDENT = 333, "who heads the course cannot be its student", REFUSED, Remedy.ROLES
    HEAD_TEACHER_NOT_HERE = 334, "the head teacher is no teacher of this institution", REFUSED, Remedy.JOIN
    HEAD_TEACHER_DEACTIVATED = 389, "the head teacher has been deactivated", REFUSED, Remedy.PERSON
    HEAD_TEACHER_LEAVING = 805, "the deactivation of the teacher who is to take over is under way", REFUSED, Remedy.PERSON
    HEAD_TEACHER_CANCELLED = 883, "the head teacher cancelled the account", REFUSED, Remedy.PERSON
    HEAD_TEACHER_ALREADY = 30022, "this person is the course's head teacher already", REFUSED, Remedy.ROLES

    # The roster of a course
    TEACHER_AS_STUDENT = 129, "a teacher cannot be a student as well", REFUSED, Remedy.ROLES
    TOO_MANY_MEMBERS = 130, "the course would have more members than it may", REFUSED, Remedy.LIMIT
    NOT_IN_COURSE = 162, "this person is no member of the course", REFUSED, Remedy.FIND
    STUDENT_ALREADY = 163, "this person is a student of the course already", REFUSED, Remedy.ALREADY
    AUDITOR_ALREADY = 164, "this person is an auditor of the course already", REFUSED, Remedy.ALREADY
    STUDENT_AS_TEACHER = 172, "who studies in the course cannot teach it", REFUSED, Remedy.ROLES
    AUDITOR_AS_TEACHER = 173, "who audits the course cannot teach it", REFUSED, Remedy.ROLES
    TEACHER_AS_AUDITOR = 174, "a teacher cannot be an auditor as well", REFUSED, Remedy.ROLES
    TEACHER_NOT_REMOVED = 315, "the teacher could not be taken off the course", REFUSED, Remedy.SERVICE
    TEACHER_NOT_LISTED = 316, "this person is not among the course's teachers", REFUSED, Remedy.FIND
    STAFF_AS_STUDENT = 332, "who teaches or co-teaches in the course cannot be its student or auditor", REFUSED, Remedy.ROLES
    ROSTER_BUSY = 464, "another request is adding students to this course at this moment", THROTTLED, Remedy.SLOW_DOWN
    ADDED_WITHOUT_NICKNAME = 841, "the member is in the course, but without the class nickname", REFUSED, Remedy.LOOK
    SOME_NICKNAMES_UNCHANGED = 842, "only some of the class nicknames were changed", REFUSED, Remedy.LOOK
    NICKNAMES_UNCHANGED = 843, "none of the class nicknames was changed", REFUSED, Remedy.SERVICE
    NICKNAME_OF_REMOVED = 21323, "a student who was removed keeps the old class nickname", REFUSED, Remedy.STATE
    NICKNAME_NOT_SYNCHRONISED = 110100067, "the class nickname could not be synchronised", REFUSED, Remedy.SERVICE
    TOO_MANY_NICKNAMES = 121601060, "one request may name 100 students", REFUSED, Remedy.SPLIT

    # Groupings
    GROUPING_NOT_SET = 890, "the grouping could not be stored", REFUSED, Remedy.SERVICE
    GROUPING_NOT_DELETED = 891, "the grouping could not be deleted", REFUSED, Remedy.SERVICE
    GROUPING_EXISTS = 892, "the course has a grouping already", REFUSED, Remedy.EXISTS
    NO_GROUPING = 893, "the course has no such grouping", REFUSED, Remedy.FIND
    BAD_GROUP_LEADER = 895, "the UID of a group's leader is wrong", REFUSED, Remedy.CHANGE
    GROUPED_NOT_HERE = 896, "nobody in the groups is a student of the institution", REFUSED, Remedy.JOIN
    GROUPED_NOT_IN_COURSE = 897, "nobody in the groups is a student of this course", REFUSED, Remedy.JOIN
    GROUPED_WITHOUT_SOME = 898, "the grouping stands, but without the students whose UID is wrong", REFUSED, Remedy.LOOK

    # Lessons
    ENDS_BEFORE_START = 119, "the lesson must end after it starts", REFUSED, Remedy.CHANGE
    STARTS_TOO_SOON = 120, "the lesson must start at least one minute ahead", REFUSED, Remedy.CHANGE
    TIME_FIXED = 124, "from one minute before the start the lesson's time is fixed", REFUSED, Remedy.STATE
    LESSON_RUNNING = 140, "the lesson is being held and can be neither edited nor deleted", REFUSED, Remedy.STATE
    LESSON_NOT_IN_COURSE = 142, "the lesson is not in this course", REFUSED, Remedy.FIND
    NO_SUCH_LESSON = 143, "there is no such lesson", REFUSED, Remedy.FIND
    LESSON_ENDED = 145, "the lesson is over", REFUSED, Remedy.STATE
    LESSON_NOT_CREATED = 161, "the lesson could not be created", REFUSED, Remedy.SERVICE
    BAD_LESSON_LENGTH = 165, "a lesson lasts 15 minutes to 24 hours", REFUSED, Remedy.CHANGE
    STUDENT_AS_LESSON_TEACHER = 187, "who studies in the lesson cannot teach it", REFUSED, Remedy.ROLES
    LESSON_TEACHER_NOT_CHANGED = 189, "the lesson's teacher could not be changed", REFUSED, Remedy.SERVICE
    LESSON_DELETED = 212, "the lesson was deleted", REFUSED, Remedy.STATE
    LESSON_NOT_IN_CLIENT = 220, "the lesson could not be added for the client", REFUSED, Remedy.SERVICE
    LESSON_UNCHANGED_IN_CLIENT = 222, "the lesson could not be changed for the client", REFUSED, Remedy.SERVICE
    LESSON_NOT_HERE = 233, "the institution knows no such lesson", REFUSED, Remedy.FIND
    START_OUT_OF_RANGE = 268, "the lesson starts outside the period that is open for lessons", REFUSED, Remedy.CHANGE
    LESSON_FAULTY = 269, "the lesson's data is damaged: it must be deleted and created anew", REFUSED, Remedy.STATE
    LESSON_TEACHER_NOT_LISTED = 324, "the lesson's teachers could not be put among the course's teachers", REFUSED, Remedy.SERVICE
    DROP_IN_AS_TEACHER = 325, "a lesson's drop-in student cannot teach it", REFUSED, Remedy.ROLES
    CO_TEACHER_AS_TEACHER = 328, "who co-teaches the lesson cannot be its teacher", REFUSED, Remedy.ROLES
    LESSON_ALMOST_RUNNING = 350, "from 20 minutes before the start the name, time, folder and seats are fixed", REFUSED, Remedy.STATE
    LESSON_NOT_OVER = 384, "the lesson is not over yet", REFUSED, Remedy.STATE
    TEACHERS_FIXED = 385, "the lesson's time is over, so its teachers are fixed", REFUSED, Remedy.STATE
    COURSE_FULL_OF_LESSONS = 390, "the course has as many lessons as it may", REFUSED, Remedy.LIMIT
    LOCK_BEFORE_END = 391, "a lesson is locked or unlocked only after its end", REFUSED, Remedy.STATE
    MEETS_MAINTENANCE = 454, "the lesson, with 20 minutes around it, meets a maintenance of ClassIn", REFUSED, Remedy.CHANGE
    MADE_AS_CLASSROOM = 466, "the lesson is a classroom: the operations for classrooms handle it", REFUSED, Remedy.STATE
    ENDS_AFTER_SERVICE = 767, "the lesson would end when the institution's service period is over", REFUSED, Remedy.CHANGE
    TEACHER_EDITION = 769, "in the teacher edition only the account itself can be the head teacher", REFUSED, Remedy.ROLES
    DELETED_BUT_IDENTITY = 823, "the lesson is deleted, but its unique identity is still taken", REFUSED, Remedy.LOOK
    CREATED_WITHOUT_INTRODUCTION = 824, "the lesson is created, but without its introduction", REFUSED, Remedy.LOOK
    EDITED_WITHOUT_INTRODUCTION = 825, "the lesson is edited, but not its introduction", REFUSED, Remedy.LOOK
    LESSON_LENGTH_FORBIDDEN = 863, "a lesson of this length is against the rules", REFUSED, Remedy.CHANGE
    LESSON_ABOUT_TO_RUN = 875, "from 5 minutes before the start the name, time, folder and seats are fixed", REFUSED, Remedy.STATE
    TEACHING_MODE_UNCHANGED = 880, "the lesson's teaching mode could not be changed", REFUSED, Remedy.SERVICE
    SUBJECT_NOT_ALLOWED = 21304, "only primary and secondary schools set a subject", REFUSED, Remedy.CHANGE
    NO_SUCH_SUBJECT = 21305, "there is no such subject", REFUSED, Remedy.FIND
    SETTING_NOT_IN_EDITION = 121601001, "the institution's edition does not have this setting", REFUSED, Remedy.PLAN
    QUOTA_EXCEEDED = 121601002, "carried out, though the quota of online classrooms is exceeded", DONE, Remedy.NOTHING
    MONTH_FULL_UNTIL_UPGRADE = 121601003, "this month's lessons are used up, and a larger plan would have more", REFUSED, Remedy.LIMIT
    MONTH_FULL = 121601004, "this month's lessons are used up", REFUSED, Remedy.LIMIT
    TOO_MANY_LESSONS = 121601070, "the course would have more lessons than it may", REFUSED, Remedy.LIMIT
    TOO_MANY_CLASSROOMS = 122301070, "the course would have more classrooms than it may", REFUSED, Remedy.LIMIT

    # The roster of a lesson
    LESSON_FULL = 157, "the lesson would have more students than it may", REFUSED, Remedy.LIMIT
    STUDENT_NOT_ADDED = 158, "the student could not be added to the lesson", REFUSED, Remedy.SERVICE
    STUDENTS_ONLY = 159, "a lesson's roster takes students only: identity 1", REFUSED, Remedy.CHANGE
    IN_LESSON_ALREADY = 166, "this person is a student of the lesson already", REFUSED, Remedy.ALREADY
    NOT_IN_LESSON = 167, "this person is no student of the lesson", REFUSED, Remedy.FIND
    STUDENT_NOT_REMOVED = 171, "the student could not be taken off the lesson", REFUSED, Remedy.SERVICE
    CO_TEACHER_AS_STUDENT = 329, "who co-teaches the lesson cannot be its student", REFUSED, Remedy.ROLES

    # Co-teachers
    CO_TEACHER_NOT_HERE = 318, "the co-teacher is no teacher of this institution", REFUSED, Remedy.JOIN
    STUDENT_AS_CO_TEACHER = 319, "who studies in the course cannot co-teach its lessons", REFUSED, Remedy.ROLES
    AUDITOR_AS_CO_TEACHER = 320, "who audits the course cannot co-teach its lessons", REFUSED, Remedy.ROLES
    DROP_IN_AS_CO_TEACHER = 321, "a lesson's drop-in student cannot co-teach it", REFUSED, Remedy.ROLES
    TEACHER_AS_CO_TEACHER = 322, "who teaches the lesson cannot co-teach it", REFUSED, Remedy.ROLES
    CO_TEACHER_NOT_ADDED = 323, "the co-teacher could not be added to the lesson", REFUSED, Remedy.SERVICE
    CO_TEACHER_NOT_LISTED = 326, "the lesson's co-teacher could not be put among the course's teachers", REFUSED, Remedy.SERVICE
    CO_TEACHER_NOT_REMOVED = 327, "the co-teacher could not be taken off the lesson", REFUSED, Remedy.SERVICE
    BAD_CO_TEACHER = 330, "the co-teacher's account is not valid", REFUSED, Remedy.CHANGE
    CO_TEACHER_DEACTIVATED = 388, "the co-teacher has been deactivated", REFUSED, Remedy.PERSON
    CO_TEACHER_LEAVING = 804, "the co-teacher's deactivation is under way", REFUSED, Remedy.PERSON
    CO_TEACHER_CANCELLED = 885, "the co-teacher cancelled the account", REFUSED, Remedy.PERSON
    CO_TEACHER_TWICE = 21316, "a co-teacher is listed twice", REFUSED, Remedy.CHANGE
    TOO_MANY_CO_TEACHERS = 21317, "the lesson would have more co-teachers than it may", REFUSED, Remedy.LIMIT
    NO_CO_TEACHERS = 121601008, "the institution does not have co-teachers", REFUSED, Remedy.PLAN

    # The stage
    TOO_MANY_SEATS = 259, "the stage would have more seats than it may", REFUSED, Remedy.LIMIT
    SEATS_FIXED = 348, "from 20 minutes before the start the number of seats on stage is fixed", REFUSED, Remedy.STATE
    SEATS_NOT_CHANGED = 349, "the number of seats on stage could not be changed", REFUSED, Remedy.SERVICE
    HD_NOT_CHANGED = 367, "the lesson's HD setting could not be changed", REFUSED, Remedy.SERVICE
    TOO_MANY_SEATS_FOR_HD = 368, "with this number of seats on stage there is no HD", REFUSED, Remedy.CHANGE
    AUTO_STAGE_NOT_CHANGED = 372, "the automatic going on stage could not be changed", REFUSED, Remedy.SERVICE
    NO_DUAL_CAMERA_HERE = 808, "with these settings there is no dual camera", REFUSED, Remedy.CHANGE
    NO_DUAL_CAMERA_IN_CLASSROOM = 110100066, "a classroom with these settings has no dual camera", REFUSED, Remedy.CHANGE
    BAD_SEATS = 121601007, "the number of seats on stage is wrong", REFUSED, Remedy.CHANGE
    NO_DUAL_CAMERA = 121601011, "the institution does not have the dual camera", REFUSED, Remedy.PLAN
    RESOLUTION_TOO_HIGH = 121601012, "the resolution is higher than it may be", REFUSED, Remedy.LIMIT

    # Recording and live
    VIDEO_NOT_CHANGED = 221, "the lesson's video settings could not be changed for the client", REFUSED, Remedy.SERVICE
    LIVE_WITHOUT_RECORDING = 226, "a lesson that is not recorded has no live or replay to change", REFUSED, Remedy.STATE
    RECORDING_NEEDED = 251, "live and replay need the recording switched on", REFUSED, Remedy.STATE
    VIDEO_FIXED = 252, "from 20 minutes before the start recording and live are fixed", REFUSED, Remedy.STATE
    VIDEO_SERVICE_TROUBLE = 253, "the video service has a problem", LATER, Remedy.WAIT
    NOT_RECORDED = 254, "the lesson was not recorded, so there is no video", REFUSED, Remedy.STATE
    CREATED_WITHOUT_LIVE = 267, "the lesson is created, but not its live settings", REFUSED, Remedy.LOOK
    CREATED_BAD_RECORDING = 280, "the lesson is created, but not recorded: the recording parameters are wrong", REFUSED, Remedy.LOOK
    CREATED_WITHOUT_RECORDING = 281, "the lesson is created, but not recorded: the video service had a problem", REFUSED, Remedy.LOOK
    EDITED_BAD_RECORDING = 282, "the lesson is edited, but not its recording: the parameters are wrong", REFUSED, Remedy.LOOK
    EDITED_TOO_LATE_TO_RECORD = 283, "the lesson is edited, but less than 20 minutes ahead recording stays off", REFUSED, Remedy.LOOK
    EDITED_WITHOUT_RECORDING = 284, "the lesson is edited, but not its recording: the video service had a problem", REFUSED, Remedy.LOOK
    LIVE_COVER_NOT_ADDED = 451, "the live cover and introduction could not be added, or are too long", REFUSED, Remedy.SERVICE
    NO_SUCH_CLIP = 630, "there is no such video clip", REFUSED, Remedy.FIND
    RECORDING_FAILED = 631, "the recording failed, so there is no video file", REFUSED, Remedy.STATE
    VIDEOS_GONE = 632, "all videos of the lesson have been deleted already", REFUSED, Remedy.ALREADY
    VIDEO_LOCKED = 633, "a lock protects the video, so it was not deleted", REFUSED, Remedy.STATE
    CLIP_GONE = 634, "the video clip has been deleted already", REFUSED, Remedy.ALREADY
    NO_WEB_LIVE = 121601005, "the institution does not have live on the web", REFUSED, Remedy.PLAN
    NO_ON_SITE_RECORDING = 121601006, "the institution does not have recording by the camera on site", REFUSED, Remedy.PLAN
    NO_WEB_REPLAY = 121601009, "the institution does not have replay on the web", REFUSED, Remedy.PLAN
    NO_RECORDING = 121601010, "the institution does not have recording", REFUSED, Remedy.PLAN
    NO_STATION_BROADCAST = 121604007, "the institution does not have the OMO station broadcast", REFUSED, Remedy.PLAN
    CLASSROOM_UNKNOWN = 121603001, "nothing is known of this classroom", REFUSED, Remedy.FIND
    VIEWER_NOT_IN_COURSE = 121609003, "who is to watch is not in the course of the lesson", REFUSED, Remedy.JOIN
    REPLAYED_LESSON_UNKNOWN = 121609004, "the institution has no lesson like this to be replayed", REFUSED, Remedy.FIND
    NO_REPLAY_YET = 121609005, "there is no replay before the lesson is over", REFUSED, Remedy.STATE
    NO_REPLAY_WITHOUT_RECORDING = 121609006, "the lesson was not set to be recorded, so there is no replay", REFUSED, Remedy.STATE
    NO_VIEWER_ALREADY = 121609007, "this person may not watch the replay as it is", REFUSED, Remedy.ALREADY
    NO_RISK_MONITORING = 121604008, "the institution does not have the AI monitoring of risks in teaching", REFUSED, Remedy.PLAN
    NO_SUCH_AGENT = 142601001, "there is no such AI agent", REFUSED, Remedy.FIND

    # Labels
    LABEL_EXISTS = 353, "a label of that name exists already", REFUSED, Remedy.EXISTS
    TOO_MANY_LABELS = 354, "the institution has as many labels as it may", REFUSED, Remedy.LIMIT
    FOREIGN_LABEL = 355, "the label belongs to another institution", REFUSED, Remedy.FIND
    NO_SUCH_LABEL = 356, "there is no such label", REFUSED, Remedy.FIND
    TOO_MANY_LESSON_LABELS = 357, "the lesson would carry more labels than it may", REFUSED, Remedy.LIMIT
    SOME_LABELS_MISSING = 358, "some of the labels do not exist or have been deleted", REFUSED, Remedy.FIND
    SOME_LABELS_FOREIGN = 359, "some of the labels belong to another institution", REFUSED, Remedy.FIND
    TOO_MANY_COURSE_LABELS = 399, "the course would carry more labels than it may", REFUSED, Remedy.LIMIT

    # The cloud drive
    FOLDER_NOT_IN_DRIVE = 160, "the institution's drive has no such folder", REFUSED, Remedy.FIND
    NO_SUCH_FOLDER = 193, "the folder does not exist", REFUSED, Remedy.FIND
    FOREIGN_FOLDER = 194, "the folder belongs to another institution", REFUSED, Remedy.FIND
    NO_FILE_GIVEN = 195, "there is no file to upload", REFUSED, Remedy.CHANGE
    FOLDER_FORBIDS = 196, "this folder does not allow the operation", REFUSED, Remedy.CHANGE
    FILE_NOT_UPLOADED = 197, "the file could not be uploaded", REFUSED, Remedy.SERVICE
    NO_SUCH_FILE = 198, "there is no such file", REFUSED, Remedy.FIND
    FOREIGN_FILE = 199, "the file belongs to another institution", REFUSED, Remedy.FIND
    FILE_NAME_TAKEN = 200, "a file of that name exists already", REFUSED, Remedy.EXISTS
    FOLDER_NAME_TAKEN = 206, "a folder of that name exists already", REFUSED, Remedy.EXISTS
    FOLDERS_TOO_DEEP = 207, "the folders are nested too deep", REFUSED, Remedy.LIMIT
    TOO_MANY_FOLDERS = 208, "there would be more folders than allowed", REFUSED, Remedy.LIMIT
    FILE_TOO_LARGE = 211, "the file is larger than a file may be", REFUSED, Remedy.CHANGE
    STORAGE_FULL = 31000, "the drive is full", REFUSED, Remedy.LIMIT

    # Units and activities
    SAME_UNIT = 29046, "a unit's activities cannot move into that same unit", REFUSED, Remedy.CHANGE
    UNIT_UNKNOWN = 29048, "nothing is known of this unit", REFUSED, Remedy.FIND
    UNIT_NOT_MOVED = 29050, "the unit could not be moved", REFUSED, Remedy.SERVICE
    TARGET_UNIT_FULL = 29138, "the target unit would have more activities than it may", REFUSED, Remedy.LIMIT
    ACTIVITY_DELETED = 29149, "the activity has been deleted", REFUSED, Remedy.STATE
    PUBLISHED_ALREADY = 29184, "the activity is published already", REFUSED, Remedy.ALREADY
    UNIT_NOT_CREATED = 29200, "the unit could not be created", REFUSED, Remedy.SERVICE
    UNIT_NOT_DELETED = 29203, "the unit could not be deleted", REFUSED, Remedy.SERVICE
    UNIT_NAME_TAKEN = 29208, "the course has a unit of that name already", REFUSED, Remedy.EXISTS
    UNIT_CREATED = 29213, "the unit is made", DONE, Remedy.NOTHING
    ACTIVITY_EMPTY = 29601, "an activity without content cannot be published", REFUSED, Remedy.STATE
    NO_SUCH_ACTIVITY = 30002, "there is no such activity", REFUSED, Remedy.FIND
    NO_REMOVING_FROM_ACTIVITY = 30008, "homework and quizzes do not let students be taken off", REFUSED, Remedy.CHANGE
    UNIT_HAS_CLASSROOM = 40001, "the unit holds a classroom that has begun, so it cannot be deleted", REFUSED, Remedy.STATE
    NO_WAY_BACK_TO_DRAFT = 40004, "what is published cannot be a draft again", REFUSED, Remedy.STATE
    CLASSROOM_RUNNING = 40005, "a classroom that is being held cannot be deleted", REFUSED, Remedy.STATE
    CLASSROOM_ENDED = 40006, "a classroom that has ended cannot be deleted", REFUSED, Remedy.STATE
    NO_SUCH_UNIT = 40020, "there is no such unit", REFUSED, Remedy.FIND
    STUDENT_NOT_IN_COURSE = 40030, "the student is not in the activity's course", REFUSED, Remedy.JOIN
    TOO_MANY_UNITS = 40031, "the course has as many units, or the unit as many activities, as it may", REFUSED, Remedy.LIMIT
    UNIT_RENAMED_TO_TAKEN = 50003, "another unit of the course has that name", REFUSED, Remedy.EXISTS
    NO_TARGET_UNIT = 50004, "the unit to move to does not exist", REFUSED, Remedy.FIND
    UNLOCKED_BY_DRAFT = 110100065, "the activity is unlocked by another that is still a draft", REFUSED, Remedy.STATE
    ACTIVITY_ENDED = 110100069, "the activity is over", REFUSED, Remedy.STATE
    NO_ADDING_TO_ACTIVITY = 110100070, "homework and quizzes do not let students be added", REFUSED, Remedy.CHANGE

    # Double-teacher lessons
    TEACHER_AS_ASSISTANT = 110100073, "teacher and assistant must be two persons", REFUSED, Remedy.ROLES
    RECORDING_AGAINST_LIVE = 121601014, "the recording and live parameters contradict each other", REFUSED, Remedy.CHANGE
    TOO_MANY_TO_DELETE = 121601016, "one request may not delete so many", REFUSED, Remedy.SPLIT
    FOREIGN_LESSON = 121601031, "the lesson belongs to another institution", REFUSED, Remedy.FIND
    NOT_PERMITTED = 121601032, "the institution is not permitted this operation", REFUSED, Remedy.PLAN
    LESSON_NOT_PROCESSED = 121601033, "the lesson could not be processed", REFUSED, Remedy.SERVICE
    NOT_DOUBLE_TEACHER = 121601034, "the lesson is no online double-teacher lesson", REFUSED, Remedy.CHANGE
    LESSON_NAME_TOO_LONG = 121601035, "the lesson's name is longer than 50", REFUSED, Remedy.CHANGE
    SUB_LESSON_FIXED = 121601036, "the main teacher and the time of a sub-lesson are fixed", REFUSED, Remedy.STATE
    NO_MAIN_LESSON = 121601037, "there is no such main lesson", REFUSED, Remedy.FIND
    TOO_MANY_SUB_LESSONS = 121601038, "a main lesson has 100 sub-lessons at most", REFUSED, Remedy.LIMIT
    LESSON_GONE = 121601042, "the lesson has ended or been deleted", REFUSED, Remedy.STATE
    SAME_COURSE_TWICE = 122301036, "main lesson and sub-lessons must be in different courses", REFUSED, Remedy.CHANGE
    LIVE_AGAINST_RECORDING = 122301037, "the parameters for live do not match those for recording", REFUSED, Remedy.CHANGE

    # On the pages, but never in a reply to an operation of today
    COURSE_HAS_ENDED_LESSONS = 393, "a course with lessons that have ended cannot be deleted", REFUSED, Remedy.STATE
    COURSE_DELETED_BUT_IDENTITY = 822, "the course is deleted, but its unique identity is still taken", REFUSED, Remedy.LOOK
    TOO_MANY_SHARED_FOLDERS = 852, "the teacher would see more folders than allowed", REFUSED, Remedy.LIMIT
    SOME_FOLDERS_MISSING = 860, "not all of the folders exist", REFUSED, Remedy.FIND
    SOME_FOLDERS_DELETED = 861, "some of the folders have been deleted", REFUSED, Remedy.FIND
    SOME_FOLDERS_FOREIGN = 862, "some of the folders belong to another institution", REFUSED, Remedy.FIND
    PUSH_NOT_UNDERSTOOD = 10003, "the receiver of a push did not answer with the JSON expected", REFUSED, Remedy.CHANGE
    # fmt: on
