"""Write durations for people: the only place that does."""

#: Below so many ms a time is written in ms, and below so many more with a tenth of a second.
_SECOND, _TEN = 1000, 10_000

#: From how many ms on a unit is used, with how many ms it has.
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000))


def duration_text(ms: float) -> str:
    """Write a time with the digits that count: 7 ms, 1.2 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    if ms < _SECOND:
        return f"{ms:.0f} ms"
    if ms < _TEN:
        return f"{ms / _SECOND:.1f} s"
    parts: list[str] = []
    left = round(ms / _SECOND) * _SECOND
    for name, size in _UNITS:
        if left >= size or parts:
            parts.append(f"{left // size} {name}")
            left %= size
        if len(parts) == 2:  # noqa: PLR2004  # more than two units nobody reads
            break
    return " ".join(part for part in parts if not part.startswith("0 "))
