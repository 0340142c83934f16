"""Terminals: text of others that moves the cursor, sets the clipboard, hides or forges lines."""

import io
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops.cli.command_table import NAMES
from ops.cli.console import PlainConsole
from ops.cli.markup import marked
from ops.processes.redis_server import PrivateRedis
from tests.stage import Environment
from tests.unit.ledger.hands import (
    ENTRY,
    PARTLY,
    REFUSED,
    UNSURE,
    attempt,
    claimed,
    settled,
)
from worker.config.settings import environment_with
from worker.keyring import KeyRing
from worker.ledger.audit import Audit
from worker.ledger.keys import Keys
from worker.ledger.redis_client import connect
from worker.ledger.report_store import ReportStore
from worker.ledger.schedule_models import Job
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.printable import printable
from worker.trouble_log import PlainRecord

#: Clears the screen, sets the clipboard, names a link, goes back, turns the line, forges another.
EVIL = (
    "a\x1b[2J\x1b]52;c;cm0=\x07\x1b]8;;http://evil.example\x1b\\\r\x08\x9b31m\x7f\u202e\u2066"
    "\u200b[red][link=http://evil.example]x[/link][/]:skull:\nFORGED succeeded"
)

#: What acts on a terminal; lines may end.
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")

#: Columns that others write.
COLUMNS = "--columns id,operation,lane,school,said,source,dedup_key,batch"

#: Words that make each command print what the ledger or a file holds.
WORDS = [
    "show a", "why a", "why lane1", "watch b", "stats", "stats --json", "lanes", "schools",
    "ls", "ls --csv", "ls --json", f"ls {COLUMNS}", f"ls --csv {COLUMNS}",
    "report", "report --text", "report --last", "report --list", "audit", "audit --json", "keys",
    "schedule", "schedule show job", "sync runs", "sync oneroster evil\x1b[2J.zip --dry-run",
    "doctor", "ops create_folder", "ops nothing\x1b[2J", "retry --state failed --dry-run",
    "retry gone\x1b[2J", "settle c --failed --reason x --dry-run", "cancel lane1 --dry-run",
    "cancel gone\x1b[2J", "pause main --dry-run", "resume main --dry-run", "prune --dry-run",
    "enqueue create_folder folderId=\x1b[2J", "enqueue --file evil.jsonl",
    "enqueue --file evil.csv --operation create_folder",
]  # fmt: skip

KEYS = Keys()

#: They run until they are stopped: what they write is a log.
ENDLESS = {"up", "worker", "gateway", "beat", "simulator", "demo"}


#: Carries commands out one after the other, in one process: they load a lot.
DRIVER = """
import contextlib, io, json, sys
from ops.cli import output
from ops.cli.main import main

said = {}
for words in json.load(sys.stdin):
    sys.argv[1:] = words.split(" ")
    output.out.cache_clear()
    output.err.cache_clear()
    file = io.StringIO()
    with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        with contextlib.suppress(SystemExit):
            main()
    said[words] = file.getvalue()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said() -> Any:  # noqa: ANN401  # texts by words
    """What each command writes where all text in the ledger is of an attacker's making."""
    home = Path(tempfile.mkdtemp(prefix="cq-"))
    (home / "evil.jsonl").write_text(f'{{"operation": "a\x1b[2J"}}\n{{"{EVIL}": 1}}\n')
    (home / "evil.csv").write_text(f'folderId,folderName\n"{EVIL}",x\n')
    with PrivateRedis(home, home / "redis.sock") as server:
        environment = Environment({"CLASSIN_HOME": str(home), "CLASSIN_REDIS_URL": server.url})
        environment.set(sid="1000082", secret="x", base_url="http://127.0.0.1:9")
        environment.set(keys=str(home.with_name(f"{home.name}-keys.json")))
        fill(server.url, environment.settings.keyring)
        done = subprocess.run(
            [sys.executable, "-c", DRIVER],
            env=environment_with(environment.variables) | {"PYTHONPATH": str(Path.cwd())},
            cwd=home,
            input=json.dumps(WORDS).encode(),
            capture_output=True,
            check=False,
        )
    shutil.rmtree(home, ignore_errors=True)
    home.with_name(f"{home.name}-keys.json").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def fill(url: str, keyring: KeyRing) -> None:
    """Record what an attacker would, by ways that check nothing."""
    redis = connect(url)
    ledger = RedisLedger(redis, keyring=keyring)
    evil = replace(
        ENTRY, fields={"folderName": EVIL, EVIL: EVIL}, source=EVIL, row=1, dedup_key=f"d {EVIL}"
    )
    again = replace(evil, dedup_key=None)
    ledger.submit(
        [
            evil,
            replace(again, id="c"),
            replace(again, id="p"),
            replace(
                again, id=f"r{EVIL}", operation=f"o{EVIL}".replace(" ", "_"), school=f"s{EVIL}"
            ),
            replace(again, id="lane1", batch="d", lane=f"l{EVIL}"),
            replace(
                again,
                id="lane2",
                batch="d",
                lane=f"l{EVIL}",
                operation=f"o{EVIL}".replace(" ", "_"),
            ),
        ]
    )
    told: Mapping[str, Any] = {"data": EVIL, EVIL: [EVIL]}
    refused = replace(REFUSED, message=EVIL, result=told)
    ledger.advance(claimed(ledger), refused, replace(attempt(1), message=EVIL))
    settled(ledger, f"r{EVIL}", replace(REFUSED, message=EVIL))
    settled(ledger, "c", replace(UNSURE, message=EVIL))
    settled(ledger, "p", replace(PARTLY, message=EVIL, result=told))
    ledger.pause("main", EVIL)
    Audit(redis).note(EVIL, EVIL, about=EVIL, ids=["a"], why=EVIL)
    schedule = ScheduleStore(redis, keyring=keyring)
    for name in ("job", EVIL):
        schedule.put(Job(name=name, cron="0 0 * * *", tz="UTC", words=("report", EVIL), file=EVIL))
    page = '{"id": "x", "until": "2026", "title": "%s", "page": "%s", "sent": []}'
    as_json = "a\\u001b[2J\\n\\u009b31m\\u202e[red]"
    ReportStore(redis).keep("x", 1, page % (as_json, as_json))
    about = {
        "id": EVIL, "source": f"main:{EVIL}", "began_at": "2027-01-15T08:00:00+00:00",
        "state": EVIL, "batches": [EVIL], "operations": 1, "export": EVIL,
    }  # fmt: skip
    redis.zadd(KEYS.syncs, {"sync": 1})
    redis.hset(KEYS.sync("sync"), "about", json.dumps(about))


@pytest.mark.parametrize("words", WORDS)
def test_no_command_lets_text_of_others_act_on_the_terminal(
    words: str, said: Mapping[str, str]
) -> None:
    """Whoever names a folder, answers as ClassIn or writes into Redis owned the reader's screen."""
    told = said[words]
    assert told.strip()
    assert not ACTING.search(told)
    assert not [line for line in told.splitlines() if line.startswith("FORGED")]
    if words in {"show a", "why a"}:
        assert "[red][link=" in told


def test_every_command_is_tried() -> None:
    """A new command is on the list above."""
    assert {words.split()[0] for words in WORDS} | ENDLESS == {*NAMES}


def test_one_place_makes_markup() -> None:
    """A command that escapes by itself, or prints by another console, would forget it once."""
    files = [path for path in Path("ops").rglob("*.py") if "simulator" not in path.parts]
    mine = {"output.py", "console.py", "markup.py"}
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert path.name in mine or "rich.markup" not in text, path
        assert path.name in mine or not re.search(r"\bConsole\(|\bprint\(.*# noqa", text), path


def test_markup_in_a_value_is_shown_and_not_followed() -> None:
    """A folder called `[link=...]` became a link of ours, `[red]` a colour, `:skull:` a picture."""
    file = io.StringIO()
    console = PlainConsole(file=file, force_terminal=True, color_system="truecolor", width=200)
    console.print(marked("[bold]{}[/]", EVIL))
    console.print(EVIL)
    told = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert not ACTING.search(told)
    assert told.count("[red][link=http://evil.example]x[/link][/]:skull:\\nFORGED") == 2


def test_a_log_line_cannot_be_forged() -> None:
    """A line break in a file's name, or in ClassIn's words, began a line of its own in the log."""
    error = ValueError(EVIL)
    made = PlainRecord("a", 30, "a.py", 1, "refused: %s", (EVIL,), (ValueError, error, None))
    first, *trace = logging.Formatter().format(made).splitlines()
    assert first == f"refused: {printable(EVIL)}"
    assert trace
    assert not any(map(ACTING.search, [first, *trace]))


def test_processes_write_such_logs(tmp_path: Path) -> None:
    """Each process that logs says so to logging, before anybody else's words can come."""
    log = "import logging; logging.warning('a\\x1b[2J\\nFORGED')"
    code = f"import worker.app; {log}"
    environment = {"CLASSIN_HOME": str(tmp_path), "CLASSIN_SID": "1", "CLASSIN_SECRET": "x"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment_with(environment),
        capture_output=True,
        check=True,
    )
    assert done.stderr.endswith(b"a\\x1b[2J\\nFORGED\n")


@pytest.mark.parametrize(
    "text", ["课程 八年级", "é e\u0301 ñ", "👩‍🏫 👍🏽 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "می‌خواهم", "a [b] :c:"]
)
def test_honest_text_stays_as_it_is(text: str) -> None:
    """Chinese, combining marks, emoji with their joiners, and brackets are no attack."""
    assert printable(text) == text
    file = io.StringIO()
    PlainConsole(file=file).print(text)
    assert file.getvalue() == f"{text}\n"


@pytest.mark.parametrize("text", ["ma\u200din", "a\u200cb", "\ud800", "a\U000e0041b", "\ufeffa"])
def test_what_nobody_sees_is_shown(text: str) -> None:
    """Two lanes or keys looked alike; half a character ended the command with a traceback."""
    shown = printable(text)
    assert shown.isascii()
    assert "\\u" in shown.lower()
