"""Files for nobody else's eyes."""

import stat
from contextlib import suppress
from pathlib import Path

import pytest

from worker.errors import InvalidInputError
from worker.private_files import private_file


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """Whatever the process would allow otherwise."""
    with private_file(tmp_path / "out.csv") as file:
        file.write("é,1\r\n")
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600
    assert (tmp_path / "out.csv").read_bytes() == "é,1\r\n".encode()


def test_what_is_there_stays(tmp_path: Path) -> None:
    """Also a link that leads elsewhere."""
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    for name in ("old.csv", "link.csv"):
        with (
            pytest.raises(InvalidInputError, match="is there already"),
            private_file(tmp_path / name),
        ):
            pass
    assert (tmp_path / "old.csv").read_text() == "old"
    assert not (tmp_path / "elsewhere.csv").exists()


def test_where_there_is_no_place(tmp_path: Path) -> None:
    """It is said why."""
    with (
        pytest.raises(InvalidInputError, match="cannot be written: No such file"),
        private_file(tmp_path / "missing" / "out.csv"),
    ):
        pass


def test_an_empty_one_is_removed(tmp_path: Path) -> None:
    """Also when all ends with an error; what was written stays then."""
    with private_file(tmp_path / "a.csv"):
        pass
    with pytest.raises(RuntimeError), private_file(tmp_path / "b.csv"):
        raise RuntimeError
    with suppress(RuntimeError), private_file(tmp_path / "c.csv") as file:
        file.write("something")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]


def test_one_that_is_taken_away_meanwhile_is_no_error(tmp_path: Path) -> None:
    """Somebody may have moved it."""
    with private_file(tmp_path / "a.csv") as file:
        file.write("something")
        (tmp_path / "a.csv").unlink()
