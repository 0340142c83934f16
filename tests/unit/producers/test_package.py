"""What can be imported from the package `producers`."""

import pytest

import producers
from worker.classin.catalogue import CATALOGUE


def test_every_operation_can_be_imported() -> None:
    """By the name of its class."""
    found = {kind.__name__: getattr(producers, kind.__name__) for kind in CATALOGUE.values()}
    assert list(found.values()) == list(CATALOGUE.values())
    assert found.keys() < set(dir(producers))


def test_what_is_no_operation_cannot_be_imported() -> None:
    """Python says so as of any other module."""
    with pytest.raises(ImportError, match="cannot import name 'EditCurse' from 'producers'"):
        exec("from producers import EditCurse")  # noqa: S102  # type checkers would refuse it


def test_all_that_is_exported_comes_with_a_star() -> None:
    """Every operation included."""
    names: dict[str, object] = {}
    exec("from producers import *", names)  # noqa: S102  # a function cannot do it
    assert names.keys() - {"__builtins__"} == set(dir(producers))
