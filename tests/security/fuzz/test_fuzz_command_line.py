"""The door of the command line: words, and what stands in standard input."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

from producers import Submitter
from tests.security.fuzz.canaries import PASSWORD
from tests.security.fuzz.command import run
from tests.security.fuzz.damage import ODD_TEXTS, damaged, spoiled, written
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import Take
from tests.security.fuzz.system import a_system
from tests.security.fuzz.test_fuzz_jsonl import LINES
from worker.classin.operations.cloud import CreateFolder

#: Stands for the id of a record that there is.
_ID = "@ID@"

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("enqueue", "create_folder", "folderId=747759", "folderName=tools", "--priority", "low"),
    ("enqueue", "register", "telephone=19900000001", f"password={PASSWORD}", "--json"),
    ("enqueue", "--file", "-", "--skip-bad"),
    ("enqueue", "--file", "-", "--operation", "register", "--map", "telephone=Phone,email=Mail"),
    ("ls", "--state", "failed", "--since", "2d", "--limit", "5", "--json"),
    ("ls", "--operation", "register", "--school", "main", "--code", "1", "--batch", "x"),
    ("show", _ID),
    ("show", _ID, "--json"),
    ("why", _ID),
    ("retry", _ID, "--set", "folderName=x", "--yes"),
    ("settle", _ID, "--done", "--why", "seen"),
    ("cancel", _ID, "--why", "x"),
    ("stats", "--json"),
    ("lanes",),
    ("schools", "--json"),
    ("ops", "create_unit"),
    ("ops", "--json"),
    ("audit", "--since", "2d"),
    ("keys", "ls"),
    ("keys", "add", "sis", "--school", "main", "--kind", "create_*"),
    ("pause", "main", "--why", "holidays"),
    ("resume", "main"),
    ("schedule", "ls"),
    ("schedule", "add", "a", "--cron", "0 7 * * mon", "--tz", "Asia/Shanghai", "--", "report"),
    ("schedule", "show", "a"),
    ("schedule", "pause", "a"),
    ("prune", "--dry-run"),
    ("sync", "runs"),
    ("sync", "show", "x"),
    ("report", "--since", "1d"),
    ("watch", "x"),
    ("xyz",),
)  # fmt: skip


def _as_typed(text: str) -> str:
    """Give a text as a process can be given it: no NUL, and no half characters but bytes'."""
    raw = text.replace("\x00", "").encode("utf-8", "surrogatepass")
    return raw.decode("utf-8", "surrogateescape")


_WORDS = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.sampled_from(("-1", "--", "-", "--help", "--json", "9" * 400, "1e400d", "99999999999999d")),
    st.text(max_size=10),
).map(_as_typed)


@st.composite
def _typed(draw: st.DrawFn) -> tuple[list[str], bytes]:
    command, *words = draw(st.sampled_from(COMMANDS))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(words)))
        if at == len(words) or draw(st.integers(0, 3)) == 0:
            words[at:at] = [draw(_WORDS)]
        elif PASSWORD not in words[at]:
            name, is_field, _ = words[at].partition("=")
            words[at] = f"{name}={draw(_WORDS)}" if is_field else draw(_WORDS)
    content = b"\n".join(draw(st.lists(damaged(LINES).map(written), max_size=3)))
    return [command, *words], draw(spoiled(content))


@contextmanager
def _opened() -> Iterator[Take]:
    with a_system() as environment:
        submitter = Submitter.from_settings(environment.settings)
        record = submitter.submit(CreateFolder(folder_id=747759, folder_name="x")).id

        def take(given: tuple[list[str], bytes]) -> Iterable[str]:
            words, content = given
            if words[0] == "watch" and all(word.startswith("-") for word in words[1:]):
                return  # all that there is, until Ctrl-C
            yield run([word.replace(_ID, record) for word in words], environment.variables, content)

        yield take


DOOR = Door("command_line", _typed(), _opened, examples=60)


def test_whatever_is_typed_a_command_says_what_is_wrong() -> None:
    """Whoever types a command, or writes what a script types: no traceback, no canary."""
    passes(DOOR)
