"""A private Redis of `classin up`: its data in a home folder, listening on a unix socket only.

Ownership of a home is a lock on its `redis.lock`. The server holds that lock itself, so the lock
ends exactly when the server does, whoever started it and however it ended. No process id file can
go stale.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.processes.redis_program import Program, redis_program
from worker.errors import UnavailableError
from worker.private_files import judge_inside, open_own, private_folder, write_own

#: Maximum bytes of a socket's path: Linux allows 107, macOS 103.
PATH_BYTES = 100
#: Seconds of silence after which a starting server has failed; also the time to stop.
PATIENCE = 10.0
#: Seconds that a server may report loading: enough for tens of gigabytes.
LOADING_PATIENCE = 600.0
#: Seconds between two checks.
INTERVAL = 0.02
#: Timeout in seconds of one question to the server.
QUESTION = 1.0

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the server at the socket reports of itself."""

    pid: int | None = None
    home: str = ""
    trouble: str = ""  # why it does not serve; empty: it does
    loading: bool = False


class PrivateRedis:
    """One Redis server with its data in `home`, listening on `socket` only.

    The socket may be outside of the home: its path is limited to about 100 bytes. With `durable`,
    every write goes to an append-only file that is synced each second; without, no data outlives
    the server. `options` are further configuration lines. As a context manager it starts the
    server, and stops it on exit.
    """

    def __init__(
        self, home: Path, socket: Path, *, durable: bool = True, options: Sequence[str] = ()
    ) -> None:
        self._home = home.absolute()
        self._socket = socket.absolute()
        self._durable = durable
        self._options = tuple(options)
        self._lock = self._home / "redis.lock"
        self._log = self._home / "redis.log"
        #: Which program served the data last.
        self._stamp = self._home / "redis.version"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        #: The URL for redis-py.
        self.url = f"unix://{quote(bytes(self._socket))}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process id of the started or adopted server, while one is alive."""
        return self._pid if self.running() else None

    def running(self) -> bool:
        """Whether a server is alive on this home; a busy or loading one counts."""
        if self._process is not None:
            self._process.poll()  # reaps it, should it have ended
        try:
            lock = os.open(self._lock, os.O_RDONLY)
        except OSError:
            return False
        try:
            # A shared lock, so that two observers do not take each other for a server.
            return not _taken(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)

    def start(self) -> bool:
        """Start the server, or adopt the one on this home; return whether this call started it.

        Returns when the server answers; an adopted one keeps its configuration. Raises
        UnavailableError with the reason if no server answers.
        """
        self._make_home()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if answer := self._ask():
                if answer.home != os.path.realpath(self._home):
                    raise UnavailableError(
                        f"Another Redis answers at {self._socket}: stop it, or choose another."
                    )
                self._await_service()
                return False
            if self._launch():
                return True
            time.sleep(INTERVAL)
        raise UnavailableError(
            f"A Redis holds {self._home} but does not answer at {self._socket}: end it, then start "
            f"again (`fuser {self._lock}` names its process)."
        )

    def stop(self) -> None:
        """Stop the started or adopted server, with its data saved, and wait for its end.

        It is killed after 10 seconds. A server that others have started since is left alone.
        """
        pid, self._pid = self._pid, None
        if pid is None or ((answer := self._ask()) and answer.pid != pid):
            self._reap()
            return
        # A broken connection is the expected answer; the wait below shows what any other error
        # meant.
        with contextlib.suppress(redis.RedisError), self._client() as client:
            client.shutdown()
        if not self._gone_within(PATIENCE):
            # The lock is still held: the server is alive, and its process id is not reused.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._gone_within(PATIENCE)
        self._reap()

    def _make_home(self) -> None:
        if len(os.fsencode(self._socket)) > PATH_BYTES:
            raise UnavailableError(
                f"A socket's path may have {PATH_BYTES} bytes: {self._socket} is longer."
            )
        try:
            private_folder(self._home)
            private_folder(self._socket.parent)
            judge_inside(self._home)
            for path in (self._lock, self._log):
                os.close(open_own(path))
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> UnavailableError:
        return UnavailableError(
            f"The private Redis cannot keep its data in {self._home} and its socket at "
            f"{self._socket}: {error}. Mend that, or choose other places."
        )

    def _launch(self) -> bool:
        """Launch a server unless the lock is held; return whether it was launched."""
        lock = os.open(self._lock, os.O_RDWR)
        try:
            if not _taken(lock):
                return False
            self._reap()  # our last one, if it was killed: its lock is free before it is reaped
            told_before = self._log.stat().st_size
            program = redis_program()
            self._process = self._spawn(program, lock)
        except OSError as error:
            raise self._refused(error) from error
        finally:
            # Closed and not unlocked: unlocking would release the child's lock as well.
            os.close(lock)
        try:
            self._await_service(self._process)
        except BaseException as error:
            ended = self._process.poll() is not None
            self._process.kill()
            self._reap()
            if isinstance(error, UnavailableError):
                foreign = self._foreign_data(program) if ended else ""
                told = foreign or f"{error}\n{self._told_since(told_before)}".rstrip()
                raise UnavailableError(told) from None
            raise
        if self._durable:
            write_own(self._stamp, f"{program}\n")
        return True

    def _foreign_data(self, program: Program) -> str:
        """Return an error text if the data belong to a program whose format this one cannot load.

        The server itself would advise to "fix" such files, which are intact.
        """
        try:
            name, _, version = self._stamp.read_text(encoding="utf-8").strip().partition(" ")
        except OSError:
            return ""
        if program.loads_data_of(name, version):
            return ""
        return (
            f"{program} ({program.path}) does not load the data in {self._home}, which {name} "
            f"{version} wrote. They are as they were: put {name} {version} or newer first on PATH."
        )

    def _spawn(self, program: Program, lock: int) -> subprocess.Popen[bytes]:
        if self._durable and program.number < (7, 0) and (self._home / "appendonlydir").exists():
            # The other program would ignore that file and start empty: operations would seem lost.
            raise UnavailableError(
                f"{program.path} is too old for the data in {self._home}: "
                "put a Redis 7 or newer on PATH."
            )
        # Over stdin, not as arguments: process lists are public on the machine.
        with self._log.open("ab") as log, tempfile.TemporaryFile() as configuration:
            configuration.write(os.fsencode("\n".join(self._configuration(program.number)) + "\n"))
            configuration.seek(0)
            return subprocess.Popen(  # noqa: S603 - no word of it comes from outside
                [program.path, "-"],
                stdin=configuration,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                umask=0o077,
                start_new_session=True,  # Ctrl-C is for the worker: this one is stopped after it
            )

    def _configuration(self, version: tuple[int, int]) -> list[str]:
        return [
            f"dir {_quoted(self._home)}",
            f"logfile {_quoted(self._log)}",
            f"unixsocket {_quoted(self._socket)}",
            "unixsocketperm 600",
            "port 0",
            "daemonize no",
            'save ""',
            f"appendonly {'yes' if self._durable else 'no'}",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            # Otherwise it fails at once if LC_ALL or LANG names a missing locale.
            *(["locale-collate C"] if version >= (7, 2) else []),
            *self._options,
        ]

    def _await_service(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until the server answers PING, and store its process id."""
        now = time.monotonic()
        until, latest = now + PATIENCE, now + LOADING_PATIENCE
        trouble = "it does not answer"
        while now < min(until, latest):
            if process is not None and process.poll() is not None:
                trouble = "it ended"
                break
            if answer := self._ask():
                if not answer.trouble:
                    self._pid = answer.pid
                    return
                trouble = answer.trouble
                if answer.loading:
                    until = time.monotonic() + PATIENCE
            time.sleep(INTERVAL)
            now = time.monotonic()
        raise UnavailableError(f"The private Redis in {self._home} does not come up: {trouble}")

    def _ask(self) -> _Answer | None:
        """Ask the server at the socket for its identity and readiness; None without an answer."""
        with self._client() as client:
            try:
                # Unlike PING, these two are answered while data are loading.
                pid = int(client.info("server")["process_id"])
                home = client.config_get("dir")["dir"] or ""
            except redis.AuthenticationError as error:
                return _Answer(trouble=str(error))
            except redis.RedisError:
                return None
            try:
                client.ping()
            except redis.RedisError as error:
                return _Answer(pid, home, str(error), isinstance(error, redis.BusyLoadingError))
            return _Answer(pid, home)

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=QUESTION,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            encoding_errors="surrogateescape",  # as Python does with paths that are not UTF-8
        )

    def _told_since(self, offset: int) -> str:
        """Return the last lines of the server's log after a position."""
        with self._log.open("rb") as log:
            log.seek(offset)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-8:])

    def _gone_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self.running():
            if time.monotonic() >= until:
                return False
            time.sleep(INTERVAL)
        return True

    def _reap(self) -> None:
        """Wait for our ending child, so that no zombie remains."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
            self._process = None


def _taken(lock: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _quoted(path: Path) -> str:
    """Quote a path for redis.conf, where spaces separate words and backslashes escape."""
    return '"' + str(path).translate(_ESCAPES) + '"'
