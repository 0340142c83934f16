"""`python -m tests.chaos`: a trial by fire. Exit 0: nothing was lost, doubled or overtaken."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

from ops.cli.output import err, out
from ops.processes.supervisor import Stop, stop_on_signals
from tests.chaos.report import numbers, print_verdict, progress
from tests.chaos.shape import FULL, SHORT
from tests.chaos.system import BROKER
from tests.chaos.trial import trial


def main() -> int:
    """Run one trial; gives the exit code. What it wrote is kept where something went wrong."""
    wanted = _arguments()
    shape = SHORT if wanted.short else FULL
    out().print(f"seed {wanted.seed}: {shape.operations:,} operations, {shape.workers} workers")
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    stop_on_signals()
    try:
        with progress(err()) as show:
            verdict, account = trial(shape, wanted.seed, home, show)
    except Stop:
        shutil.rmtree(home)
        return 130
    print_verdict(out(), verdict, account)
    if wanted.report:
        said = json.dumps(numbers(wanted.seed, verdict, account), indent=2)
        wanted.report.write_text(f"{said}\n", encoding="utf-8")
    if verdict.offences:
        out().print(f"What Redis and the workers wrote is in {home}", soft_wrap=True)
        return 1
    shutil.rmtree(home)
    return 0


def _arguments() -> argparse.Namespace:
    broker = f"{BROKER}=amqp://... puts the queue on a broker that runs already, and empties it."
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, epilog=broker
    )
    seed = Random().randrange(10**6)  # noqa: S311  # a pattern to repeat, no secret
    parser.add_argument("--seed", type=int, default=seed, help="what all chance comes from")
    parser.add_argument("--short", action="store_true", help="about half a minute")
    parser.add_argument("--report", type=Path, help="a file for the numbers, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
