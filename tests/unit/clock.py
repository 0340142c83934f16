"""Time that passes only when it is told to."""

from dataclasses import dataclass, field


@dataclass
class Clock:
    """A clock to be handed in: as seconds, as milliseconds, and to sleep by."""

    ms: int = 1_800_000_000_000
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.ms / 1000

    def millis(self) -> int:
        """Milliseconds since 1970."""
        return self.ms

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and remember how long the wait would have been."""
        self.waits.append(seconds)
        self.forward(seconds)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.ms += round(seconds * 1000)
