"""The door of TOML files: schools, and jobs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

from ops.cli.job_check import faults_of
from ops.scheduling.jobs_file import read_timetable
from tests.security.fuzz.canaries import SCHOOL_SECRET
from tests.security.fuzz.damage import ODD_TEXTS, spoiled
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import Take
from tests.security.fuzz.place import a_place
from worker.config.settings import from_env

_SCHOOLS = f"""\
[main]
sid = "1000082"
secret = "{SCHOOL_SECRET}"
pace = "10/s"

[north]
sid = 1000083
secret_file = "north.secret"
"""

_JOBS = """\
[nightly-sync]
run = "sync oneroster /srv/sis/export.zip"
cron = "30 2 * * *"
tz = "Asia/Shanghai"
if_running = "skip"
catch_up = "2h"
time_limit = "4h"

[morning]
run = ["report", "--since", "1d"]
cron = "0 7 * * mon"
"""

#: Values as TOML writes them, right by themselves, and wrong wherever they stand.
_VALUES = (
    "1", "-0", "1e400", "nan", "inf", "true", "[]", "{}", "[[1], {a = 1}]", "1979-05-27",
    "9999-12-31T23:59:59.999999+23:59", "0001-01-01T00:00:00-23:59", "07:32:00", "9" * 5000,
    "0x" + "f" * 5000, '"""a\nb"""', "'\t'", "[" * 3000, "{a=" * 3000, '"\\uD800"', '"\\U00110000"',
    '"* * * * *"', '"*/0 * * * *"', '"99999999999-1 * * * *"', '"0 0 31 2 *"', '"0 0 * * 7#9"',
    '"@reboot"', '"R R R R R"', '"../../../../etc/passwd"', '"/dev"', '"\\u0000"', '"1h1h"',
    '"99999999999999999999d"', '"1e5d"', '"-1s"', '"Etc/../UTC"', '"/etc/localtime"', '"sync"',
    '"enqueue --file @/etc/passwd \'"', '"retry --yes --set x=1"', '""',
)  # fmt: skip


@st.composite
def _files(draw: st.DrawFn) -> tuple[str, bytes]:
    which = draw(st.sampled_from(("schools", "jobs")))
    lines = (_SCHOOLS if which == "schools" else _JOBS).splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        name = lines[at].partition("=")[0]
        if "secret " in name and draw(st.booleans()):
            continue
        value = draw(st.sampled_from(_VALUES) | st.sampled_from(ODD_TEXTS).map(repr))
        lines[at] = f"{name}= {value}" if "=" in lines[at] else f"[{value}]"
        if draw(st.integers(0, 5)) == 0:
            lines[at] = "a." * draw(st.sampled_from((3, 500))) + "b = 1"
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return which, draw(spoiled(content))


@contextmanager
def _opened() -> Iterator[Take]:
    with a_place() as place:
        path = place.folder / "file.toml"
        for each in (path, place.folder / "north.secret"):
            each.touch(0o600)
        (place.folder / "north.secret").write_text(SCHOOL_SECRET, encoding="utf-8")

        def take(given: tuple[str, bytes]) -> Iterable[str]:
            which, content = given
            path.write_bytes(content)
            if which == "schools":
                variables = {"CLASSIN_SCHOOLS": str(path), "CLASSIN_HOME": str(place.folder)}
                yield repr(from_env(variables))
            else:
                yield repr(read_timetable(path, faults_of))

        yield take


DOOR = Door(
    "toml",
    _files() | st.tuples(st.sampled_from(("schools", "jobs")), st.binary(max_size=200)),
    _opened,
    examples=60,
)


def test_whatever_a_toml_file_says_is_taken_or_refused() -> None:
    """Whoever writes the files of schools and jobs: no crash, no hang, no secret quoted."""
    passes(DOOR)
