"""A floor imports only what lies below it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def layers(root: Path) -> list[str]:
    """The floors as pyproject.toml lists them, the topmost first."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    floors: list[str] = contract["layers"]
    return floors


def test_the_contracts_hold(root: Path) -> None:
    """Every import contract of pyproject.toml is kept."""
    program = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run(
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_part_of_the_worker_is_on_a_floor(root: Path, layers: list[str]) -> None:
    """No module of the worker escapes the contract."""
    placed = {module.strip() for floor in layers for module in floor.split("|")}
    there = {
        f"worker.{path.stem}"
        for path in (root / "worker").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"worker.__init__"} <= placed
