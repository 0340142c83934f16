"""Settings of a deployment. `from_env` is the only reader of the environment."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

from worker.classin.school import School, faults_of
from worker.classin.validation_messages import nearest
from worker.config.env import Variables
from worker.config.file_access import FileAccess, fault_of_folders, fault_of_hosts, fault_of_schemes
from worker.config.rate_limits import USUAL, Paces, paces_of
from worker.config.urls import is_loopback
from worker.config.webhook_urls import fault_of_origins, fault_of_secret
from worker.errors import FieldError, InvalidInputError, InvalidSettingsError
from worker.keyring import VARIABLE, KeyRing
from worker.private_files import folder_fault

#: The address of the service.
CLASSIN = "https://api.eeo.cn"

#: The school's name when SID and secret come from the environment.
ONLY_SCHOOL = "main"

#: The least of a time of which none at all makes no sense, in seconds.
_SOME = 0.001

#: The shortest lease, in seconds: its heartbeat has to come in time on a busy machine, too.
_SHORTEST_LEASE = 2.0

#: More threads and processes than anybody needs: whoever asks for more has mistyped.
MOST_THREADS, MOST_PROCESSES = 1000, 64

#: Processes started by default, where there are cores for them.
USUAL_PROCESSES = 4


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS knows no more


def usual_processes(cores: int) -> int:
    """Return how many worker processes suit a machine: one for each core, but not for very many.

    Python keeps a process to one core; for waiting, threads will do.
    """
    return min(cores, USUAL_PROCESSES)


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How long, and how often, an operation is tried. All times in seconds."""

    #: Attempts of one delivery, and the jittered exponential waits between them.
    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 8.0
    #: When a delivery's attempts are spent, the next comes after these; the last one repeats.
    defer_delays: tuple[float, ...] = (60, 300, 900, 3600, 10800, 21600)
    #: From the first attempt on; after that the operation has failed.
    give_up_after: float = 86400.0
    #: After being told to slow down, without another word.
    throttled_wait: float = 5.0
    #: While a school is locked out or ClassIn is in maintenance: the pauses until the next look
    #: whether that is over; the last one repeats.
    probe_intervals: tuple[float, ...] = (60, 120, 300, 600, 1800, 3600)
    #: A worker process that is silent for so long loses its operations to others; a heartbeat
    #: renews the lease six times as often.
    lease: float = 30.0
    #: After an attempt that nobody answered, the next operation of its lane waits for so long: the
    #: service may still carry the earlier one out.
    late_window: float = 60.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one request may take, in seconds."""

    connect: float = 5.0
    #: From sending to the last byte of the reply.
    reply: float = 30.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where and how operations are taken in over HTTP."""

    host: str = "127.0.0.1"
    port: int = 8765
    #: Plain http beyond loopback: somebody in front of it speaks https.
    behind_proxy: bool = False
    #: Paths of the certificate, with those of its issuers, and of its key; None: plain http.
    certificate: str | None = None
    private_key: str | None = None
    #: Work that is due for so long (seconds), while nothing settles, is stuck.
    stuck_after: float = 120.0
    #: Hosts from which files may come; see file_access.
    files_from: tuple[str, ...] = ()

    @property
    def files(self) -> FileAccess:
        """Return what may be read for whoever asks it."""
        setting = "CLASSIN_GATEWAY_FILES_FROM"
        return FileAccess((), self.files_from, folders_named_by=setting, hosts_named_by=setting)

    @property
    def exposed(self) -> bool:
        """Whether keys could be read on their way: plain http beyond this machine."""
        return not (is_loopback(self.host) or self.behind_proxy or self.certificate)


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
    patience: RetrySettings = RetrySettings()
    deadlines: Timeouts = Timeouts()
    #: Worker processes that `classin worker` and `classin up` start.
    processes: int = field(default_factory=lambda: usual_processes(usable_cores()))
    #: Operations that one worker process carries out side by side.
    threads: int = 64
    #: While several schools are configured, one may occupy so many percent of the threads.
    share: int = 75
    #: By "SCHOOL OPERATION", or "SCHOOL" for all: the least milliseconds between two requests.
    paces: Mapping[str, float] = field(default_factory=dict)
    #: Seconds between two looks for what is due.
    rescue_every: float = 10.0
    #: With no message on the queue, what has been queued for longer (seconds) has lost its own.
    adrift_after: float = 60.0
    #: Seconds that what is under way gets to end, once the worker is asked to.
    grace: float = 45.0
    #: A worker that fetched nothing for so long (seconds), though messages wait, connects anew.
    stalled_after: float = 120.0
    gateway: Gateway = Gateway()
    #: Folders, hosts and networks, and schemes of fsspec's, from which files may come that nobody
    #: named at a command line; see file_access.
    files_from: tuple[Path, ...] = ()
    file_hosts: tuple[str, ...] = ()
    file_schemes: tuple[str, ...] = ()
    #: What signs the webhooks, and where those who hand in over HTTP may have some.
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_origins: tuple[str, ...] = ()
    #: Where reports go, as Apprise's addresses, which hold secrets.
    report_to: tuple[str, ...] = field(default=(), repr=False)
    #: Where the key ring's file lies; None: it has none.
    keys: Path | None = None
    #: A key ring in memory, instead of that file.
    ring: KeyRing | None = field(default=None, repr=False, compare=False)

    @property
    def keyring(self) -> KeyRing:
        """The keys that Redis does not have, read from their file at their first use.

        It raises InvalidSettingsError where the file is not as it should be, and UnavailableError.
        """
        if self.ring is None and self.keys is None:
            fault = FieldError(VARIABLE, "names no key file: read the settings by from_env")
            raise InvalidSettingsError("there is no key ring", [fault])
        return self.ring or _ring(self.keys or Path(), self.ledger_url)

    @property
    def socket(self) -> Path:
        """Where the private Redis listens."""
        return self.home / "redis.sock"

    @property
    def ledger_url(self) -> str:
        """The URL of the ledger's Redis."""
        return self.redis_url or f"unix://{quote(str(self.socket))}"

    @property
    def listed_files(self) -> FileAccess:
        """Return what may be read for other Celeries, jobs, and records that nobody vouches for."""
        return FileAccess(self.files_from, self.file_hosts)

    @property
    def typed_files(self) -> FileAccess:
        """Return what may be read for whoever runs this program."""
        hosts = (*self.file_hosts, *self.gateway.files_from)
        return FileAccess(None, hosts, any_host=True, schemes=self.file_schemes)

    def school(self, name: str | None = None) -> School:
        """Find a school by name; without one, the only school, or the one called main.

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
    """Read the CLASSIN_ variables; InvalidSettingsError names every fault, and never a secret."""
    faults: list[FieldError] = []
    reader = Variables(environment, faults)
    usual, deadlines = Settings(home=Path()), Timeouts()
    schools, paces = _schools(reader, reader.paces("CLASSIN_PACE"))
    home = reader.home("CLASSIN_HOME")
    settings = Settings(
        home=home,
        redis_url=reader.redis("CLASSIN_REDIS_URL"),
        broker_url=reader.text("CLASSIN_BROKER_URL"),
        base_url=reader.base_url("CLASSIN_BASE_URL", CLASSIN),
        schools=schools,
        patience=_patience(reader, RetrySettings()),
        deadlines=Timeouts(
            connect=reader.seconds("CLASSIN_CONNECT_TIMEOUT", deadlines.connect, least=_SOME),
            reply=reader.seconds("CLASSIN_REPLY_TIMEOUT", deadlines.reply, least=_SOME),
        ),
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
def _ring(path: Path, ledger_url: str) -> KeyRing:
    """Return the key ring of a file and a ledger, the same one each time."""

    def load() -> bytes:
        from worker.ledger.key_fingerprint import KeyFingerprint  # noqa: PLC0415  # as above
        from worker.ledger.store import connect  # noqa: PLC0415  # most commands need no Redis

        with connect(ledger_url, submits=True) as redis:
            return KeyFingerprint(path, redis).load()

    return KeyRing(load)


def _schools(reader: Variables, paces: Paces) -> tuple[dict[str, School], dict[str, float]]:
    """Read the schools, by name, and their limits where these are the paces of all."""
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
    """Return a fault for each time that an attempt, as long as it may take, does not fit into."""
    attempt = settings.deadlines.connect + settings.deadlines.reply
    if settings.grace <= attempt:
        what = "CLASSIN_CONNECT_TIMEOUT and CLASSIN_REPLY_TIMEOUT together"
        yield FieldError("CLASSIN_GRACE", f"should be over {attempt:g} s: {what}")
    longest = attempt + settings.patience.longest_wait
    if settings.stalled_after <= longest:
        what = "both timeouts and CLASSIN_LONGEST_WAIT together"
        yield FieldError("CLASSIN_STALLED_AFTER", f"should be over {longest:g} s: {what}")


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this environment for a child process, with these CLASSIN_ variables and no others."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("CLASSIN_")}
    return {**rest, **variables}


def put_in_env(variables: Mapping[str, str]) -> None:
    """Let this process read these variables from now on, whatever stood in the environment."""
    os.environ.update(variables)
