"""`classin resume`: let a school's operations go on."""

from ops.cli.options import AsJson, DryRun, Why
from ops.cli.school_gate import SchoolName, set_school_gate


def resume(
    school: SchoolName, *, why: Why = "", dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Let a school's operations go on, whatever closed it."""
    set_school_gate(school, why, closed=False, dry_run=dry_run, as_json=as_json)
