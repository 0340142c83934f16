"""What a trial shows while it goes on, and what it says at its end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops.cli.output import table
from tests.chaos.trial import Account
from tests.chaos.verdict import Verdict

#: Seconds between two lines where no bar can be shown.
_EVERY = 10.0

#: Offences that are printed; of more only the number.
_MOST = 100


@contextmanager
def progress(console: Console) -> Iterator[Callable[[Account], None]]:
    """Give what shows how far a trial is: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=console) as bars:
        bar = bars.add_task("")

        def show(account: Account) -> None:
            words = _words(account)
            bars.update(bar, completed=account.settled, total=account.of, description=words)

        yield show


class _Lines:
    """Prints a line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = time.monotonic()

    def __call__(self, account: Account) -> None:
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + _EVERY
        settled = f"{account.settled:,} of {account.of:,} settled"
        words = f"{account.seconds:4.0f} s: {settled}, {_words(account)}"
        self._console.print(words, soft_wrap=True)


def _words(account: Account) -> str:
    return (
        f"{account.handed_in:,} handed in,"
        f" deaths of workers {account.workers_killed}, of Redis {account.redis_restarts}"
    )


def numbers(seed: int, verdict: Verdict, account: Account) -> dict[str, Any]:
    """Give all numbers of a trial, ready for JSON."""
    applied = verdict.applied
    return {
        "seed": seed,
        "submitted": verdict.submitted,
        "settled": dict(sorted(verdict.states.items())),
        "applied": {
            "once": applied.get(1, 0),
            "twice": sum(number for times, number in applied.items() if times > 1),
            "never": applied.get(0, 0),
            "repeated_to_no_effect": verdict.repeats,
        },
        "lanes": {
            "in_order": verdict.lanes - verdict.lanes_out_of_order,
            "out_of_order": verdict.lanes_out_of_order,
        },
        "longest_stall_s": round(verdict.longest_stall, 1),
        "workers_killed": account.workers_killed,
        "workers_gave_up": account.workers_gave_up,
        "redis_restarts": account.redis_restarts,
        "rescuers": len(account.rescuers),
        "messages_lost": account.messages_lost,
        "messages_sent_again": account.messages_sent_again,
        "submissions_repeated": account.said_again,
        "attempts": verdict.attempts,
        "requests": verdict.requests,
        "duration_s": round(account.seconds, 1),
        "offences": [str(offence) for offence in verdict.offences],
    }


def print_verdict(console: Console, verdict: Verdict, account: Account) -> None:
    """Print a table of the numbers and, below it, every offence in a line."""
    applied, doubled = verdict.applied, sum(n for t, n in verdict.applied.items() if t > 1)
    settled = ", ".join(f"{number:,} {state}" for state, number in sorted(verdict.states.items()))
    rows = table("", "*")
    rows.show_header = False
    for name, said in (
        ("submitted", f"{verdict.submitted:,}, {account.said_again} times said again"),
        ("settled", settled),
        ("applied once", f"{applied.get(1, 0):,}, and {verdict.repeats} repeats to no effect"),
        ("applied twice", f"{doubled:,}"),
        ("never applied", f"{applied.get(0, 0):,}"),
        ("lanes in order", f"{verdict.lanes - verdict.lanes_out_of_order}"),
        ("lanes out of order", f"{verdict.lanes_out_of_order}"),
        ("longest stall", f"{verdict.longest_stall:.1f} s"),
        ("workers killed", f"{account.workers_killed}, and {account.workers_gave_up} gave up"),
        ("rescuers", f"{len(account.rescuers)}, one after the other"),
        ("Redis restarts", f"{account.redis_restarts}"),
        ("messages", f"{account.messages_lost} lost, {account.messages_sent_again} sent again"),
        ("attempts", f"{verdict.attempts:,} noted, {verdict.requests:,} requests"),
        ("duration", f"{account.seconds:.0f} s"),
    ):
        rows.add_row(name, said)
    console.print(rows)
    console.print()
    for offence in verdict.offences[:_MOST]:
        console.print(str(offence), markup=False, soft_wrap=True)
    if len(verdict.offences) > _MOST:
        console.print(f"... and {len(verdict.offences) - _MOST:,} more")
    console.print("passed" if not verdict.offences else f"{len(verdict.offences):,} offences")
