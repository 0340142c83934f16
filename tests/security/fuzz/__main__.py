"""`python -m tests.security.fuzz`: all doors, one after the other, for so many minutes.

Ends with a table by door, and with exit code 1 if anything was found.
"""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.security.fuzz.exploring import Explored, door_names, explore


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="of a finding, to repeat it")
    parser.add_argument("--door", choices=door_names(), default=None, help="this one only")
    return parser.parse_args()


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _kept(explored: Explored, folder: Path) -> str:
    """Keep what was found in a file, and say how to repeat it."""
    path = folder / f"{explored.door}-{explored.seed}.txt"
    path.write_text(f"{explored.found}\n\nThe input:\n{explored.given}\n", encoding="utf-8")
    last = explored.found.strip().splitlines()[-1:]
    again = f"SEED={explored.seed} DOOR={explored.door} make fuzz"
    return f"{explored.door}: {' '.join(last)[:300]}\n    see {path}\n    again: {again}"


def _print_table(all_of_it: Sequence[Explored]) -> None:
    _tell(f"\n{'door':18}{'inputs':>8}{'seconds':>9}{'slowest':>9}{'memory':>9}  found")
    for each in all_of_it:
        found = "something" if each.found else "nothing"
        _tell(
            f"{each.door:18}{each.examples:8}{each.seconds:9.0f}{each.slowest:8.1f}s"
            f"{each.memory:7.0f}MB  {found}"
        )


def main() -> int:
    """Explore; gives the exit code."""
    asked = _arguments()
    names = [asked.door] if asked.door else door_names()
    number = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    seconds = asked.minutes * 60 / len(names)
    folder = Path(tempfile.mkdtemp(prefix="cq-fuzz-found-"))
    _tell(f"{len(names)} doors, {seconds:.0f} s each, from seed {number}")
    done: list[Explored] = []
    for place, name in enumerate(names, 1):
        _tell(f"{place} of {len(names)}: {name} ...")
        done.append(explore(name, number, seconds, 0))
        _tell(f"    {done[-1].examples} inputs in {done[-1].seconds:.0f} s")
        if done[-1].found:
            _tell(_kept(done[-1], folder))
    _print_table(done)
    found = any(each.found for each in done)
    if not found:
        folder.rmdir()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
