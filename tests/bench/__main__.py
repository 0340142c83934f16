"""`python -m tests.bench`: the promises, measured side by side in one run."""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from ops.cli.markup import lines
from ops.cli.output import err, out
from tests.bench.candidates import CELERY_THREADS, RQ_PROCESSES, THREADS, candidates
from tests.bench.chart import chart
from tests.bench.machine import machine
from tests.bench.place import ROOT
from tests.bench.promises import NUMBERS, ONLY_TO_KNOW, ROWS
from tests.bench.report import markdown, rich_table, to_dict, written_into
from tests.bench.rows import results
from tests.bench.sizes import FULL, QUICK, Sizes
from tests.bench.target import target
from tests.bench.tour import Bench, tour

_DOCUMENT, _CHART = ROOT / "docs" / "sizing.md", ROOT / "docs" / "bench.svg"


_SIDE_BY_SIDE = (
    f"Side by side in each of two processes: {THREADS}, Celery {CELERY_THREADS};"
    f" rq in {RQ_PROCESSES} processes."
)


def main() -> int:
    """Measure, and say what came of it; gives 1 if something could not be measured."""
    wanted = _arguments()
    here = machine(wanted.peers)
    began = time.monotonic()

    def said(words: str) -> None:
        err().print(f"{time.monotonic() - began:5.0f} s: {words}", soft_wrap=True, markup=False)

    rows = [row for row in ROWS if row.number in _numbers(wanted)]
    with target() as server:
        bench = Bench(server, candidates(wanted.peers), _sizes(wanted))
        samples = tour(bench, {row.number for row in rows}, said)
    found = list(results(samples, rows))
    out().print(rich_table(found))
    account = f"{here.account()}\n{_SIDE_BY_SIDE}"
    out().print(lines(f"\n{account}"), soft_wrap=True)
    if wanted.json:
        told = json.dumps(to_dict(found, samples, here), indent=2, ensure_ascii=False)
        wanted.json.write_text(f"{told}\n", encoding="utf-8")
    if wanted.document:
        if drawn := chart(samples):
            _CHART.write_text(drawn, encoding="utf-8")
        text = markdown(found, account, charted=bool(drawn))
        document = written_into(_DOCUMENT.read_text(encoding="utf-8"), text)
        _DOCUMENT.write_text(document, encoding="utf-8")
    return int(len(found) < len(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute; rough")
    parser.add_argument("--only", help="these rows, like 1,3,9")
    parser.add_argument("--rounds", type=int, help="how often all is measured, in turn")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times as much of all")
    parser.add_argument("--json", type=Path, help="a file for all numbers")
    parser.add_argument("--document", action="store_true", help="write docs/ anew")
    parser.add_argument(
        "--peers", type=Path, default=ROOT / ".venv-bench", help="their environment"
    )
    wanted = parser.parse_args()
    if not Path("/proc/self/stat").exists():
        parser.error("it looks at processes in /proc, which only Linux has")
    if not (wanted.peers / "bin" / "python").exists():
        parser.error(f"there is no {wanted.peers}: `make bench` makes it")
    return wanted


def _numbers(wanted: argparse.Namespace) -> set[str]:
    if wanted.only:
        return set(wanted.only.split(","))
    return set(NUMBERS) - ({ONLY_TO_KNOW} if wanted.quick else set())


def _sizes(wanted: argparse.Namespace) -> Sizes:
    sizes = (QUICK if wanted.quick else FULL).scaled(wanted.scale)
    return replace(sizes, rounds=wanted.rounds) if wanted.rounds else sizes


if __name__ == "__main__":
    sys.exit(main())
