"""Read single environment variables; the environment is an argument."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from worker.config.rate_limits import Paces, read_paces
from worker.config.urls import is_loopback, split_address
from worker.errors import FieldError, InvalidInputError

#: Maximum path length of a home in bytes: a socket's path has a system limit.
_LONGEST_HOME = 85

#: Maximum of any duration, in seconds.
_LONGEST_TIME = 10 * 365 * 86400.0

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Variables:
    """Read single variables, and collect what is wrong with them."""

    def __init__(self, environment: Mapping[str, str], faults: list[FieldError]) -> None:
        self._environment = environment
        self.faults = faults

    def text(self, name: str) -> str | None:
        """Return a variable's text, stripped; None if it is unset or empty."""
        return self._environment.get(name, "").strip() or None

    def fit(self, name: str, fault_of: Callable[[str], str | None]) -> str | None:
        """Read a text with a check of its own, which returns what is wrong."""
        text = self.text(name)
        if text is not None and (what := fault_of(text)) is not None:
            self.wrong(name, what)
        return text

    def words(
        self, name: str, fault_of: Callable[[str], str | None], *, lower: bool = True
    ) -> tuple[str, ...]:
        """Read words with a check of their own; none if one is wrong."""
        text = self.text(name) or ""
        if (what := fault_of(text)) is not None:
            self.wrong(name, what)
            return ()
        return tuple((text.lower() if lower else text).split())

    def folders(self, name: str, fault_of: Callable[[str], str | None]) -> tuple[Path, ...]:
        """Read absolute paths, separated by colons."""
        text = self.fit(name, fault_of) or ""
        return tuple(Path(each) for each in text.split(":") if each)

    def home(self, name: str) -> Path:
        """Read the path of a home folder."""
        home = Path(self.text(name) or _usual_home()).absolute()
        if len(os.fsencode(home)) > _LONGEST_HOME:
            self.wrong(name, f"should be a path of at most {_LONGEST_HOME} bytes; {home} is longer")
        return home

    def keys(self, name: str, home: Path) -> Path:
        """Read the path of the key file, which must not be where Redis writes."""
        path = Path(self.text(name) or _usual_config() / "keys.json").absolute()
        if path.resolve().is_relative_to(home.resolve()):
            self.wrong(name, f"should lie outside of CLASSIN_HOME, where Redis writes; got {path}")
        return path

    def count(self, name: str, default: int, *, most: int = 999_999_999) -> int:
        """Read a whole number from 1."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch("0*[1-9][0-9]{0,8}", text) or int(text) > most:
            self.wrong(name, f"should be a whole number from 1 to {most}; got {text[:40]!r}")
            return default
        return int(text)

    def flag(self, name: str) -> bool:
        """Read 0 or 1."""
        text = self.text(name)
        if text not in {None, "0", "1"}:
            self.wrong(name, f"should be 0 or 1; got {str(text)[:40]!r}")
        return text == "1"

    def seconds(self, name: str, default: float, *, least: float = 0.0) -> float:
        """Read a duration, in seconds."""
        found = self.several_seconds(name, (default,), least=least)
        if len(found) != 1:
            self.wrong(name, f"should be one time; got {self.text(name)!r}"[:200])
            return default
        return found[0]

    def several_seconds(
        self, name: str, default: tuple[float, ...], *, least: float = 0.0
    ) -> tuple[float, ...]:
        """Read durations, in seconds, separated by spaces or commas."""
        text = self.text(name)
        if text is None:
            return default
        try:
            found = tuple(read_seconds(word) for word in text.replace(",", " ").split())
        except ValueError:
            found = ()
        if not found or max(found) > _LONGEST_TIME:
            self.wrong(name, f"should be a time like 30s, 5m, 1h or 1d; got {text[:40]!r}")
            return default
        if min(found) < least:
            self.wrong(name, f"should be at least {least:g} s; got {text[:40]!r}")
            return default
        return found

    def paces(self, name: str) -> Paces:
        """Read rate limits such as create_classroom=1000/m."""
        try:
            return read_paces(self.text(name) or "", name)
        except InvalidInputError as error:
            self.faults += error.faults
            return {}

    def redis(self, name: str) -> str | None:
        """Read the URL of a Redis."""
        text = self.text(name)
        if text is None:
            return None
        parts = split_address(text)
        if parts is None or parts.scheme not in {"redis", "rediss", "unix"}:
            self.wrong(name, "should start with redis://, rediss:// or unix://")
        return text

    def addresses(self, name: str) -> tuple[str, ...]:
        """Read addresses separated by commas or spaces; no fault quotes one."""
        found = (self.text(name) or "").replace(",", " ").split()
        if not all(re.match("[a-z][a-z0-9]*://.", each) for each in found):
            self.wrong(name, "should be addresses like mailto://..., with commas between them")
        return tuple(found)

    def base_url(self, name: str, default: str) -> str:
        """Read the address of a service: https, or http on loopback."""
        text = (self.text(name) or default).rstrip("/")
        parts = split_address(text)
        if (
            parts is None
            or parts.scheme not in {"https", "http"}
            or not parts.hostname
            or "@" in parts.netloc
            or "?" in text
            or "#" in text
        ):
            self.wrong(name, f"should be an address like {default}")
        elif parts.scheme == "http" and not is_loopback(parts.hostname):
            self.wrong(
                name, "should start with https://; plain http goes to loopback addresses only"
            )
        return text

    def wrong(self, where: str, what: str) -> None:
        """Record a fault."""
        self.faults.append(FieldError(where, what))


def read_seconds(text: str) -> float:
    """Parse a duration: 90, 90s, 5m, 1h, 1d. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not found:
        raise ValueError(text)
    return float(found[1]) * _UNITS[found[2] or "s"]


def seconds_text(seconds: float) -> str:
    """Write a duration as `read_seconds` reads it: 6h, 90s."""
    for unit, length in reversed(_UNITS.items()):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _usual_config() -> Path:
    """Return the user's configuration folder: XDG_CONFIG_HOME/classin, or ~/.config/classin."""
    from platformdirs.unix import Unix  # noqa: PLC0415  # only where no file is named

    return Unix("classin").user_config_path


def _usual_home() -> str:
    """Return the system's data folder of the user."""
    import platformdirs  # noqa: PLC0415  # only where no home is named

    return platformdirs.user_data_dir("classin-queue", appauthor=False)


def fault_of_modules(text: str) -> str | None:
    """Return what is wrong with names of modules, with blanks between them; None: nothing."""
    for each in text.split():
        if not all(part.isidentifier() for part in each.split(".")):
            return f"should name modules, with blanks between them; got {each[:40]!r}"
    return None
