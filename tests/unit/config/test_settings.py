"""What a deployment may choose."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.classin.school import School
from worker.config.env import read_seconds
from worker.config.settings import (
    USUAL_PROCESSES,
    RetrySettings,
    Settings,
    Timeouts,
    from_env,
    usual_processes,
)
from worker.errors import InvalidInputError, InvalidSettingsError
from worker.ledger.redis_client import connect

SECRET = "Mb7SR6H"


def faults(environment: dict[str, str]) -> list[str]:
    """Everything that is wrong with these variables."""
    with pytest.raises(InvalidSettingsError) as refused:
        from_env(environment)
    assert SECRET not in repr(refused.value) + str(refused.value)
    return [str(fault) for fault in refused.value.faults]


def schools_file(folder: Path, text: str) -> dict[str, str]:
    """An environment that names a file of schools."""
    path = folder / "schools.toml"
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    return {"CLASSIN_SCHOOLS": str(path)}


def test_an_empty_environment_has_defaults() -> None:
    """ClassIn's own address, a private Redis, no school."""
    settings = from_env({})
    assert settings.base_url == "https://api.eeo.cn"
    assert (settings.redis_url, settings.broker_url, settings.schools) == (None, None, {})
    assert (settings.patience, settings.deadlines) == (RetrySettings(), Timeouts())
    assert settings.home.is_absolute()
    assert settings.home.name == "classin-queue"
    assert settings.ledger_url == f"unix://{settings.home}/redis.sock"


def test_there_is_a_process_for_each_core() -> None:
    """But not for all of a big machine, which has other things to do."""
    assert 1 <= from_env({}).processes <= USUAL_PROCESSES
    assert usual_processes(1) == 1
    assert usual_processes(3) == 3
    assert usual_processes(96) == USUAL_PROCESSES


def test_an_empty_variable_is_as_good_as_none() -> None:
    """Compose files set them so."""
    names = ("CLASSIN_REDIS_URL", "CLASSIN_SID", "CLASSIN_SECRET", "CLASSIN_THREADS")
    assert from_env(dict.fromkeys(names, " ")) == from_env({})


def test_every_variable_has_its_say() -> None:
    """Times may have units."""
    settings = from_env(
        {
            "CLASSIN_HOME": "/var/lib/classin",
            "CLASSIN_REDIS_URL": "redis://example:6379/1",
            "CLASSIN_BROKER_URL": "amqp://example",
            "CLASSIN_BASE_URL": "http://127.0.0.1:8000/",
            "CLASSIN_SID": "1000082",
            "CLASSIN_SECRET": SECRET,
            "CLASSIN_ATTEMPTS": "2",
            "CLASSIN_FIRST_WAIT": "0.1",
            "CLASSIN_LONGEST_WAIT": "1s",
            "CLASSIN_DEFERRALS": "30s, 1.5m 2h,1d",
            "CLASSIN_GIVE_UP_AFTER": "2d",
            "CLASSIN_THROTTLED_WAIT": "7",
            "CLASSIN_LOOKS": "10s 1m",
            "CLASSIN_LEASE": "2s",
            "CLASSIN_LATE_WINDOW": "90s",
            "CLASSIN_CONNECT_TIMEOUT": "3",
            "CLASSIN_REPLY_TIMEOUT": "1m",
            "CLASSIN_WORKER_PROCESSES": "3",
            "CLASSIN_THREADS": "4",
            "CLASSIN_SHARE": "100",
            "CLASSIN_PACE": "edit_course=10/s, all=600/m",
            "CLASSIN_RESCUE_EVERY": "20",
            "CLASSIN_ADRIFT_AFTER": "2m",
            "CLASSIN_GRACE": "64",
            "CLASSIN_STALLED_AFTER": "65",
            "CLASSIN_KEYS": "/etc/classin/keys.json",
        }
    )
    assert settings == Settings(
        home=Path("/var/lib/classin"),
        keys=Path("/etc/classin/keys.json"),
        redis_url="redis://example:6379/1",
        broker_url="amqp://example",
        base_url="http://127.0.0.1:8000",
        schools={"main": School("main", "1000082", SECRET)},
        patience=RetrySettings(
            attempts=2,
            first_wait=0.1,
            longest_wait=1,
            defer_delays=(30, 90, 7200, 86400),
            give_up_after=172800,
            throttled_wait=7,
            probe_intervals=(10, 60),
            lease=2,
            late_window=90,
        ),
        deadlines=Timeouts(connect=3, reply=60),
        processes=3,
        threads=4,
        share=100,
        paces={"main create_classroom": 60, "main edit_course": 100, "main": 100},
        rescue_every=20,
        adrift_after=120,
        grace=64,
        stalled_after=65,
    )
    assert settings.ledger_url == "redis://example:6379/1"


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    """By variable, or by the place in the file of schools."""
    path = tmp_path / "schools.toml"
    environment = schools_file(tmp_path, f'[a]\nsid = "x"\n[b]\nsecret = "{SECRET}"\nsecrt = 1')
    assert faults(
        environment
        | {"CLASSIN_BASE_URL": "http://example.com", "CLASSIN_REDIS_URL": "http://localhost"}
        | {"CLASSIN_WORKER_PROCESSES": "65", "CLASSIN_THREADS": "none"}
        | {"CLASSIN_FIRST_WAIT": "soon", "CLASSIN_HOME": "/x" * 50}
    ) == [
        f"{path} [a] sid: should be the institution's SID, in digits",
        f"{path} [a] secret: is missing",
        f"{path} [b]: unknown key secrt; known are sid, secret, secret_file, pace",
        f"{path} [b] sid: should be the institution's SID, in digits",
        f"CLASSIN_HOME: should be a path of at most 85 bytes; {'/x' * 50} is longer",
        "CLASSIN_REDIS_URL: should start with redis://, rediss:// or unix://",
        "CLASSIN_BASE_URL: should start with https://; plain http goes to loopback addresses only",
        "CLASSIN_FIRST_WAIT: should be a time like 30s, 5m, 1h or 1d; got 'soon'",
        "CLASSIN_WORKER_PROCESSES: should be a whole number from 1 to 64; got '65'",
        "CLASSIN_THREADS: should be a whole number from 1 to 1000; got 'none'",
    ]


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1", "http://127.1.2.3:80", "http://localhost:8000", "http://[::1]:8000"],
)
def test_plain_http_may_go_to_this_machine(address: str) -> None:
    """Where the simulator lives."""
    assert from_env({"CLASSIN_BASE_URL": address}).base_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://api.eeo.cn", "http://127.0.0.1.example.com", "http://localhost.example.com",
        "http://10.0.0.1", "http://0.0.0.0", "http://[::2]", "http://[::1",
        "http://localhost@example.com",
    ],
)  # fmt: skip
def test_plain_http_goes_nowhere_else(address: str) -> None:
    """Secrets do not travel in the open."""
    (fault,) = faults({"CLASSIN_BASE_URL": address})
    assert fault.startswith("CLASSIN_BASE_URL: ")


@pytest.mark.parametrize(
    "address",
    [
        "api.eeo.cn", "ftp://api.eeo.cn", "https://", "https://[x", "https://example.com:port",
        "https://example.com:99999", f"https://me:{SECRET}@api.eeo.cn",
        f"https://:{SECRET}@api.eeo.cn", "https://api.eeo.cn?x=1", "https://api.eeo.cn#x",
    ],
)  # fmt: skip
def test_what_is_no_base_address_is_refused(address: str) -> None:
    """Nothing in it but a host, a port and a path; a password in it is not repeated."""
    (fault,) = faults({"CLASSIN_BASE_URL": address})
    assert fault.startswith("CLASSIN_BASE_URL: ")


@pytest.mark.parametrize(
    "url", ["localhost:6379", f"http://:{SECRET}@x", "redis://[x", "redis://localhost:port"]
)
def test_what_is_no_redis_is_refused(url: str) -> None:
    """Before anything is connected; a password in it is not repeated."""
    (fault,) = faults({"CLASSIN_REDIS_URL": url})
    assert fault.startswith("CLASSIN_REDIS_URL: ")


def test_places_of_files_are_read_as_they_are_listed() -> None:
    """Folders with colons between them, hosts, networks and schemes with blanks."""
    hosts = (
        "Files.example files.lan:8443 http://127.0.0.1:8900 http://[::1]:80 10.1.0.0/16 fd00::/8"
    )
    settings = from_env(
        {"CLASSIN_FILES_FROM": "/srv/a b:/srv/c:", "CLASSIN_FILE_HOSTS": hosts}
        | {"CLASSIN_FILE_SCHEMES": "s3 gs"}
    )
    assert settings.files_from == (Path("/srv/a b"), Path("/srv/c"))
    assert settings.file_hosts == tuple(hosts.lower().split())
    assert settings.file_schemes == ("s3", "gs")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FILES_FROM", "srv/a"), ("FILES_FROM", "/srv/a:~/b"),
        ("FILE_HOSTS", "me:word@files.example"), ("FILE_HOSTS", "https://files.example/a"),
        ("FILE_HOSTS", "ftp://files.example"), ("FILE_HOSTS", "10.1.2.3/16"),
        ("FILE_HOSTS", "*.example"), ("FILE_HOSTS", "f\u00efles.example"),
        ("GATEWAY_FILES_FROM", "files.example:port"), ("FILE_SCHEMES", "file"),
        ("FILE_SCHEMES", "s3 https"), ("FILE_SCHEMES", "s3://"),
    ],
)  # fmt: skip
def test_what_is_no_place_of_files_is_refused(name: str, text: str) -> None:
    """A place that is misread would be open, or shut, without a word."""
    (fault,) = faults({f"CLASSIN_{name}": text})
    assert fault.startswith(f"CLASSIN_{name}: should be ")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "\u00b2", "9" * 5000])
def test_what_is_no_count_is_refused(text: str) -> None:
    """At least one, and whole."""
    (fault,) = faults({"CLASSIN_ATTEMPTS": text})
    assert fault.startswith("CLASSIN_ATTEMPTS: should be a whole number from 1")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLASSIN_FIRST_WAIT", "-1"),
        ("CLASSIN_FIRST_WAIT", "1w"),
        ("CLASSIN_FIRST_WAIT", ","),
        ("CLASSIN_FIRST_WAIT", "1s 2s"),
        ("CLASSIN_DEFERRALS", "1m soon"),
        ("CLASSIN_DEFERRALS", ","),
        ("CLASSIN_GIVE_UP_AFTER", "9" * 400),
        ("CLASSIN_CONNECT_TIMEOUT", "0"),
        ("CLASSIN_REPLY_TIMEOUT", "0"),
        ("CLASSIN_RESCUE_EVERY", "0"),
        ("CLASSIN_LEASE", "0"),
        ("CLASSIN_LEASE", "1.9s"),
        ("CLASSIN_LOOKS", "soon"),
        ("CLASSIN_LOOKS", "1m 0 2m"),
        ("CLASSIN_GRACE", "1m 2m"),
        ("CLASSIN_GRACE", "0"),
        ("CLASSIN_STALLED_AFTER", "0"),
    ],
)
def test_what_is_no_time_is_refused(name: str, text: str) -> None:
    """Neither too few nor too many; where nothing would come of none at all, some is needed."""
    (fault,) = faults({name: text})
    assert fault.startswith(f"{name}: ")


GRACE_IS_SHORT = "CLASSIN_GRACE: should be over {} s: CLASSIN_CONNECT_TIMEOUT and"
STALLED_IS_SHORT = "CLASSIN_STALLED_AFTER: should be over {} s: both timeouts and"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"CLASSIN_GRACE": "35s"}, [GRACE_IS_SHORT.format(35)]),
        ({"CLASSIN_STALLED_AFTER": "43s"}, [STALLED_IS_SHORT.format(43)]),
        ({"CLASSIN_LONGEST_WAIT": "2m"}, [STALLED_IS_SHORT.format(155)]),
        (
            {"CLASSIN_REPLY_TIMEOUT": "2m"},
            [GRACE_IS_SHORT.format(125), STALLED_IS_SHORT.format(133)],
        ),
    ],
)
def test_an_attempt_has_time_to_end(choice: dict[str, str], said: list[str]) -> None:
    """Before a worker that is asked to end does, or one that waits for replies counts as stuck."""
    found = faults(choice)
    assert len(found) == len(said)
    assert all(fault.startswith(part) for fault, part in zip(found, said, strict=True))


def test_shorter_timeouts_allow_a_shorter_grace() -> None:
    """Whoever is in a hurry says so of all of them."""
    hurried = {"CLASSIN_CONNECT_TIMEOUT": "1", "CLASSIN_REPLY_TIMEOUT": "2", "CLASSIN_GRACE": "3.1"}
    assert from_env(hurried).grace == 3.1


@pytest.mark.parametrize("text", ["0", "101", "75%"])
def test_a_share_is_a_percentage(text: str) -> None:
    """A whole one, and never none."""
    (fault,) = faults({"CLASSIN_SHARE": text})
    assert fault == f"CLASSIN_SHARE: should be a whole number from 1 to 100; got {text!r}"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CLASSIN_SID": "1000082"}, ["CLASSIN_SECRET: is missing"]),
        ({"CLASSIN_SECRET": SECRET}, ["CLASSIN_SID: should be the institution's SID, in digits"]),
        (
            {"CLASSIN_SID": SECRET, "CLASSIN_SECRET": SECRET},
            ["CLASSIN_SID: should be the institution's SID, in digits"],
        ),
        (
            {"CLASSIN_SID": "\u0661", "CLASSIN_SECRET": SECRET},
            ["CLASSIN_SID: should be the institution's SID, in digits"],
        ),
        (
            {"CLASSIN_SID": "1", "CLASSIN_SECRET": SECRET, "CLASSIN_SCHOOLS": "x"},
            ["CLASSIN_SCHOOLS: should not be set beside CLASSIN_SID and CLASSIN_SECRET"],
        ),
    ],
)
def test_half_a_school_is_refused(environment: dict[str, str], said: list[str]) -> None:
    """An SID and a secret belong together, and to one place."""
    assert faults(environment) == said


def test_schools_are_read_from_a_file(tmp_path: Path) -> None:
    """With the secret in it, or in a file beside it."""
    (tmp_path / "north.secret").touch(0o600)
    (tmp_path / "north.secret").write_text(f" {SECRET}\n", encoding="utf-8")
    environment = schools_file(
        tmp_path,
        f'[main]\nsid = "1000082"\nsecret = "{SECRET}"\n'
        '[north]\nsid = 1000083\nsecret_file = "north.secret"\n',
    )
    assert from_env(environment).schools == {
        "main": School("main", "1000082", SECRET),
        "north": School("north", "1000083", SECRET),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no table of a school"),
        (f"secret = {SECRET}", "cannot be read: it is not TOML (at line 1, column 10)"),
        (f'sid = 1\nsecret = "{SECRET}"', "should be a table named by letters, digits, - and _"),
        (f'["a b"]\nsid = 1\nsecret = "{SECRET}"', "should be a table named by letters"),
        (f'[a]\nsid = 1\nsecret = "{SECRET}"\nsecret_file = "schools.toml"', "not both"),
        ("[a]\nsid = 1\nsecret_file = 'nowhere'", "cannot be read: No such file or directory"),
        ("[a]\nsid = 1\nsecret_file = '.'", "cannot be read: Is a directory"),
        ('[a]\nsid = 1\nsecret_file = "\\u0000"', "cannot be read"),
        ("[a]\nsid = 1\nsecret = ''", "secret: is missing"),
        (f"[a]\nsid = 1.5\nsecret = '{SECRET}'", "in digits"),
    ],
)
def test_a_wrong_file_of_schools_is_explained(tmp_path: Path, text: str, said: str) -> None:
    """Without quoting it."""
    found = faults(schools_file(tmp_path, text))
    assert any(said in fault for fault in found)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """As one that is not there is."""
    path = tmp_path / "schools.toml"
    path.touch(0o600)
    path.write_bytes(b"\xff\xfe")
    assert faults({"CLASSIN_SCHOOLS": str(path)}) == [
        f"CLASSIN_SCHOOLS: {path} cannot be read: it is not UTF-8"
    ]
    (fault,) = faults({"CLASSIN_SCHOOLS": str(tmp_path / "nowhere")})
    assert fault.endswith("cannot be read: No such file or directory")


ONE_SCHOOL = {"CLASSIN_SID": "1", "CLASSIN_SECRET": SECRET}


@pytest.mark.parametrize(
    ("pace", "paces"),
    [
        ("", {"main create_classroom": 60}),
        ("create_classroom=10/s", {"main create_classroom": 100}),
        ("create_classroom=none", {}),
        ("all=none create_classroom=none edit_course=2/h", {"main edit_course": 1_800_000}),
    ],
)
def test_classrooms_are_paced_unless_somebody_says_otherwise(
    pace: str, paces: dict[str, float]
) -> None:
    """ClassIn's own limit is always there; another one, or none, takes its place."""
    assert from_env(ONE_SCHOOL | {"CLASSIN_PACE": pace}).paces == paces


def test_without_a_school_nothing_is_paced() -> None:
    """Limits are those of schools."""
    assert from_env({"CLASSIN_PACE": "all=1/s"}).paces == {}


def test_a_school_has_its_own_pace(tmp_path: Path) -> None:
    """What its table names wins over the variable; what it does not name stays."""
    environment = schools_file(
        tmp_path,
        f'[main]\nsid = 1\nsecret = "{SECRET}"\n'
        f'[north]\nsid = 2\nsecret = "{SECRET}"\npace = "all=none edit_course=1/s"\n',
    )
    assert from_env(environment | {"CLASSIN_PACE": "all=10/s edit_course=5/s"}).paces == {
        "main create_classroom": 60,
        "main edit_course": 200,
        "main": 100,
        "north create_classroom": 60,
        "north edit_course": 1000,
    }


def test_a_wrong_pace_is_named_by_where_it_stands(tmp_path: Path) -> None:
    """The variable, or the table of the school; all of them at once."""
    environment = schools_file(
        tmp_path, f'[main]\nsid = 1\nsecret = "{SECRET}"\npace = "edit_course=5"\n'
    )
    here = f"{tmp_path / 'schools.toml'} [main] pace"
    assert faults(environment | {"CLASSIN_PACE": "al=1/s"}) == [
        "CLASSIN_PACE: ClassIn knows no 'al'; did you mean all?",
        f"{here}: edit_course should be like edit_course=10/s, 600/m, 50/h or none; got '5'",
    ]


def test_a_repr_holds_no_secret() -> None:
    """Nor a URL that may hold a password."""
    environment = {"CLASSIN_SID": "1000082", "CLASSIN_SECRET": SECRET}
    urls = dict.fromkeys(("CLASSIN_REDIS_URL", "CLASSIN_BROKER_URL"), f"redis://:{SECRET}@x")
    assert SECRET not in repr(from_env(environment | urls))


@pytest.mark.parametrize("home", ["/tmp/a b", "/tmp/a%20b", "/tmp/a?b", "/tmp/a#b", "/tmp/é"])  # noqa: S108  # only a name
def test_the_private_redis_is_found_under_any_name(home: str) -> None:
    """The ledger's URL leads to the socket, whatever characters its path has."""
    settings = Settings(home=Path(home))
    pool = connect(settings.ledger_url).connection_pool
    assert pool.connection_kwargs["path"] == str(settings.socket)


ONE = {"north": School("north", "1", "s")}
TWO = ONE | {"south": School("south", "2", "s")}
MAIN = TWO | {"main": School("main", "3", "s")}


@pytest.mark.parametrize(
    ("schools", "name", "found"),
    [
        (ONE, None, "north"),
        (ONE, "north", "north"),
        (TWO, "south", "south"),
        (MAIN, None, "main"),
        (MAIN, "north", "north"),
    ],
)
def test_a_school_is_found(schools: dict[str, School], name: str | None, found: str) -> None:
    """By name; without one the only school, or the one called main."""
    assert Settings(home=Path("/"), schools=schools).school(name).name == found


@pytest.mark.parametrize(
    ("schools", "name", "said"),
    [
        ({}, None, "school: none is configured: set CLASSIN_SID and CLASSIN_SECRET"),
        ({}, "north", "school: none is configured"),
        (TWO, None, "school: should be named: one of north, south"),
        (TWO, "nort", "school: there is no 'nort'; did you mean north?"),
        (ONE, "", "school: there is no ''"),
    ],
)
def test_an_unknown_school_is_refused(
    schools: dict[str, School], name: str | None, said: str
) -> None:
    """With what would be right."""
    with pytest.raises(InvalidInputError) as refused:
        Settings(home=Path("/"), schools=schools).school(name)
    assert str(refused.value.faults[0]).startswith(said)


@given(st.integers(0, 10**6), st.sampled_from([("", 1), ("s", 1), ("m", 60), ("h", 3600)]))
def test_a_span_of_time_has_a_unit(number: int, unit: tuple[str, int]) -> None:
    """Seconds without one."""
    assert read_seconds(f"{number}{unit[0]}") == number * unit[1]


@given(st.text(max_size=8))
def test_any_other_text_is_no_span(text: str) -> None:
    """It is a number of seconds, never less than none, or an error."""
    try:
        assert read_seconds(text) >= 0
    except ValueError:
        assert not (text.isascii() and text.isdecimal())


@pytest.mark.parametrize("text", ["", "s", "-1", "1 s", "1w", "1e3", "1.", ".5", "1ss", "inf"])
def test_what_is_no_span_is_an_error(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"^"):
        read_seconds(text)


def test_reports_go_to_several() -> None:
    """Commas or blanks part their addresses, which are never shown."""
    word = "mailto://user:word@school.example"
    settings = from_env({"CLASSIN_REPORT_TO": f"{word}, slack://a/b/c"})
    assert settings.report_to == (word, "slack://a/b/c")
    assert "word" not in repr(settings)
    (fault,) = faults({"CLASSIN_REPORT_TO": "user:word@school.example"})
    assert fault.startswith("CLASSIN_REPORT_TO: should be addresses like mailto://")
    assert "word@" not in fault
