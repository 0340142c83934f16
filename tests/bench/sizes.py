"""How much is measured."""

from dataclasses import asdict, dataclass

_LEAST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of operations, where nothing else is said."""

    rounds: int = 5
    #: Runs of each command in a round.
    runs: int = 3
    #: Handed in beforehand, so that connections are there and caches filled.
    warm: int = 400
    #: Submitted together, with workers running.
    together: int = 5000
    #: Submitted one by one, with workers running.
    singly: int = 3000
    #: Sent into an idle system, now and then.
    idle: int = 200
    #: Submitted, and no more: together, and one by one.
    entered: int = 20_000
    entered_singly: int = 2000
    #: Records kept: few, and many.
    few: int = 1000
    many: int = 1_000_000
    #: How often each access to them is timed.
    accesses: int = 200
    #: Requests sent in each way, by one thread.
    requests: int = 2000
    #: Waiting while the workers' memory is looked at.
    waiting: int = 100_000

    def scaled(self, scale: float) -> "Sizes":
        """Give as many rounds of more, or of less: at least what fills a page."""
        numbers = {
            name: max(_LEAST, round(number * scale)) for name, number in asdict(self).items()
        }
        return Sizes(**{**numbers, "rounds": self.rounds, "runs": self.runs})


FULL = Sizes()

QUICK = Sizes(
    rounds=1,
    runs=1,
    warm=200,
    together=1500,
    singly=600,
    idle=100,
    entered=5000,
    entered_singly=500,
    few=500,
    many=5000,
    accesses=100,
    requests=400,
    waiting=20_000,
)
