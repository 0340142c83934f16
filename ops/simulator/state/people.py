"""Registered users, and their roles in one school."""

from collections.abc import Callable, Iterable

from ops.simulator.state.drive import Held


class User(Held):
    """Somebody who is registered with ClassIn, whatever the school."""

    uid: int
    #: A phone number or an e-mail address.
    account: str
    nickname: str
    #: That there is a password is all that is kept of it.
    password_set: bool = True
    cancelled: bool = False
    avatar: dict[str, object] | None = None

    @property
    def has_phone(self) -> bool:
        """Whether the account is a phone number."""
        return "@" not in self.account


class Student(Held):
    """A user as a student of the institution, under the name borne there."""

    uid: int
    name: str


class Teacher(Held):
    """A user as a teacher of the institution, under the name borne there."""

    uid: int
    name: str
    relation_id: int
    deactivated: bool = False
    picture: dict[str, object] | None = None


class Users:
    """Everybody who is registered; the schools share them."""

    def __init__(self, users: Iterable[User], new_uid: Callable[[], int]) -> None:
        """Take who is registered at the start."""
        self._users: dict[int, User] = {}
        self._uids: dict[str, int] = {}
        self._new_uid = new_uid
        for user in users:
            self.keep(user)

    @property
    def all(self) -> tuple[User, ...]:
        """Everybody, in the order in which they registered."""
        return tuple(self._users.values())

    def find(self, uid: int) -> User | None:
        """Find a user by UID."""
        return self._users.get(uid)

    def by_account(self, account: str) -> User | None:
        """Find a user by phone number or e-mail address; the letters' case does not matter."""
        uid = self._uids.get(account.lower())
        return None if uid is None else self._users[uid]

    def add(
        self, account: str, nickname: str | None, avatar: dict[str, object] | None = None
    ) -> User:
        """Register somebody, who is called by the account unless a nickname is given."""
        user = User(
            uid=self._new_uid(), account=account, nickname=nickname or account, avatar=avatar
        )
        return self.keep(user)

    def keep(self, user: User) -> User:
        """Take a user as new, or as changed."""
        self._users[user.uid] = user
        self._uids[user.account.lower()] = user.uid
        return user


class People:
    """Who is what in one school."""

    def __init__(
        self,
        users: Users,
        students: Iterable[Student],
        teachers: Iterable[Teacher],
        new_relation_id: Callable[[], int],
    ) -> None:
        """Take everybody registered, and who belongs to the school at the start."""
        self.users = users
        self.students = {student.uid: student for student in students}
        self.teachers = {teacher.uid: teacher for teacher in teachers}
        self._new_relation_id = new_relation_id

    def user(self, uid: int) -> User | None:
        """Find anybody registered with ClassIn, of this school or not."""
        return self.users.find(uid)

    def by_account(self, account: str) -> User | None:
        """Find anybody registered with ClassIn by phone number or e-mail address."""
        return self.users.by_account(account)

    def is_teacher(self, uid: int) -> bool:
        """Tell whether this is an active teacher of the school."""
        return uid in self.teachers and not self.teachers[uid].deactivated

    def is_deactivated_teacher(self, uid: int) -> bool:
        """Tell whether this is a teacher of the school who was deactivated."""
        return uid in self.teachers and self.teachers[uid].deactivated

    def is_student(self, uid: int) -> bool:
        """Tell whether this is a student of the school."""
        return uid in self.students

    def is_member(self, uid: int) -> bool:
        """Tell whether this is a student or an active teacher of the school."""
        return self.is_student(uid) or self.is_teacher(uid)

    def is_cancelled(self, uid: int) -> bool:
        """Tell whether this user gave up the account."""
        user = self.users.find(uid)
        return user is not None and user.cancelled

    def admit_student(self, uid: int, name: str) -> Student:
        """Make a user a student of the school, unless that is so already."""
        return self.students.setdefault(uid, Student(uid=uid, name=name))

    def admit_teacher(
        self, uid: int, name: str, picture: dict[str, object] | None = None
    ) -> Teacher:
        """Make a user a teacher of the school, unless that is so already."""
        if uid not in self.teachers:
            self.teachers[uid] = Teacher(
                uid=uid, name=name, relation_id=self._new_relation_id(), picture=picture
            )
        return self.teachers[uid]
