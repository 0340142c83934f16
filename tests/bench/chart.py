"""The chart: how fast a batch is settled, as a multiple of bare Celery."""

from collections.abc import Mapping, Sequence
from statistics import median
from xml.sax.saxutils import escape

from tests.bench.samples import Samples, ratios

#: Who stands there, by the names of samples.
BARS = {
    "classin-queue, all recorded": "ours together",
    "no queue: plain requests": "no_queue together",
    "taskiq": "taskiq together",
    "dramatiq": "dramatiq together",
    "huey": "huey together",
    "arq": "arq together",
    "Celery": "celery together",
    "rq, 16 processes": "rq together",
}

_BASE = "celery together"

_WIDTH, _LEFT, _RIGHT, _TOP, _STEP, _BAR = 760, 210, 90, 64, 34, 20

_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title desc" \
font-family="Helvetica, Arial, sans-serif" font-size="14" fill="#1f2937">
  <title id="title">Operations settled a second, bare Celery = 1</title>
  <desc id="desc">{told}</desc>
  <rect x="1" y="1" width="{inner}" height="{lower}" rx="12" fill="#ffffff" stroke="#d1d5db"/>
  <text x="20" y="28" font-weight="bold">Operations settled a second, bare Celery = 1</text>
  <text x="20" y="48" font-size="12" fill="#4b5563">One POST each, answered after 100 ms; \
medians of the rounds, lines from the least to the most</text>
{bars}
</svg>
"""


def chart(samples: Samples) -> str:
    """Draw what was measured; empty without the base."""
    bars = _ratios(samples)
    if not bars:
        return ""
    scale = (_WIDTH - _LEFT - _RIGHT) / max(max(each) for each in bars.values())
    order = sorted(bars, key=lambda name: -median(bars[name]))
    height = _TOP + len(order) * _STEP + 12
    return _FRAME.format(
        width=_WIDTH,
        height=height,
        inner=_WIDTH - 2,
        lower=height - 2,
        told=escape("; ".join(f"{name} {median(bars[name]):.1f}" for name in order)),
        bars="\n".join(_bar(n, name, bars[name], scale) for n, name in enumerate(order)),
    )


def _ratios(samples: Samples) -> Mapping[str, Sequence[float]]:
    """Give each candidate's rate as a multiple of Celery's of the same round."""
    base = samples.of(_BASE)
    found = {name: ratios(samples.of(sample), base) for name, sample in BARS.items()}
    return {name: several for name, several in found.items() if several}


def _bar(place: int, name: str, several: Sequence[float], scale: float) -> str:
    top = _TOP + place * _STEP
    middle, end = top + _BAR / 2, _LEFT + median(several) * scale
    least, most = (_LEFT + ratio * scale for ratio in (min(several), max(several)))
    colour = "#6366f1" if BARS[name] == "ours together" else "#9ca3af"
    return (
        f'  <text x="{_LEFT - 10}" y="{middle + 5:.0f}" text-anchor="end">{escape(name)}</text>\n'
        f'  <rect x="{_LEFT}" y="{top}" width="{end - _LEFT:.1f}" height="{_BAR}" rx="3" '
        f'fill="{colour}"/>\n'
        f'  <path d="M{least:.1f} {middle:.0f} H{most:.1f}" stroke="#374151"/>\n'
        f'  <text x="{max(end, most) + 8:.0f}" y="{middle + 5:.0f}">{median(several):.1f}</text>'
    )
