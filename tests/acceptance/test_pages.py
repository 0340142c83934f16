"""What is typed on the pages works: every block is run, page by page, on one system."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from openpyxl import Workbook

from ops.processes.supervisor import classin as command_line
from ops.simulator import DEFAULT_SCHOOL, FaultRule, SimulatorClient, When, create_app, in_thread
from ops.simulator.bundle import Size, invent, write_bundle
from producers import Submitter
from tests.forked_command import served, write_shim
from tests.pages import ENDLESS, NOT_RUN, ROOT, Block, blocks, pages
from tests.stage import PATIENCE, Environment, WorkerProcess, until
from worker.config.settings import environment_with

#: Sections that a test of their own runs, on a system with waits of their own.
ELSEWHERE = {"Try a night in one minute": "test_night.py"}

#: Those with the same blocks as another; tests/house/test_pages.py compares them.
TRANSLATED = {"README.zh-CN.md"}

#: Seconds after which what runs until Ctrl-C is interrupted.
LONG_ENOUGH = 1.5

#: `classin` as it is typed; to watch a batch in which something failed is no fault of the page.
SHIM = """#!/bin/sh
[ "$2" = --follow ] && exec {python} -m ops.cli "$@"  # so that an interrupt ends it
{quick} "$@"; code=$?
[ "$1 $code" = "watch 1" ] && exit 0
exit $code
"""

#: `curl` as it is typed; an answer that refuses is a fault of the page.
CURL = """#!/bin/sh
exec {curl} --fail "$@"
"""

FOLDER = {"folderId": 747759, "folderName": "a folder of the test's"}
ONCE_ONLY = {"courseId": 1, "unitId": 2, "activityType": 2, "name": "Homework", "teacherUid": 3}
NOBODY = 9_999_999


def typed_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are run here."""
    return [
        block
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.language in {"sh", "python", "jsonl", "toml"}
        and not block.remark.startswith(NOT_RUN)
        and block.section not in ELSEWHERE
    ]


PAGES = [
    page
    for page in pages()
    if page.name not in TRANSLATED
    and any(block.language in {"sh", "python"} for block in typed_blocks(page))
]


@dataclass
class Installation:
    """A system as a reader has it: a simulated ClassIn, `classin up`, and a shell at home."""

    folder: Path
    simulator: SimulatorClient
    environment: Environment
    gateway: str
    key: str = ""
    #: Which record stands for a name that the pages give one.
    named: dict[str, str] = field(default_factory=dict)
    #: The files that the page has shown.
    kept: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Begin a page: ClassIn as it was, and records of the page's own."""
        self.simulator.reset()
        self.named.clear()
        self.kept.clear()
        (self.folder / "variables.sh").unlink(missing_ok=True)

    def run(self, block: Block) -> "subprocess.CompletedProcess[str]":
        """Type a block, with all that those before it have exported; interrupt an endless one."""
        script, endless = self._here(block.text), block.remark.startswith(ENDLESS)
        if block.language == "python":
            script = f"cat > snippet.py <<'END'\n{script}END\npython snippet.py"
        if endless:
            script = f"exec {script}"  # so that the interrupt reaches it
        before, after = "test -e ~/variables.sh && . ~/variables.sh", "export -p > ~/variables.sh"
        places = {
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        with subprocess.Popen(
            [shutil.which("bash") or "sh", "-c", f"{before}\nset -e\n{script}\n{after}\n"],
            cwd=self.folder,
            env=environment_with(self.environment.variables) | places,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as typed:
            try:
                out, err = typed.communicate(timeout=LONG_ENOUGH if endless else PATIENCE)
            except subprocess.TimeoutExpired:
                typed.send_signal(signal.SIGINT)
                out, err = typed.communicate()
                return subprocess.CompletedProcess(script, 0 if endless else 124, out, err)
        return subprocess.CompletedProcess(script, typed.returncode or int(endless), out, err)

    def keep(self, block: Block) -> None:
        """Write a file that a page shows under the name in its first line; the first counts."""
        name = re.match(r"# (\S+\.toml)", block.text)
        file = self.folder / (name[1] if name else f"operations.{block.language}")
        if file.name not in self.kept:
            self.kept.add(file.name)
            file.write_text(block.text)
            file.chmod(0o600)

    def _here(self, text: str) -> str:
        """Put in place of what the pages make up what there is here."""
        for name in re.findall(r"\b[a-z]*[0-9][a-z0-9]{5,15}\b", text):
            if name in RECORDS and name not in self.named:
                self.named[name] = RECORDS[name](self)
        settings = self.environment.settings
        there = {
            **self.named,
            "any-word": DEFAULT_SCHOOL.secret,
            "http://127.0.0.1:8900": self.simulator.base_url,
            "http://127.0.0.1:8765": self.gateway,
            "redis://sis:PASSWORD@localhost:6379/0": f"redis+socket://{settings.socket}",
            "KEY=cq_...": f"KEY={self.key}",
            "$KEY": self.key,
            "/srv/": f"{self.folder}/srv/",
        }
        for made_up, real in there.items():
            text = text.replace(made_up, real)
        return text

    @property
    def submitter(self) -> Submitter:
        """What takes the test's own operations in."""
        return Submitter.from_settings(self.environment.settings)

    def settled(self, operation: str, fields: dict[str, object], state: str, **more: object) -> str:
        """Submit an operation, and see it end as it should; return its id."""
        receipts = self.submitter.submit_many([{"operation": operation, "fields": fields, **more}])
        record = receipts[0].wait(60)
        assert record.state == state, record
        return record.id

    def uncertain(self) -> str:
        """Have an operation of which nobody can say whether it was done; return its id."""
        rule = FaultRule(operation="create_activity_no_class", drop=True, when=When.AFTER)
        self.simulator.faults(rule)
        try:
            return self.settled("create_activity_no_class", ONCE_ONLY, "uncertain")
        finally:
            self.simulator.clear_faults()

    def waiting(self) -> str:
        """Have an operation that waits for one that ClassIn does not carry out yet."""
        name = {"courseName": "not yet"}
        self.simulator.faults(FaultRule(operation="edit_course", match=name, code=253))
        fields = {"courseId": 352861, **name}
        first = self.submitter.submit("edit_course", fields, lane="held up")
        second = self.submitter.submit("create_folder", FOLDER, after=[first.id])
        return second.id

    def batch(self) -> str:
        """Have a batch that came from a sheet; return its id."""
        sheet = ["--file", "rows.csv", "--operation", "add_school_student", "--wait"]
        mapped = ["--map", 'studentAccount=Phone,studentName="Full name"', "--json"]
        done = self.run(Block("sh", f"classin enqueue {shell(*sheet, *mapped)}", "", ""))
        return str(json.loads(done.stdout.splitlines()[0])["batch"])

    def sync(self) -> str:
        """Have a roster in step; return the id of the sync."""
        done = self.run(
            Block("sh", "classin sync oneroster export.zip --source test --json", "", "")
        )
        assert done.returncode == 0, done
        return str(json.loads(done.stdout.splitlines()[-1])["id"])


def shell(*words: str) -> str:
    """Write words for a shell."""
    return " ".join(map(shlex.quote, words))


#: What stands for the names that the pages give to records.
RECORDS: dict[str, Callable[[Installation], str]] = {
    "5sxsmjnvzf5wq4sm": lambda it: it.settled("create_folder", FOLDER, "succeeded"),
    "failed6ktm2xq9hz": lambda it: it.settled("edit_course", {"courseId": 5}, "failed"),
    "failed9wn4z2kc5b": lambda it: it.settled("edit_course", {"courseId": 6}, "failed"),
    "uncertain4wq7n2x": Installation.uncertain,
    "uncertain8vh3m5z": Installation.uncertain,
    "waiting3zq8m5kwt": Installation.waiting,
    "partial7hgz4k2mq": lambda it: it.settled(
        "add_course_student_multiple",
        {"courseId": 414193, "identity": 1, "studentJson": [{"uid": 1002001}, {"uid": NOBODY}]},
        "partial",
    ),
    "ui73whtmqvabw6f7": Installation.batch,
    "sync5zq8m2kwt7h": Installation.sync,
}


def at_home(folder: Path) -> None:
    """Put into a folder what the pages speak of."""
    (folder / "bin").mkdir()
    (folder / "classin-try").mkdir(mode=0o700)
    shim, quick = folder / "bin" / "classin", folder / "bin" / "classin-forked"
    shim.write_text(SHIM.format(python=sys.executable, quick=quick))
    shim.chmod(0o755)
    write_shim(quick, folder / "forked.sock")
    curl = folder / "bin" / "curl"
    curl.write_text(CURL.format(curl=shutil.which("curl")))
    curl.chmod(0o755)
    (folder / "rows.csv").write_text("Phone,Full name\n13800000001,Ada\n13800000002,Grace\n")
    book = Workbook()
    sheet = book.create_sheet("Class 8a")
    for row in (("telephone", "password"), ("13800000003", "a-password")):
        sheet.append(row)
    book.save(folder / "people.xlsx")
    (folder / "password.txt").write_text("a-password\n")
    (folder / "main.secret").write_text("any-word\n")
    (folder / "picture.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    covers, sis = folder / "srv" / "covers", folder / "srv" / "sis"
    for place in (covers, sis):
        place.mkdir(parents=True)
    (covers / "cover.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    cover = {"courseId": 352861, "courseName": "Physics", "Filedata": f"@{covers}/cover.jpg"}
    (folder / "covers.jsonl").write_text(json.dumps({"operation": "edit_course", "fields": cover}))
    write_bundle(folder / "export.zip", invent(Size(8, 2, 2, 8)))
    shutil.copy(folder / "export.zip", sis)
    (sis / "tonight.jsonl").write_text(
        json.dumps({"operation": "create_folder", "fields": FOLDER}) + "\n"
    )
    shutil.copy(sis / "tonight.jsonl", folder / "operations.jsonl")
    more = {"folderId": 747759, "folderName": "one more"}
    (folder / "more.jsonl").write_text(json.dumps({"operation": "create_folder", "fields": more}))


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """One system for all pages, ready."""
    with ExitStack() as stack:
        # A short path, as a socket's must be.
        made = TemporaryDirectory(prefix="cq-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(made))
        at_home(folder)
        stack.enter_context(served(folder / "forked.sock"))
        simulator = SimulatorClient(stack.enter_context(in_thread(create_app())))
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        environment = Environment({})
        environment.set(
            home=str(folder / "classin-try"),
            base_url=simulator.base_url,
            sid=DEFAULT_SCHOOL.sid,
            secret=DEFAULT_SCHOOL.secret,
            gateway_port=str(port),
            worker_processes="1",
            threads="8",
            first_wait="0.05s",
            longest_wait="0.2s",
            rescue_every="0.2s",
            late_window="0s",
        )
        up = WorkerProcess(environment, folder / "up.log")
        stack.callback(up.stop)
        up.start(command_line("up", "--gateway"))
        it = Installation(folder, simulator, environment, f"http://127.0.0.1:{port}")
        until(lambda: _answers(it.gateway), "the gateway answers")
        it.key = it.run(Block("sh", "classin keys add the-test", "", "")).stdout.strip()
        yield it


def _answers(gateway: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{gateway}/healthz").is_success
    return False


@pytest.mark.usefixtures("curl")
def test_what_is_typed_on_the_pages_works(installation: Installation) -> None:
    """Each block ends well, one after the other; a file that is shown is the one that is used."""
    for page in PAGES:
        installation.begin()
        for block in typed_blocks(page):
            if block.language in {"jsonl", "toml"}:
                installation.keep(block)
            else:
                done = installation.run(block)
                said = (page.name, block.text, done.stdout[-2000:], done.stderr[-2000:])
                assert done.returncode == 0, said
