# Made by `make reference` from producers/__init__.py; do not edit it.
from producers.intake.attachments import file_at as file_at
from producers.intake.receipt import Receipt as Receipt
from producers.intake.receipt import result_of as result_of
from producers.intake.submit import submit as submit
from producers.intake.submit import submit_async as submit_async
from producers.intake.submit import submit_many as submit_many
from producers.intake.submit import submit_many_async as submit_many_async
from producers.intake.submit import submitting_to as submitting_to
from producers.intake.submitter import Submitter as Submitter
from worker.classin.operation import Operation as Operation
from worker.classin.operations.activities import ActivityType as ActivityType
from worker.classin.operations.activities import AddActivityStudents as AddActivityStudents
from worker.classin.operations.activities import CreateActivityNoClass as CreateActivityNoClass
from worker.classin.operations.activities import CreateUnit as CreateUnit
from worker.classin.operations.activities import DeleteActivity as DeleteActivity
from worker.classin.operations.activities import DeleteActivityStudents as DeleteActivityStudents
from worker.classin.operations.activities import DeleteUnit as DeleteUnit
from worker.classin.operations.activities import MoveActivities as MoveActivities
from worker.classin.operations.activities import Publication as Publication
from worker.classin.operations.activities import ReleaseActivity as ReleaseActivity
from worker.classin.operations.activities import UpdateUnit as UpdateUnit
from worker.classin.operations.broadcast import DeleteClassVideo as DeleteClassVideo
from worker.classin.operations.broadcast import GetWebcastUrl as GetWebcastUrl
from worker.classin.operations.broadcast import LessonVideo as LessonVideo
from worker.classin.operations.broadcast import SetClassVideoMultiple as SetClassVideoMultiple
from worker.classin.operations.broadcast import UpdateClassLockStatus as UpdateClassLockStatus
from worker.classin.operations.classrooms import AiSummary as AiSummary
from worker.classin.operations.classrooms import ChangedAiSummary as ChangedAiSummary
from worker.classin.operations.classrooms import CreateClassroom as CreateClassroom
from worker.classin.operations.classrooms import RecordType as RecordType
from worker.classin.operations.classrooms import UpdateClassroom as UpdateClassroom
from worker.classin.operations.cloud import CreateFolder as CreateFolder
from worker.classin.operations.cloud import DelFile as DelFile
from worker.classin.operations.cloud import DelFolder as DelFolder
from worker.classin.operations.cloud import GetCloudList as GetCloudList
from worker.classin.operations.cloud import GetFolderList as GetFolderList
from worker.classin.operations.cloud import GetTopFolderId as GetTopFolderId
from worker.classin.operations.cloud import RenameFile as RenameFile
from worker.classin.operations.cloud import RenameFolder as RenameFolder
from worker.classin.operations.cloud import UploadFile as UploadFile
from worker.classin.operations.courses import AddCourse as AddCourse
from worker.classin.operations.courses import AddCourseLabels as AddCourseLabels
from worker.classin.operations.courses import CourseLabels as CourseLabels
from worker.classin.operations.courses import EditCourse as EditCourse
from worker.classin.operations.courses import EndCourse as EndCourse
from worker.classin.operations.courses import FormerHeadTeacher as FormerHeadTeacher
from worker.classin.operations.courses import Subject as Subject
from worker.classin.operations.double_teacher import AddDoubleTeacherClass as AddDoubleTeacherClass
from worker.classin.operations.double_teacher import (
    DeleteDoubleTeacherClass as DeleteDoubleTeacherClass,
)
from worker.classin.operations.double_teacher import (
    EditDoubleTeacherClass as EditDoubleTeacherClass,
)
from worker.classin.operations.double_teacher import SharedOnstage as SharedOnstage
from worker.classin.operations.double_teacher import SubLesson as SubLesson
from worker.classin.operations.lesson_rosters import AddClassLabels as AddClassLabels
from worker.classin.operations.lesson_rosters import (
    AddClassStudentMultiple as AddClassStudentMultiple,
)
from worker.classin.operations.lesson_rosters import AddCourseClassStudent as AddCourseClassStudent
from worker.classin.operations.lesson_rosters import (
    DelClassStudentMultiple as DelClassStudentMultiple,
)
from worker.classin.operations.lesson_rosters import LabelledLesson as LabelledLesson
from worker.classin.operations.lesson_rosters import LessonRole as LessonRole
from worker.classin.operations.lesson_rosters import LessonStudent as LessonStudent
from worker.classin.operations.lessons import AddCourseClass as AddCourseClass
from worker.classin.operations.lessons import AddCourseClassMultiple as AddCourseClassMultiple
from worker.classin.operations.lessons import DelCourseClass as DelCourseClass
from worker.classin.operations.lessons import DelEndCourseClass as DelEndCourseClass
from worker.classin.operations.lessons import EditCourseClass as EditCourseClass
from worker.classin.operations.lessons import ModifyClassSeatNum as ModifyClassSeatNum
from worker.classin.operations.lessons import NewLesson as NewLesson
from worker.classin.operations.lessons import Onstage as Onstage
from worker.classin.operations.lessons import Resolution as Resolution
from worker.classin.operations.lessons import SecondCamera as SecondCamera
from worker.classin.operations.lessons import TeachMode as TeachMode
from worker.classin.operations.playback import AddPlaybackUser as AddPlaybackUser
from worker.classin.operations.playback import DeletePlaybackUser as DeletePlaybackUser
from worker.classin.operations.playback import SetPlaybackAllForbidden as SetPlaybackAllForbidden
from worker.classin.operations.playback import SetPlaybackAllViewable as SetPlaybackAllViewable
from worker.classin.operations.playback import SetWebcast as SetWebcast
from worker.classin.operations.rosters import AddCourseGroup as AddCourseGroup
from worker.classin.operations.rosters import AddCourseStudent as AddCourseStudent
from worker.classin.operations.rosters import AddCourseStudentMultiple as AddCourseStudentMultiple
from worker.classin.operations.rosters import AddCourseTeacher as AddCourseTeacher
from worker.classin.operations.rosters import DelCourseGroup as DelCourseGroup
from worker.classin.operations.rosters import DelCourseStudent as DelCourseStudent
from worker.classin.operations.rosters import DelCourseStudentMultiple as DelCourseStudentMultiple
from worker.classin.operations.rosters import EditCourseGroup as EditCourseGroup
from worker.classin.operations.rosters import GroupMember as GroupMember
from worker.classin.operations.rosters import ModifyCourseTeacher as ModifyCourseTeacher
from worker.classin.operations.rosters import ModifyGroupMemberNickname as ModifyGroupMemberNickname
from worker.classin.operations.rosters import NewMember as NewMember
from worker.classin.operations.rosters import RemoveCourseTeacher as RemoveCourseTeacher
from worker.classin.operations.rosters import Role as Role
from worker.classin.operations.schools import AddSchoolLabel as AddSchoolLabel
from worker.classin.operations.schools import DeleteSchoolLabel as DeleteSchoolLabel
from worker.classin.operations.schools import DeleteSubSchoolAccount as DeleteSubSchoolAccount
from worker.classin.operations.schools import Device as Device
from worker.classin.operations.schools import GetLoginLinked as GetLoginLinked
from worker.classin.operations.schools import ModifySchoolConf as ModifySchoolConf
from worker.classin.operations.schools import UpdateSchoolLabel as UpdateSchoolLabel
from worker.classin.operations.users import AddSchoolStudent as AddSchoolStudent
from worker.classin.operations.users import AddTeacher as AddTeacher
from worker.classin.operations.users import EditSchoolStudent as EditSchoolStudent
from worker.classin.operations.users import EditTeacher as EditTeacher
from worker.classin.operations.users import Membership as Membership
from worker.classin.operations.users import (
    ModifyCourseStudentNickName as ModifyCourseStudentNickName,
)
from worker.classin.operations.users import ModifyPassword as ModifyPassword
from worker.classin.operations.users import ModifyPasswordByTelephone as ModifyPasswordByTelephone
from worker.classin.operations.users import NewUser as NewUser
from worker.classin.operations.users import Register as Register
from worker.classin.operations.users import RegisterMultiple as RegisterMultiple
from worker.classin.operations.users import RestartUsingTeacher as RestartUsingTeacher
from worker.classin.operations.users import StopUsingTeacher as StopUsingTeacher
from worker.classin.operations.users import StudentComment as StudentComment
from worker.classin.operations.users import UpdateClassStudentComment as UpdateClassStudentComment
from worker.errors import UnavailableError as UnavailableError
from worker.errors import ValidationError as ValidationError
from worker.ledger.record import Record as Record
from worker.ledger.states import State as State
