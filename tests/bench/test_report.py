"""What the bench writes: a table into the document, and a chart."""

from io import StringIO
from xml.etree import ElementTree as ET

from ops.cli.console import PlainConsole
from tests.bench.chart import chart
from tests.bench.machine import Machine
from tests.bench.report import markdown, rich_table, written_into
from tests.bench.rows import Row, results
from tests.bench.samples import Samples

MACHINE = Machine(
    cores=2, processor="Quick 1", memory_gb=8.2, system="Linux 6", load=0.1, python="3.11.7",
    redis="7.0", ours={}, peers={}, commit="abc", date="2026-09-01",
)  # fmt: skip


def test_the_table_stands_in_the_document() -> None:
    """It takes the place of the last one, and of nothing else."""
    row = Row(number="1", what="rate", unit="/s", ours="ours", peers={"Celery": "celery"}, goal=4.0)
    samples = Samples()
    samples.take([("ours", 1500), ("celery", 300)], 1)
    samples.take([("ours", 1200), ("celery", 300)], 2)
    table = markdown(list(results(samples, [row])), MACHINE.account(), charted=True)

    once = written_into(DOCUMENT, table)
    twice = written_into(once, table)

    assert once == twice
    assert once.startswith("# Sizing\n\n<!-- written by make bench -->\n![")
    assert "\n2 cores of Quick 1, 8 GB, Linux 6" in once
    assert "| 1 | rate | /s | 1,350 | 300 | Celery | 4.5 (4, 5) | at least 4 | yes |\n" in once
    assert once.endswith("<!-- end -->\nmore\n")


def test_what_is_printed_is_coloured_and_shows_no_markup() -> None:
    """Whether a goal was met stood there as `[green]yes[/]`."""
    row = Row(number="1", what="rate", unit="/s", ours="ours", goal=4.0)
    samples = Samples()
    samples.take([("ours", 5)], 1)
    told = StringIO()
    PlainConsole(file=told, width=120).print(rich_table(list(results(samples, [row]))))
    assert "yes" in told.getvalue()
    assert "[" not in told.getvalue()


DOCUMENT = """\
# Sizing

<!-- written by make bench -->
old
<!-- end -->
more
"""


def test_the_chart_has_a_bar_for_each_that_was_measured() -> None:
    """Longest first, as multiples of Celery; without Celery there is nothing to draw."""
    samples = Samples()
    samples.take([("ours together", 1000)], 1)
    assert chart(samples) == ""
    samples.take([("celery together", 250), ("rq together", 100)], 1)
    drawn = ET.fromstring(chart(samples))  # noqa: S314  # it is our own
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[2:] == [
        "classin-queue, all recorded", "4.0", "Celery", "1.0", "rq, 16 processes", "0.4"
    ]  # fmt: skip
