"""`python -m tests.bench.soak`: a long trial by fire. Exit 0: memory stays flat, and all is well.

Workers die in the first minutes only, so that those that are there at the end have lived for long.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

from redis import Redis, RedisError

from ops.cli.output import err, out, table
from tests.bench.growth import FLAT, Sample, growth, is_flat
from tests.bench.processes import children, memory_mb
from tests.chaos.report import numbers, print_verdict
from tests.chaos.shape import FULL, Shape
from tests.chaos.trial import Account, trial
from worker.ledger.redis_client import connect

#: Operations handed in a second, and lanes: far less than what workers get done in bad weather.
RATE, LANES = 20, 200

#: Seconds between two samples.
EVERY = 10.0

#: Redis dies so often, or every so many minutes if that is more; workers die in the first part.
_PARTS, _PART = 6, 5


class Watch:
    """Takes a sample now and then; is told how far the trial is."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._next = time.monotonic()
        self._first: int | None = None
        self.samples: list[Sample] = []

    def __call__(self, account: Account) -> None:
        """Take a sample, if it is time; while Redis is away, there is none."""
        if (now := time.monotonic()) < self._next:
            return
        with suppress(RedisError):
            used = int(self._redis.info("memory")["used_memory"])
            self._first = used if self._first is None else self._first
            workers = children(os.getpid(), ["ops.cli", "worker"])
            self._next = now + EVERY
            if account.handed_in and workers:
                each = memory_mb(workers) / len(workers)
                sample = Sample(account.seconds, account.handed_in, each, used - self._first)
                self.samples.append(sample)
                err().print(_sentence(sample), soft_wrap=True)


def shape_of(minutes: float) -> Shape:
    """Draw a trial's shape out over so many minutes."""
    seconds = minutes * 60
    return replace(
        FULL,
        operations=round(seconds * RATE),
        lanes=LANES,
        submitting=seconds,
        trouble=seconds,
        between_deaths=(seconds, seconds),  # none but that of all, in the first part
        redis_deaths=max(_PARTS, round(minutes / _PART)),
        patience=seconds + FULL.patience,
    )


def main() -> int:
    """Run one trial, and judge its memory; gives the exit code."""
    wanted = _arguments()
    out().print(f"seed {wanted.seed}: {wanted.minutes:g} minutes of load and faults")
    home = Path(tempfile.mkdtemp(prefix="soak-"))
    watch = Watch(connect(f"unix://{home / 'redis.sock'}"))
    verdict, account = trial(shape_of(wanted.minutes), wanted.seed, home, watch)
    found = growth(watch.samples)
    print_verdict(out(), verdict, account)
    _print_growth(found)
    if wanted.report:
        said = numbers(wanted.seed, verdict, account) | {"samples": [*map(asdict, watch.samples)]}
        wanted.report.write_text(f"{json.dumps(said, indent=2)}\n", encoding="utf-8")
    if verdict.offences or not all(map(is_flat, found.values())):
        out().print(f"What Redis and the workers wrote is in {home}", soft_wrap=True)
        return 1
    shutil.rmtree(home)
    return 0


def _print_growth(found: Mapping[str, tuple[float, float]]) -> None:
    rows = table("memory", "#middle third", "#last third", "#ratio", f"at most {FLAT}")
    for what, (middle, last) in found.items():
        flat = "[green]yes[/]" if is_flat((middle, last)) else "[red]no[/]"
        rows.add_row(what, f"{middle:,.0f}", f"{last:,.0f}", f"{last / middle:.2f}", flat)
    out().print(rows)


def _sentence(sample: Sample) -> str:
    return (
        f"{sample.seconds:5.0f} s: {sample.records:,} records, {sample.worker_mb:.0f} MB a worker,"
        f" {sample.redis_bytes / 1e6:.1f} MB in Redis"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    seed = Random().randrange(10**6)  # noqa: S311  # a pattern to repeat, no secret
    parser.add_argument("--minutes", type=float, default=30.0, help="how long")
    parser.add_argument("--seed", type=int, default=seed, help="what all chance comes from")
    parser.add_argument("--report", type=Path, help="a file for the numbers, as JSON")
    wanted = parser.parse_args()
    if wanted.minutes < 1:
        parser.error("less than a minute tells nothing")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
