"""Settings of a deployment. `from_env` is the only reader of the environment."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

from worker.classin.school import School, faults_of
from worker.classin.validation_messages import nearest
from worker.config.env import Variables, fault_of_modules
from worker.config.file_access import FileAccess, fault_of_folders, fault_of_hosts, fault_of_schemes
from worker.config.rate_limits import USUAL, Paces, paces_of
from worker.config.urls import is_loopback
from worker.config.webhook_urls import fault_of_origins, fault_of_secret
from worker.errors import FieldError, InvalidInputError, InvalidSettingsError
from worker.keyring import VARIABLE, KeyRing
from worker.ledger.keys import PREFIX, fault_of_prefix
from worker.private_files import folder_fault

#: ClassIn's base URL.
CLASSIN = "https://api.eeo.cn"

#: Name of the school whose SID and secret come from the environment.
ONLY_SCHOOL = "main"

#: Minimum for durations that must not be zero (seconds).
_SOME = 0.001

#: Minimum lease in seconds: its heartbeat must be in time on a busy machine.
_SHORTEST_LEASE = 2.0

#: Maximum of threads and of processes: a larger number is a typing error.
MOST_THREADS, MOST_PROCESSES = 1000, 64

#: Maximum of processes by default.
USUAL_PROCESSES = 4


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS knows no more


def usual_processes(cores: int) -> int:
    """Return the default number of worker processes: one per core, up to a maximum.

    A Python process uses one core; threads serve for waiting.
    """
    return min(cores, USUAL_PROCESSES)


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How long and how often an operation is tried. All times in seconds."""

    #: Attempts of one delivery, and the jittered exponential waits between them.
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 8.0
    #: Waits between deliveries once a delivery's attempts are spent; the last one repeats.
    defer_delays: tuple[float, ...] = (60, 300, 900, 3600, 10800, 21600)
    #: Counted from the first attempt; after that the operation has failed.
    give_up_after: float = 86400.0
    #: Pause after a throttling reply that names none.
    throttled_wait: float = 5.0
    #: Intervals between probes while a school is locked out or ClassIn is in maintenance; the last
    #: one repeats.
    probe_intervals: tuple[float, ...] = (60, 120, 300, 600, 1800, 3600)
    #: Lease: a worker process that is silent for so long loses its records to others. It renews six
    #: times per lease.
    lease: float = 30.0
    #: After an attempt without reply, wait so long before the lane's next operation: the service
    #: may still carry out the earlier one.
    late_window: float = 60.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts of one request, in seconds."""

    connect: float = 5.0
    #: From sending to the last byte of the reply.
    reply: float = 30.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Settings of the HTTP gateway."""

    host: str = "127.0.0.1"
    port: int = 8765
    #: Allow plain http beyond loopback: a proxy in front terminates TLS.
    behind_proxy: bool = False
    #: Paths of the certificate chain and of its key; None: plain http.
    certificate: str | None = None
    private_key: str | None = None
    #: The queue is stuck if due work waits so long (seconds) while nothing settles.
    stuck_after: float = 120.0
    #: Hosts from which files may come; see file_access.
    files_from: tuple[str, ...] = ()

    @property
    def files(self) -> FileAccess:
        """Return the files that gateway clients may name."""
        setting = "CLASSIN_GATEWAY_FILES_FROM"
        return FileAccess((), self.files_from, folders_named_by=setting, hosts_named_by=setting)

    @property
    def exposed(self) -> bool:
        """Whether API keys would travel unencrypted: plain http beyond loopback."""
        return not (is_loopback(self.host) or self.behind_proxy or self.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a deployment."""

    home: Path
    #: None: the private Redis of `classin up`.
    redis_url: str | None = field(default=None, repr=False)
    #: None: the ledger's Redis.
    broker_url: str | None = field(default=None, repr=False)
    #: How all keys in Redis begin, and what the queue is called: systems can share a database.
    redis_prefix: str = PREFIX
    base_url: str = CLASSIN
    schools: Mapping[str, School] = field(default_factory=dict)
    patience: RetrySettings = RetrySettings()
    deadlines: Timeouts = Timeouts()
    #: Worker processes of `classin worker` and `classin up`.
    processes: int = field(default_factory=lambda: usual_processes(usable_cores()))
    #: Threads per worker process.
    threads: int = 64
    #: With several schools configured, the share of the threads in percent that one may occupy.
    share: int = 75
    #: By "SCHOOL OPERATION", or "SCHOOL" for all: minimum milliseconds between two requests.
    paces: Mapping[str, float] = field(default_factory=dict)
    #: Seconds between two passes of the rescuer.
    rescue_every: float = 10.0
    #: With an empty queue, a record that has been queued for longer (seconds) has lost its message.
    adrift_after: float = 60.0
    #: Grace in seconds for running operations at shutdown.
    grace: float = 45.0
    #: A worker that fetched nothing for so long (seconds) though messages wait reconnects.
    stalled_after: float = 120.0
    gateway: Gateway = Gateway()
    #: Folders, hosts and networks, and fsspec schemes of files that were not named on a command
    #: line; see file_access.
    files_from: tuple[Path, ...] = ()
    file_hosts: tuple[str, ...] = ()
    file_schemes: tuple[str, ...] = ()
    #: The webhooks' signing secret, and the origins that gateway clients may name.
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_origins: tuple[str, ...] = ()
    #: Report targets as Apprise URLs, which hold secrets.
    report_to: tuple[str, ...] = field(default=(), repr=False)
    #: Modules that attach hooks; see worker.hooks.
    hooks: tuple[str, ...] = ()
    #: Path of the key ring's file; None: there is none.
    keys: Path | None = None
    #: An in-memory key ring in place of that file.
    ring: KeyRing | None = field(default=None, repr=False, compare=False)

    @property
    def keyring(self) -> KeyRing:
        """The key ring, read from its file on first use.

        Raises InvalidSettingsError for an unusable file, and UnavailableError.
        """
        if self.ring is None and self.keys is None:
            fault = FieldError(VARIABLE, "names no key file: read the settings by from_env")
            raise InvalidSettingsError("there is no key ring", [fault])
        return self.ring or _ring(self.keys or Path(), self.ledger_url, self.redis_prefix)

    @property
    def socket(self) -> Path:
        """Path of the private Redis's socket."""
        return self.home / "redis.sock"

    @property
    def ledger_url(self) -> str:
        """The URL of the ledger's Redis."""
        return self.redis_url or f"unix://{quote(str(self.socket))}"

    @property
    def queue(self) -> str:
        """The queue of all operations, which no other system has."""
        return self.redis_prefix

    @property
    def listed_files(self) -> FileAccess:
        """Return the files that foreign messages, jobs and unauthenticated records may name."""
        return FileAccess(self.files_from, self.file_hosts)

    @property
    def typed_files(self) -> FileAccess:
        """Return the files that the user of this program may name."""
        hosts = (*self.file_hosts, *self.gateway.files_from)
        return FileAccess(None, hosts, any_host=True, schemes=self.file_schemes)

    def school(self, name: str | None = None) -> School:
        """Return a school by name; without one, the only school, or the one called main.

        Raises InvalidInputError.
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
        raise InvalidInputError("school", [FieldError("school", what)])


def from_env(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the CLASSIN_ variables.

    Raises InvalidSettingsError, which names every fault and no secret.
    """
    faults: list[FieldError] = []
    reader = Variables(environment, faults)
    usual = Settings(home=Path())
    schools, paces = _schools(reader, reader.paces("CLASSIN_PACE"))
    home = reader.home("CLASSIN_HOME")
    settings = Settings(
        home=home,
        redis_url=reader.redis("CLASSIN_REDIS_URL"),
        broker_url=reader.text("CLASSIN_BROKER_URL"),
        redis_prefix=reader.fit("CLASSIN_REDIS_PREFIX", fault_of_prefix) or PREFIX,
        base_url=reader.base_url("CLASSIN_BASE_URL", CLASSIN),
        schools=schools,
        patience=_patience(reader, RetrySettings()),
        deadlines=_timeouts(reader, Timeouts()),
        processes=reader.count("CLASSIN_WORKER_PROCESSES", usual.processes, most=MOST_PROCESSES),
        threads=reader.count("CLASSIN_THREADS", usual.threads, most=MOST_THREADS),
        share=reader.count("CLASSIN_SHARE", usual.share, most=100),
        paces=paces,
        rescue_every=reader.seconds("CLASSIN_RESCUE_EVERY", usual.rescue_every, least=_SOME),
        adrift_after=reader.seconds("CLASSIN_ADRIFT_AFTER", usual.adrift_after),
        grace=reader.seconds("CLASSIN_GRACE", usual.grace),
        stalled_after=reader.seconds("CLASSIN_STALLED_AFTER", usual.stalled_after),
        gateway=_gateway(reader, Gateway()),
        files_from=reader.folders("CLASSIN_FILES_FROM", fault_of_folders),
        file_hosts=reader.words("CLASSIN_FILE_HOSTS", fault_of_hosts),
        file_schemes=reader.words("CLASSIN_FILE_SCHEMES", fault_of_schemes),
        webhook_secret=reader.fit("CLASSIN_WEBHOOK_SECRET", fault_of_secret),
        webhook_origins=reader.words("CLASSIN_WEBHOOK_ORIGINS", fault_of_origins, lower=False),
        report_to=reader.addresses("CLASSIN_REPORT_TO"),
        hooks=reader.words("CLASSIN_HOOKS", fault_of_modules, lower=False),
        keys=reader.keys("CLASSIN_KEYS", home),
    )
    if settings.redis_url is None and (fault := folder_fault(home)):
        reader.wrong("CLASSIN_HOME", fault)
    if not faults:
        faults += _too_short(settings)
    if faults:
        raise InvalidSettingsError("the settings are not right", faults)
    return settings


@cache
def _ring(path: Path, ledger_url: str, prefix: str) -> KeyRing:
    """Return the key ring of a file and a ledger, the same object each time."""

    def load() -> bytes:
        from worker.ledger.key_fingerprint import KeyFingerprint  # noqa: PLC0415  # as above
        from worker.ledger.redis_client import connect  # noqa: PLC0415  # most commands need no Redis

        with connect(ledger_url, prefix, submits=True) as redis:
            return KeyFingerprint(path, redis).load()

    return KeyRing(load)


def _schools(reader: Variables, paces: Paces) -> tuple[dict[str, School], dict[str, float]]:
    """Read the schools by name, and their rate limits."""
    schools: dict[str, School] = {}
    limits: dict[str, float] = {}
    for school, own in _each_school(reader):
        schools[school.name] = school
        limits |= paces_of(school.name, USUAL, paces, own)
    return schools, limits


def _each_school(reader: Variables) -> Iterator[tuple[School, Paces]]:
    """Read one school from the environment, or several from a file."""
    sid, secret = reader.text("CLASSIN_SID"), reader.text("CLASSIN_SECRET")
    path = reader.text("CLASSIN_SCHOOLS")
    if path is not None and (sid or secret):
        reader.wrong("CLASSIN_SCHOOLS", "should not be set beside CLASSIN_SID and CLASSIN_SECRET")
    elif path is not None:
        from worker.config.schools_file import read_schools  # noqa: PLC0415  # most have no file

        yield from read_schools(Path(path), reader.faults)
    elif sid or secret:
        school = School(ONLY_SCHOOL, sid or "", secret or "")
        reader.faults += faults_of(school, "CLASSIN_SID", "CLASSIN_SECRET")
        yield school, {}


def _patience(reader: Variables, usual: RetrySettings) -> RetrySettings:
    return RetrySettings(
        attempts=reader.count("CLASSIN_ATTEMPTS", usual.attempts),
        first_wait=reader.seconds("CLASSIN_FIRST_WAIT", usual.first_wait),
        longest_wait=reader.seconds("CLASSIN_LONGEST_WAIT", usual.longest_wait),
        defer_delays=reader.several_seconds("CLASSIN_DEFERRALS", usual.defer_delays),
        probe_intervals=reader.several_seconds("CLASSIN_LOOKS", usual.probe_intervals, least=_SOME),
        give_up_after=reader.seconds("CLASSIN_GIVE_UP_AFTER", usual.give_up_after),
        lease=reader.seconds("CLASSIN_LEASE", usual.lease, least=_SHORTEST_LEASE),
        throttled_wait=reader.seconds("CLASSIN_THROTTLED_WAIT", usual.throttled_wait),
        late_window=reader.seconds("CLASSIN_LATE_WINDOW", usual.late_window),
    )


def _timeouts(reader: Variables, usual: Timeouts) -> Timeouts:
    return Timeouts(
        connect=reader.seconds("CLASSIN_CONNECT_TIMEOUT", usual.connect, least=_SOME),
        reply=reader.seconds("CLASSIN_REPLY_TIMEOUT", usual.reply, least=_SOME),
    )


def _gateway(reader: Variables, usual: Gateway) -> Gateway:
    return Gateway(
        host=reader.text("CLASSIN_GATEWAY_HOST") or usual.host,
        port=reader.count("CLASSIN_GATEWAY_PORT", usual.port, most=65535),
        behind_proxy=reader.flag("CLASSIN_GATEWAY_BEHIND_PROXY"),
        certificate=reader.text("CLASSIN_GATEWAY_CERTIFICATE"),
        private_key=reader.text("CLASSIN_GATEWAY_PRIVATE_KEY"),
        stuck_after=reader.seconds("CLASSIN_GATEWAY_STUCK_AFTER", usual.stuck_after, least=_SOME),
        files_from=reader.words("CLASSIN_GATEWAY_FILES_FROM", fault_of_hosts),
    )


def _too_short(settings: Settings) -> Iterator[FieldError]:
    """Return a fault for each duration that is shorter than an attempt may take."""
    attempt = settings.deadlines.connect + settings.deadlines.reply
    if settings.grace <= attempt:
        what = "CLASSIN_CONNECT_TIMEOUT and CLASSIN_REPLY_TIMEOUT together"
        yield FieldError("CLASSIN_GRACE", f"should be over {attempt:g} s: {what}")
    longest = attempt + settings.patience.longest_wait
    if settings.stalled_after <= longest:
        what = "both timeouts and CLASSIN_LONGEST_WAIT together"
        yield FieldError("CLASSIN_STALLED_AFTER", f"should be over {longest:g} s: {what}")


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Return a child process's environment, with these CLASSIN_ variables and no others."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("CLASSIN_")}
    return {**rest, **variables}


def put_in_env(variables: Mapping[str, str]) -> None:
    """Set these variables for this process, over what the environment says."""
    os.environ.update(variables)
