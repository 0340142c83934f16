"""`classin doctor`: whether everything is there that operations need."""

from dataclasses import asdict

import typer

from ops.cli.markup import marked
from ops.cli.options import AsJson
from ops.cli.output import out, print_json, table
from ops.health.finding import Finding, Health


def doctor(*, as_json: AsJson = False) -> None:
    """Look at Redis, the clocks and each school's credentials; changes nothing.

    Exit 1 if anything is ill.
    """
    from ops.doctor import examine  # noqa: PLC0415  # kombu, requests

    findings = list(examine())
    if as_json:
        for finding in findings:
            print_json(asdict(finding))
    else:
        _print(findings)
    if any(finding.health is Health.ILL for finding in findings):
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:

    colours = {Health.WELL: "green", Health.WARNING: "yellow", Health.ILL: "red"}
    rows = table("", "subject", "*finding", "*what to do")
    for finding in findings:
        mark = marked(f"[{colours[finding.health]}]{{}}[/]", finding.health.value)
        rows.add_row(mark, finding.subject, finding.said, finding.todo)
    out().print(rows)
