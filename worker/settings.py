"""Settings: what a deployment may choose. `from_env` is the only reader of the environment."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

import platformdirs

from worker.classin.errors import Fault, InvalidInput, InvalidSettings
from worker.classin.faults import nearest
from worker.classin.school import School

#: The address of the service.
CLASSIN = "https://api.eeo.cn"

#: The school's name when SID and secret come from the environment.
ONLY_SCHOOL = "main"

#: The longest home, in bytes: the path of the socket in it has limits of the system's.
_LONGEST_HOME = 85

#: Times of which none at all makes no sense.
_NEVER_ZERO = {
    "CLASSIN_CONNECT_TIMEOUT",
    "CLASSIN_REPLY_TIMEOUT",
    "CLASSIN_RESCUE_EVERY",
    "CLASSIN_LEASE",
}

#: Longer than anybody waits, in seconds.
_LONGEST_TIME = 10 * 365 * 86400.0

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how often, an operation is tried. All times in seconds."""

    #: Attempts of one delivery, and the jittered exponential waits between them.
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 8.0
    #: When a delivery's attempts are spent, the next comes after these; the last one repeats.
    deferrals: tuple[float, ...] = (60, 300, 900, 3600, 10800, 21600)
    #: From the first attempt on; after that the operation has failed.
    give_up_after: float = 86400.0
    #: After being told to slow down, without another word.
    throttled_wait: float = 5.0
    #: A worker that is silent for so long has lost its operation to others. Longer than an
    #: attempt and the wait before it can take: each note renews the lease.
    lease: float = 120.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long one request may take, in seconds."""

    connect: float = 5.0
    #: From sending to the last byte of the reply.
    reply: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the environment decides."""

    home: Path
    #: None: the private Redis of `classin up`.
    redis_url: str | None = field(default=None, repr=False)
    #: None: the same Redis as the ledger's.
    broker_url: str | None = field(default=None, repr=False)
    base_url: str = CLASSIN
    schools: Mapping[str, School] = field(default_factory=dict)
    patience: Patience = Patience()
    deadlines: Deadlines = Deadlines()
    #: Operations that one worker process carries out side by side.
    threads: int = 16
    #: Seconds between two looks for what is due.
    rescue_every: float = 10.0
    #: With no message on the queue, what has been queued for longer (seconds) has lost its own.
    adrift_after: float = 60.0

    @property
    def socket(self) -> Path:
        """Where the private Redis listens."""
        return self.home / "redis.sock"

    @property
    def ledger_url(self) -> str:
        """The URL of the ledger's Redis."""
        return self.redis_url or f"unix://{quote(str(self.socket))}"

    def school(self, name: str | None = None) -> School:
        """Find a school by name; without one, the only school, or the one called main.

        Raises InvalidInput.
        """
        if name is None and len(self.schools) == 1:
            return next(iter(self.schools.values()))
        if not self.schools:
            what = "none is configured: set CLASSIN_SID and CLASSIN_SECRET, or CLASSIN_SCHOOLS"
        elif name is None and ONLY_SCHOOL not in self.schools:
            what = f"should be named: one of {', '.join(sorted(self.schools))}"
        elif (name or ONLY_SCHOOL) in self.schools:
            return self.schools[name or ONLY_SCHOOL]
        else:
            what = f"there is no {name!r}{nearest(name or '', self.schools)}"
        raise InvalidInput("school", [Fault("school", what)])


def from_env(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the CLASSIN_ variables; InvalidSettings names every fault, and never a secret."""
    faults: list[Fault] = []
    reader = _Reader(environment, faults)
    defaults, patience, deadlines = Settings(home=Path()), Patience(), Deadlines()
    settings = Settings(
        home=reader.home("CLASSIN_HOME"),
        redis_url=reader.redis("CLASSIN_REDIS_URL"),
        broker_url=reader.text("CLASSIN_BROKER_URL"),
        base_url=reader.base_url("CLASSIN_BASE_URL"),
        schools={school.name: school for school in reader.schools()},
        patience=Patience(
            attempts=reader.count("CLASSIN_ATTEMPTS", patience.attempts),
            first_wait=reader.seconds("CLASSIN_FIRST_WAIT", patience.first_wait),
            longest_wait=reader.seconds("CLASSIN_LONGEST_WAIT", patience.longest_wait),
            deferrals=reader.several_seconds("CLASSIN_DEFERRALS", patience.deferrals),
            give_up_after=reader.seconds("CLASSIN_GIVE_UP_AFTER", patience.give_up_after),
            lease=reader.seconds("CLASSIN_LEASE", patience.lease),
            throttled_wait=reader.seconds("CLASSIN_THROTTLED_WAIT", patience.throttled_wait),
        ),
        deadlines=Deadlines(
            connect=reader.seconds("CLASSIN_CONNECT_TIMEOUT", deadlines.connect),
            reply=reader.seconds("CLASSIN_REPLY_TIMEOUT", deadlines.reply),
        ),
        threads=reader.count("CLASSIN_THREADS", defaults.threads),
        rescue_every=reader.seconds("CLASSIN_RESCUE_EVERY", defaults.rescue_every),
        adrift_after=reader.seconds("CLASSIN_ADRIFT_AFTER", defaults.adrift_after),
    )
    shortest = (
        settings.deadlines.connect + settings.deadlines.reply + settings.patience.longest_wait
    )
    if not faults and settings.patience.lease <= shortest:
        what = f"should be over {shortest:g} s: an attempt and the wait after it may take that long"
        faults.append(Fault("CLASSIN_LEASE", what))
    if faults:
        raise InvalidSettings("the settings are not right", faults)
    return settings


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Give this environment for a child process, with these CLASSIN_ variables and no others."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("CLASSIN_")}
    return {**rest, **variables}


class _Reader:
    """Reads single variables and gathers what is wrong with them."""

    def __init__(self, environment: Mapping[str, str], faults: list[Fault]) -> None:
        self._environment = environment
        self._faults = faults

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def home(self, name: str) -> Path:
        usual = platformdirs.user_data_dir("classin-queue", appauthor=False)
        home = Path(self.text(name) or usual).absolute()
        if len(os.fsencode(home)) > _LONGEST_HOME:
            self._wrong(
                name, f"should be a path of at most {_LONGEST_HOME} bytes; {home} is longer"
            )
        return home

    def count(self, name: str, default: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
            self._wrong(name, f"should be a whole number from 1; got {text!r}")
            return default
        return int(text)

    def seconds(self, name: str, default: float) -> float:
        text = self.text(name)
        if text is None:
            return default
        found = self.several_seconds(name, (default,))
        if len(found) != 1 or (name in _NEVER_ZERO and not found[0]):
            self._wrong(name, f"should be one time, over 0 s; got {text!r}"[:200])
            return default
        return found[0]

    def several_seconds(self, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
        text = self.text(name)
        if text is None:
            return default
        try:
            found = tuple(read_seconds(word) for word in text.replace(",", " ").split())
        except ValueError:
            found = ()
        if not found or max(found) > _LONGEST_TIME:
            self._wrong(name, f"should be a time like 30s, 5m, 1h or 1d; got {text[:40]!r}")
            return default
        return found

    def redis(self, name: str) -> str | None:
        text = self.text(name)
        if text is None:
            return None
        parts = _split(text)
        if parts is None or parts.scheme not in {"redis", "rediss", "unix"}:
            self._wrong(name, "should start with redis://, rediss:// or unix://")
        return text

    def base_url(self, name: str) -> str:
        text = (self.text(name) or CLASSIN).rstrip("/")
        parts = _split(text)
        if (
            parts is None
            or parts.scheme not in {"https", "http"}
            or not parts.hostname
            or "@" in parts.netloc
            or "?" in text
            or "#" in text
        ):
            self._wrong(name, f"should be an address like {CLASSIN}")
        elif parts.scheme == "http" and not _is_loopback(parts.hostname):
            self._wrong(
                name, "should start with https://; plain http goes to loopback addresses only"
            )
        return text

    def schools(self) -> Iterator[School]:
        """Read one school from the environment, or several from a file."""
        sid, secret = self.text("CLASSIN_SID"), self.text("CLASSIN_SECRET")
        path = self.text("CLASSIN_SCHOOLS")
        if path is not None and (sid or secret):
            self._wrong(
                "CLASSIN_SCHOOLS", "should not be set beside CLASSIN_SID and CLASSIN_SECRET"
            )
        elif path is not None:
            yield from self._schools_of(Path(path))
        elif sid or secret:
            yield self._school(ONLY_SCHOOL, sid, secret, "CLASSIN_SID", "CLASSIN_SECRET")

    def _schools_of(self, path: Path) -> Iterator[School]:
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self._wrong("CLASSIN_SCHOOLS", f"{path} cannot be read: {_reason(error)}")
            return
        if not tables:
            self._wrong("CLASSIN_SCHOOLS", f"{path} has no table of a school")
        for name, table in tables.items():
            here = f"{path} [{name}]"
            if not isinstance(table, dict) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                self._wrong(here, "should be a table named by letters, digits, - and _")
                continue
            for key in table.keys() - {"sid", "secret", "secret_file"}:
                self._wrong(here, f"unknown key {key}; known are sid, secret, secret_file")
            secret = self._secret_of(here, table, path.parent)
            sid = str(table["sid"]) if "sid" in table else None
            yield self._school(name, sid, secret, f"{here} sid", f"{here} secret")

    def _secret_of(self, here: str, table: Mapping[str, object], folder: Path) -> str | None:
        if "secret_file" not in table:
            return str(table["secret"]) if "secret" in table else None
        if "secret" in table:
            self._wrong(here, "should have secret or secret_file, not both")
        try:
            return (folder / str(table["secret_file"])).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            self._wrong(f"{here} secret_file", f"cannot be read: {_reason(error)}")
            return "unread"  # one fault is enough

    def _school(
        self, name: str, sid: str | None, secret: str | None, sid_at: str, secret_at: str
    ) -> School:
        if not re.fullmatch("[0-9]+", sid or ""):
            self._wrong(sid_at, "should be the institution's SID, in digits")
        if not secret:
            self._wrong(secret_at, "is missing")
        return School(name, sid or "", secret or "")

    def _wrong(self, where: str, what: str) -> None:
        self._faults.append(Fault(where, what))


def read_seconds(text: str) -> float:
    """Read a span of time: 90, 90s, 5m, 1h, 1d. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found:
        raise ValueError(text)
    return float(found[1]) * _UNITS[found[2] or "s"]


def _split(text: str) -> SplitResult | None:
    """Take an address apart; None if its host or port cannot be."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    """Say what went wrong without quoting the file: a secret might stand there."""
    match error:
        case OSError():
            return error.strerror or "it cannot be opened"
        case tomllib.TOMLDecodeError():
            place = re.search(r"\(at [^)]*\)", str(error))
            return f"it is not TOML {place[0] if place else ''}".rstrip()
        case _:
            return "it is not UTF-8"
