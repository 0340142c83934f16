"""A proposal: the plan of a sync, and the objections to it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from producers.oneroster.id_map import IdMap
from producers.oneroster.planning.diff import Plan, difference
from producers.oneroster.planning.removal_guard import excess
from producers.oneroster.planning.target import Options, intended
from producers.oneroster.reading.archive import open_bundle
from producers.oneroster.reading.reader import read_export
from producers.oneroster.reading.row_errors import Report
from producers.oneroster.roster import Kind, Roster
from worker.errors import FieldError, InvalidInputError


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a sync would do."""

    plan: Plan
    #: The roster as last applied, and as wanted.
    before: Roster
    wanted: Roster
    directory: IdMap


def propose(
    path: Path, report: Report, options: Options, before: Roster, directory: IdMap
) -> Proposal:
    """Read a bundle and plan the changes. Raises InvalidInputError if it cannot be read."""
    with open_bundle(path, report) as bundle:
        export = read_export(bundle, report, before)
    wanted, warnings = intended(export, before, options)
    plan = difference(before, wanted)
    told = (*warnings, *_moved_accounts(plan, directory))
    return Proposal(replace(plan, warnings=told), before, wanted, directory)


def _moved_accounts(plan: Plan, directory: IdMap) -> list[str]:
    """Return those whose account differs now: ClassIn cannot change it."""
    return [
        f"person {change.id}: has another phone number or e-mail address now; in ClassIn the "
        "account stays the one it was registered with"
        for change in plan.people
        if change.before is not None
        and change.after is not None
        and change.before.account != change.after.account
        and change.id in directory.people
    ]


def guard(proposal: Proposal, limits: Mapping[Kind, float], allowed: Collection[Kind]) -> None:
    """Apply the removal guard. Raises InvalidInputError, which names what would be removed."""
    told = excess(proposal.plan, proposal.before, limits, allowed)
    if told:
        faults = [
            FieldError(str(each.kind), f"{each}; if that is right: --allow-removals {each.kind}")
            for each in told
        ]
        raise InvalidInputError("nothing was submitted", faults)
