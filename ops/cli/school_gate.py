"""Close and open a school by hand: what `pause` and `resume` share."""

from typing import Annotated

import typer

from ops.cli.admin import open_admin_service
from ops.cli.output import out, print_json

#: The school that is paused or resumed.
SchoolName = Annotated[str, typer.Argument(help="As the settings name it.")]


def set_school_gate(school: str, why: str, *, closed: bool, dry_run: bool, as_json: bool) -> None:
    """Close or open a school and print what changed; a dry run prints only how it stands."""
    service = open_admin_service()
    if dry_run:
        is_closed = service.is_closed(school)
        if as_json:
            print_json({"school": school, "paused": is_closed, "dry_run": True})
        else:
            state = "closed" if is_closed else "open"
            out().print(f"school {school} is {state}; nothing was changed")
        return
    changed = service.pause(school, why) if closed else service.resume(school, why)
    if as_json:
        print_json({"school": school, "paused": closed, "changed": changed})
    elif closed:
        said = "is paused" if changed else "was paused already"
        out().print(f"school {school} {said}; open it with: classin resume {school}")
    else:
        out().print(f"school {school} {'is open again' if changed else 'was open'}")
