"""Handlers: a function per operation, in a module per chapter of the API."""

from importlib import import_module
from importlib.util import find_spec

from ops.simulator.handlers.registry import ANSWERS, Answer, answer, answers
from worker.classin.operations import CHAPTERS

__all__ = ["ANSWERS", "Answer", "answer", "answers"]

for chapter in CHAPTERS:
    if find_spec(f"{__name__}.{chapter}"):  # a new chapter may have none yet
        import_module(f"{__name__}.{chapter}")
