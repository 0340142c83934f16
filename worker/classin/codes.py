"""ClassIn's numbers: wording, verdict and remedy, in one table.

Source: the code tables of the operations' pages; Error-Handling/Basic_errors and Lesson_errors.
"""

from enum import Enum, IntEnum
from typing import Self

from worker.classin.verdicts import Verdict

DONE, AGAIN, THROTTLED, LATER, LOCKED_OUT, CLOCK, REFUSED = (
    Verdict.DONE,
    Verdict.AGAIN,
    Verdict.THROTTLED,
    Verdict.LATER,
    Verdict.LOCKED_OUT,
    Verdict.CLOCK,
    Verdict.REFUSED,
)


class Remedy(Enum):
    """What a person does about a code, in words."""

    NOTHING = "Nothing: this is done."
    NOTHING_YET = "Nothing: wait for it."
    WAIT = "Nothing: it is tried again by itself."
    LOOK = "Look in ClassIn which part is there, then submit what is missing."
    RESUBMIT = "When ClassIn is well again, submit the operation anew."
    SLOW_DOWN = "Nothing: it is sent again later, and more slowly."
    CHANGE = "Correct the field that the message names and submit the operation anew."
    FIND = "Check the id: what it names is not there, or belongs to another institution."
    STATE = "Look at it in ClassIn: its present state does not allow this."
    ROLES = "The person holds a role that forbids this one: settle that in ClassIn first."
    LIMIT = "A limit of the plan or of the entity is reached: make room, or ask ClassIn for more."
    EXISTS = "It exists already: use that one, or choose another name and submit anew."
    SERVICE = (
        "ClassIn failed inside: look whether it was done, then retry; else ask ClassIn support."
    )
    ACCOUNT = (
        "Check SID and secret with `classin doctor`, and in ClassIn's back office that the API"
        " is permitted and the account is paid."
    )
    CLOCK = "Set the clock of the worker's machine (NTP); `classin doctor` measures it."


class Code(IntEnum):
    """A code that ClassIn documents.

    `phrase` says what it means; `verdict` what it means for an attempt, unless the operation
    counts it among its `done`, `already` or `partly`; `remedy` what a person does about it.
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
        """Make a member whose value is the number alone, as `http.HTTPStatus` does."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.phrase = phrase
        code.verdict = verdict
        code.remedy = remedy
        return code

    @classmethod
    def known(cls, number: int | None) -> "Code | None":
        """The code with this number, or None if the table does not have it."""
        return cls(number) if number is not None and number in cls._value2member_map_ else None

    OK = 1, "carried out", DONE, Remedy.NOTHING

    # The request itself
    BAD_PARAMETERS = 100, "a parameter is missing or wrong", REFUSED, Remedy.CHANGE
    NO_PERMISSION = (
        102,
        "SID, safeKey or time was not accepted, or the account may not use the API",
        LOCKED_OUT,
        Remedy.ACCOUNT,
    )
    IMAGE_NOT_STORED = 103, "the picture could not be stored", REFUSED, Remedy.SERVICE
    UNKNOWN_ERROR = 104, "unknown error", AGAIN, Remedy.WAIT
    NO_DATA = 106, "there is no data", REFUSED, Remedy.FIND
    SERVER_ERROR = 114, "server error", AGAIN, Remedy.WAIT
    REGISTRATION_COLLIDED = (
        131,
        "identical registrations ran side by side",
        THROTTLED,
        Remedy.SLOW_DOWN,
    )

    # Courses
    NO_SUCH_COURSE = 144, "the institution has no such course", REFUSED, Remedy.FIND
    COURSE_UNKNOWN = 147, "nothing is known of this course", REFUSED, Remedy.FIND
    COURSE_DELETED = 149, "the course has been deleted", REFUSED, Remedy.STATE
    EXPIRES_TOO_SOON = 151, "the course must expire at least one day ahead", REFUSED, Remedy.CHANGE
    EXPIRES_BEFORE_LAST_LESSON = (
        152,
        "the course cannot expire before its last lesson ends",
        REFUSED,
        Remedy.STATE,
    )
    COURSE_EXPIRED = 153, "the course has expired", REFUSED, Remedy.STATE
    EXPIRES_TOO_LATE = 154, "the course expires too far ahead", REFUSED, Remedy.CHANGE
    HEAD_TEACHER_NOT_ADDED = 260, "the head teacher could not be added", REFUSED, Remedy.SERVICE
    NO_SUCH_HEAD_TEACHER = 310, "the new head teacher does not exist", REFUSED, Remedy.FIND
    STUDENT_AS_HEAD_TEACHER = (
        311,
        "a student of the course cannot be its head teacher",
        REFUSED,
        Remedy.ROLES,
    )
    AUDITOR_AS_HEAD_TEACHER = (
        312,
        "an auditor of the course cannot be its head teacher",
        REFUSED,
        Remedy.ROLES,
    )
    HEAD_TEACHER_HAS_LESSONS = (
        314,
        "the present head teacher still has lessons to give",
        REFUSED,
        Remedy.STATE,
    )
    BAD_HEAD_TEACHER = 331, "the head teacher's account is not valid", REFUSED, Remedy.CHANGE
    HEAD_TEACHER_NOT_HERE = (
        334,
        "the head teacher is no teacher of this institution",
        REFUSED,
        Remedy.FIND,
    )
    TYPE_NOT_SUPPORTED = (
        369,
        "this type of course or lesson does not allow the operation",
        REFUSED,
        Remedy.CHANGE,
    )
    NO_SUCH_CLASSROOM_SETTING = 371, "the classroom setting does not exist", REFUSED, Remedy.FIND
    FOREIGN_CLASSROOM_SETTING = (
        373,
        "the classroom setting belongs to another institution",
        REFUSED,
        Remedy.CHANGE,
    )
    HEAD_TEACHER_DEACTIVATED = 389, "the head teacher is deactivated", REFUSED, Remedy.STATE
    BAD_REQUEST_DATA = (
        400,
        "the data is not valid; often an id that is no user's UID",
        REFUSED,
        Remedy.CHANGE,
    )
    HEAD_TEACHER_LEAVING = (
        805,
        "the head teacher is being deactivated at this moment",
        REFUSED,
        Remedy.STATE,
    )
    HEAD_TEACHER_CANCELLED = 883, "the head teacher cancelled the account", REFUSED, Remedy.STATE

    # The cloud drive
    FOLDER_NOT_IN_DRIVE = 160, "the institution's drive has no such folder", REFUSED, Remedy.FIND
    NO_SUCH_FOLDER = 193, "the folder does not exist", REFUSED, Remedy.FIND
    FOREIGN_FOLDER = 194, "the folder belongs to another institution", REFUSED, Remedy.FIND
    FOLDER_FORBIDS = 196, "this folder does not allow the operation", REFUSED, Remedy.CHANGE
    FOLDER_NAME_TAKEN = 206, "a folder of that name exists already", REFUSED, Remedy.EXISTS
    FOLDERS_TOO_DEEP = 207, "the folders are nested too deep", REFUSED, Remedy.LIMIT
    TOO_MANY_FOLDERS = 208, "there are too many folders", REFUSED, Remedy.LIMIT

    # Units and activities
    UNIT_NOT_CREATED = 29200, "the unit could not be created", REFUSED, Remedy.SERVICE
    UNIT_NAME_TAKEN = 29208, "the course has a unit of that name already", REFUSED, Remedy.EXISTS
    UNIT_CREATED = 29213, "the unit was created", DONE, Remedy.NOTHING
    TOO_MANY_UNITS = (
        40031,
        "the limit of units in a class, or of activities in a unit, is reached",
        REFUSED,
        Remedy.LIMIT,
    )

    # The second generation's own
    PARAMETER_MISSING = 21601030, "a required parameter is missing", REFUSED, Remedy.CHANGE
    PARAMETER_ERROR = 101001001, "a parameter is wrong", REFUSED, Remedy.CHANGE
    BAD_SIGNATURE = 101002005, "the signature is missing or wrong", LOCKED_OUT, Remedy.ACCOUNT
    TIME_OUT_OF_DATE = 101002006, "our time is more than five minutes off", CLOCK, Remedy.CLOCK
    TIME_MISSING = 101002008, "the time is missing", LOCKED_OUT, Remedy.ACCOUNT
    BUSINESS_PARAMETER_ERROR = (
        121601020,
        "a parameter breaks a rule, often a name too long",
        REFUSED,
        Remedy.CHANGE,
    )
    FOREIGN_COURSE = 121601021, "the course belongs to another institution", REFUSED, Remedy.FIND
    NOT_A_STANDARD_COURSE = 121601022, "the course is not a standard course", REFUSED, Remedy.CHANGE
    COURSE_OVER = 121601023, "the course was dissolved or has expired", REFUSED, Remedy.STATE

    # Any operation may meet these
    VIDEO_SERVICE_TROUBLE = 253, "the video service has a problem", LATER, Remedy.WAIT
    COURSE_BUSY = (
        460,
        "another request is creating in this course at this moment",
        THROTTLED,
        Remedy.SLOW_DOWN,
    )
    ROSTER_BUSY = (
        464,
        "another request is adding students to this course at this moment",
        THROTTLED,
        Remedy.SLOW_DOWN,
    )
    TEACHER_LEAVING = 800, "the teacher is being deactivated at this moment", LATER, Remedy.WAIT
    MAINTENANCE = 901, "ClassIn is under maintenance", LATER, Remedy.WAIT
    FEES_OWED = 29057, "the institution owes fees", LOCKED_OUT, Remedy.ACCOUNT
    INSTITUTION_NOT_NORMAL = (
        29060,
        "the institution's status is not normal",
        LOCKED_OUT,
        Remedy.ACCOUNT,
    )
    TOO_FAST = 101003001, "requests come too fast", THROTTLED, Remedy.SLOW_DOWN
    REPEATED_TOO_SOON = (
        101003002,
        "the same parameters came twice within five seconds",
        THROTTLED,
        Remedy.SLOW_DOWN,
    )
