"""`classin pause`: let a school's operations wait."""

from ops.cli.options import AsJson, DryRun, Why
from ops.cli.school_gate import SchoolName, set_school_gate


def pause(
    school: SchoolName, *, why: Why = "", dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Let a school's operations wait until `resume`; what is running ends first."""
    set_school_gate(school, why, closed=True, dry_run=dry_run, as_json=as_json)
