"""The mark of the private Redis's last data set, kept in its home folder."""

from pathlib import Path

from worker.private_files import write_own


class HomeMark:
    """The mark of a data set, in a file beside the data. Without a home it knows nothing."""

    def __init__(self, home: Path | None) -> None:
        self._file = None if home is None else home / "data-set"

    def differs(self, mark: str | None) -> bool:
        """Return whether another data set was here before."""
        try:
            before = "" if self._file is None else self._file.read_text(encoding="utf-8").strip()
        except OSError:
            return False
        return before not in {"", mark}

    def keep(self, mark: str) -> None:
        """Store the mark of the current data set."""
        if self._file is not None:
            write_own(self._file, f"{mark}\n")
