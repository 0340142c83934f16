"""The rows: what is compared with what, and how it should come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.samples import Samples, ratios


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison. Where several peers are named, the best of them counts."""

    #: Which promise it belongs to, and what it says.
    number: str
    what: str
    unit: str
    #: Names of samples, those of peers by what they are called; without any, the value itself
    #: should reach the goal.
    ours: str
    peers: Mapping[str, str] = field(default_factory=dict)
    #: Whether more is better; then the goal is a least, else a most. None: only to know.
    more: bool = True
    goal: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a row."""

    row: Row
    ours: float
    peer: str | None
    theirs: float | None
    #: Ours to theirs, round by round; without a peer, ours.
    ratios: Sequence[float]

    @property
    def ratio(self) -> float:
        """The one that counts."""
        return median(self.ratios)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None if there is none."""
        if self.row.goal is None:
            return None
        return self.ratio >= self.row.goal if self.row.more else self.ratio <= self.row.goal


def results(samples: Samples, rows: Sequence[Row]) -> Iterator[Result]:
    """Compare what was measured; a row of which something is missing is left out."""
    for row in rows:
        ours = samples.of(row.ours)
        peers = {name: samples.of(sample) for name, sample in row.peers.items()}
        compared = {name: ratios(ours, theirs) for name, theirs in peers.items()}
        if not ours or not all(compared.values()):
            continue
        middle = median(ours.values())
        if not peers:
            alone = list(ours.values())
            yield Result(row=row, ours=middle, peer=None, theirs=None, ratios=alone)
            continue
        best = max if row.more else min
        peer = best(peers, key=lambda name: median(peers[name].values()))
        theirs = median(peers[peer].values())
        yield Result(row=row, ours=middle, peer=peer, theirs=theirs, ratios=compared[peer])
