"""What ClassIn answers: a function per operation, in a module per chapter of the API."""

from importlib import import_module

from ops.simulator.answers.registry import ANSWERS, Answer, answer, answers
from worker.classin.operations import CHAPTERS

__all__ = ["ANSWERS", "Answer", "answer", "answers"]

for chapter in CHAPTERS:
    import_module(f"{__name__}.{chapter}")
