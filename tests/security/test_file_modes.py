"""Another user of this machine: looks at, changes or plants the files that must be private."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.cli.secret_options import read_secrets
from ops.processes.home_mark import HomeMark
from ops.processes.redis_server import PrivateRedis
from ops.processes.supervisor import only_one
from producers.gateway.server import must_be_safe
from worker.config.settings import Gateway, from_env
from worker.errors import InvalidInputError, InvalidSettingsError, UnavailableError
from worker.private_files import private_file, private_folder, secret_fault

CANARY = "canary-of-a-secret"

#: Nobody's number, on most machines.
STRANGER = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
umasks = pytest.mark.parametrize("umask", [0o000, 0o277], ids=["nothing", "almost_everything"])


@contextmanager
def umask_of(mask: int) -> Iterator[None]:
    """Have this umask while inside."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path: Path) -> int:
    """The permission bits of a file itself, not of what it may lead to."""
    return stat.S_IMODE(path.lstat().st_mode)


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file of this mode, whatever the umask is."""
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def schools_of(folder: Path, *, tables: int = 0o600, secret: int = 0o600) -> dict[str, str]:
    """A file of schools, and one with a secret beside it, of these modes."""
    written(folder / "main.secret", CANARY, secret)
    text = '[main]\nsid = "1"\nsecret_file = "main.secret"\n'
    return {"CLASSIN_SCHOOLS": str(written(folder / "schools.toml", text, tables))}


def refusal(variables: dict[str, str]) -> str:
    """The one fault of these settings."""
    with pytest.raises(InvalidSettingsError) as refused:
        from_env(variables)
    (fault,) = refused.value.faults
    assert "\n" not in str(fault)
    assert CANARY not in str(fault)
    return str(fault)


def of_home(home: Path) -> dict[str, str]:
    """Settings with this home, and a key file outside of it."""
    return {"CLASSIN_HOME": str(home), "CLASSIN_KEYS": str(home.parent / "keys.json")}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_schools_file_that_others_may_reach_is_refused(mode: int, tmp_path: Path) -> None:
    """Another user would know the schools' secrets, or put in schools of theirs."""
    said = refusal(schools_of(tmp_path, tables=mode))
    assert f"mode {mode:04o}" in said
    assert f"chmod 600 {tmp_path / 'schools.toml'}" in said


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o444])
def test_a_secret_file_that_others_may_reach_is_refused(mode: int, tmp_path: Path) -> None:
    """Another user would know the school's secret, or have requests signed with theirs."""
    assert f"chmod 600 {tmp_path / 'main.secret'}" in refusal(schools_of(tmp_path, secret=mode))


@as_root
def test_a_secret_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """Whoever owns it can read and change it at any time."""
    variables = schools_of(tmp_path)
    os.chown(tmp_path / "main.secret", STRANGER, STRANGER)
    assert f"belongs to user {STRANGER}" in refusal(variables)


def test_an_endless_secret_file_is_refused(tmp_path: Path) -> None:
    """A file that grows, or a device, would take all memory."""
    variables = schools_of(tmp_path)
    written(tmp_path / "main.secret", "x" * 2_000_000)
    assert "has more than" in refusal(variables)


def test_a_pipe_in_place_of_a_secret_holds_nobody_up(tmp_path: Path) -> None:
    """Whoever may write into the folder could let every command wait for ever."""
    variables = schools_of(tmp_path)
    (tmp_path / "main.secret").unlink()
    os.mkfifo(tmp_path / "main.secret", 0o600)
    with pytest.raises(InvalidSettingsError):
        from_env(variables)


@pytest.mark.parametrize(
    ("owner", "mode", "read_only", "said"),
    [
        (1000, 0o400, False, ""),
        (1000, 0o600, False, ""),
        (1000, 0o440, False, "chmod 600"),
        (0, 0o444, False, ""),  # as Kubernetes mounts it
        (0, 0o640, False, ""),  # shared with a group of services
        (0, 0o646, False, "others may write it"),
        (0, 0o664, False, "others may write it"),
        (1001, 0o600, False, "belongs to user 1001"),
        (1001, 0o444, True, ""),  # as Compose mounts it
        (1000, 0o444, True, ""),
        (1001, 0o666, True, "others may write it"),
    ],
)
def test_secrets_are_judged_by_owner_and_mode(
    owner: int, mode: int, *, read_only: bool, said: str
) -> None:
    """What root or who mounts it vouches for may be readable; nothing may be writable."""
    about = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, owner, 1, 0, 0, 0))
    fault = secret_fault(Path("/a"), about, 1000, read_only=read_only)
    assert said in (fault or "")
    assert bool(fault) is bool(said)


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_password_file_that_others_may_reach_is_refused(mode: int, tmp_path: Path) -> None:
    """Another user of this machine would know a child's password."""
    path = written(tmp_path / "word", CANARY, mode)
    with pytest.raises(InvalidInputError, match="chmod 600") as refused:
        read_secrets([], [f"password={path}"])
    assert CANARY not in str(refused.value)
    path.chmod(0o600)
    assert read_secrets([], [f"password={path}"]) == {"password": CANARY}


def test_a_private_key_of_tls_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """Another user could pretend to be the gateway."""
    path = written(tmp_path / "key.pem", CANARY, 0o644)
    with pytest.raises(InvalidInputError, match="chmod 600"):
        must_be_safe(Gateway(certificate=str(path), private_key=str(path)))


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o770, 0o777, 0o701])
def test_a_home_that_others_may_enter_is_refused(mode: int, tmp_path: Path) -> None:
    """Another user could plant a Redis that all commands talk to, or read records."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    assert f"chmod 700 {home}" in refusal(of_home(home))
    with pytest.raises(UnavailableError, match="chmod 700"):
        PrivateRedis(home, home / "redis.sock").start()


@as_root
def test_a_home_of_another_user_is_refused(tmp_path: Path) -> None:
    """A folder planted at the home's path: its owner has all that is put there."""
    home = tmp_path / "home"
    home.mkdir(0o700)
    os.chown(home, STRANGER, STRANGER)
    assert f"belongs to user {STRANGER}" in refusal(of_home(home))


@as_root
def test_a_link_of_another_user_in_place_of_the_home_is_refused(tmp_path: Path) -> None:
    """It leads today to a folder of ours, and tomorrow to one of theirs."""
    (tmp_path / "real").mkdir(0o700)
    home = tmp_path / "home"
    home.symlink_to(tmp_path / "real")
    assert from_env(of_home(home)).home == home  # ours may lead where we like
    os.lchown(home, STRANGER, STRANGER)
    assert "link" in refusal(of_home(home))


def test_a_home_that_others_may_put_aside_is_refused(tmp_path: Path) -> None:
    """In a folder that all may write, without the sticky bit, they put theirs in its place."""
    home = tmp_path / "home"
    home.mkdir(0o700)
    tmp_path.chmod(0o777)
    assert f"chmod o-w {tmp_path}" in refusal(of_home(home))
    tmp_path.chmod(0o1777)
    assert from_env(of_home(home)).home == home
    tmp_path.chmod(0o700)


@as_root
@pytest.mark.parametrize("name", ["appendonlydir", "appendonlydir/a.aof", "redis.sock"])
def test_what_a_stranger_left_in_the_home_is_refused(name: str, tmp_path: Path) -> None:
    """It was there before the home was closed: data of theirs, or a Redis of theirs."""
    path = tmp_path / name
    path.parent.mkdir(0o700, exist_ok=True)
    written(path, "")
    os.chown(path, STRANGER, STRANGER)
    with pytest.raises(UnavailableError, match=f"belongs to user {STRANGER}"):
        PrivateRedis(tmp_path, tmp_path / "redis.sock").start()


@pytest.mark.parametrize("name", ["redis.log", "redis.lock", "up.lock", "data-set"])
def test_a_link_planted_in_the_home_is_not_written_through(name: str, tmp_path: Path) -> None:
    """It would have us write into a file of ours that lies elsewhere, or make one."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir(0o700)
    (home / name).symlink_to(elsewhere)
    with pytest.raises(UnavailableError, match="is a link"), only_one(home / "up.lock"):
        PrivateRedis(home, home / "redis.sock").start()
    assert not elsewhere.exists()


@umasks
def test_the_home_is_private_whatever_the_umask_says(umask: int, tmp_path: Path) -> None:
    """A careless umask opens nothing, and a strict one keeps us from nothing."""
    home = tmp_path / "new" / "home"
    with umask_of(umask), only_one(home / "up.lock"):
        HomeMark(home).keep("of-today")
    assert HomeMark(home).differs("of-yesterday")
    assert [mode_of(each) for each in (home, home.parent)] == [0o700, 0o700]
    assert {mode_of(each) for each in home.iterdir()} == {0o600}


@umasks
def test_all_that_the_private_redis_writes_is_private(umask: int) -> None:
    """Data, socket, log and lock hold children's names, or lead to them."""
    with tempfile.TemporaryDirectory(prefix="cq-") as folder, umask_of(umask):
        home = Path(folder) / "home"
        with PrivateRedis(home, home / "redis.sock") as server:
            assert server.running()
            modes = {each.name: mode_of(each) for each in (home, *home.rglob("*"))}
    assert {name: f"{mode:o}" for name, mode in modes.items() if mode & 0o077} == {}
    assert {"redis.sock", "redis.log", "redis.lock", "appendonlydir"} <= modes.keys()


@umasks
def test_files_with_personal_data_are_made_private(umask: int, tmp_path: Path) -> None:
    """`--passwords`, `--errors`, `--failures`: only who asked for them may read them."""
    path = tmp_path / "passwords.csv"
    with umask_of(umask), private_file(path) as file:
        file.write(CANARY)
    assert mode_of(path) == 0o600


def test_a_file_with_personal_data_follows_no_link(tmp_path: Path) -> None:
    """A link planted at the path would lead the passwords elsewhere."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(InvalidInputError, match="is there already"),
        private_file(tmp_path / "link"),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()


@umasks
def test_folders_are_made_private(umask: int, tmp_path: Path) -> None:
    """Whoever may write a folder above could put another in its place."""
    with umask_of(umask):
        private_folder(tmp_path / "a" / "b" / "c")
    assert {mode_of(each) for each in tmp_path.rglob("*")} == {0o700}
