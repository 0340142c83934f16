"""Registered users, and their roles in one school."""

from collections.abc import Callable, Iterable

from ops.simulator.state.drive import Held


class User(Held):
    """A user who is registered with ClassIn, in any school."""

    uid: int
    #: A phone number or an e-mail address.
    account: str
    nickname: str
    #: Whether there is a password; the password itself is not kept.
    password_set: bool = True
    cancelled: bool = False
    avatar: dict[str, object] | None = None

    @property
    def has_phone(self) -> bool:
        """Whether the account is a phone number."""
        return "@" not in self.account


class Student(Held):
    """A student of the institution, with the name there."""

    uid: int
    name: str


class Teacher(Held):
    """A teacher of the institution, with the name there."""

    uid: int
    name: str
    relation_id: int
    deactivated: bool = False
    picture: dict[str, object] | None = None


class Users:
    """All registered users; the schools share them."""

    def __init__(self, users: Iterable[User], new_uid: Callable[[], int]) -> None:
        """Take the initial users."""
        self._users: dict[int, User] = {}
        self._uids: dict[str, int] = {}
        self._new_uid = new_uid
        for user in users:
            self.keep(user)

    @property
    def all(self) -> tuple[User, ...]:
        """All users, in order of registration."""
        return tuple(self._users.values())

    def find(self, uid: int) -> User | None:
        """Return a user by UID."""
        return self._users.get(uid)

    def by_account(self, account: str) -> User | None:
        """Return a user by phone number or e-mail address, in any case."""
        uid = self._uids.get(account.lower())
        return None if uid is None else self._users[uid]

    def add(
        self, account: str, nickname: str | None, avatar: dict[str, object] | None = None
    ) -> User:
        """Register a user; without a nickname, the account is the name."""
        user = User(
            uid=self._new_uid(), account=account, nickname=nickname or account, avatar=avatar
        )
        return self.keep(user)

    def keep(self, user: User) -> User:
        """Store a new or changed user."""
        self._users[user.uid] = user
        self._uids[user.account.lower()] = user.uid
        return user


class People:
    """The roles of people in one school."""

    def __init__(
        self,
        users: Users,
        students: Iterable[Student],
        teachers: Iterable[Teacher],
        new_relation_id: Callable[[], int],
    ) -> None:
        """Take all users, and the initial members of the school."""
        self.users = users
        self.students = {student.uid: student for student in students}
        self.teachers = {teacher.uid: teacher for teacher in teachers}
        self._new_relation_id = new_relation_id

    def user(self, uid: int) -> User | None:
        """Return any registered user, of this school or not."""
        return self.users.find(uid)

    def by_account(self, account: str) -> User | None:
        """Return any registered user by phone number or e-mail address."""
        return self.users.by_account(account)

    def is_teacher(self, uid: int) -> bool:
        """Return whether this is an active teacher of the school."""
        return uid in self.teachers and not self.teachers[uid].deactivated

    def is_deactivated_teacher(self, uid: int) -> bool:
        """Return whether this is a deactivated teacher of the school."""
        return uid in self.teachers and self.teachers[uid].deactivated

    def is_student(self, uid: int) -> bool:
        """Return whether this is a student of the school."""
        return uid in self.students

    def is_member(self, uid: int) -> bool:
        """Return whether this is a student or an active teacher of the school."""
        return self.is_student(uid) or self.is_teacher(uid)

    def is_cancelled(self, uid: int) -> bool:
        """Return whether this user has closed the account."""
        user = self.users.find(uid)
        return user is not None and user.cancelled

    def admit_student(self, uid: int, name: str) -> Student:
        """Add a user as a student of the school, unless already one."""
        return self.students.setdefault(uid, Student(uid=uid, name=name))

    def admit_teacher(
        self, uid: int, name: str, picture: dict[str, object] | None = None
    ) -> Teacher:
        """Add a user as a teacher of the school, unless already one."""
        if uid not in self.teachers:
            self.teachers[uid] = Teacher(
                uid=uid, name=name, relation_id=self._new_relation_id(), picture=picture
            )
        return self.teachers[uid]
