"""Hands operations in: `python -m tests.bench.producing MODULE MANNER FIRST NUMBER`.

The module has `send_all` or `send_one`. Runs in either environment, and prints what it found as
JSON; all times are those of time.monotonic.
"""

import json
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from random import Random
from types import ModuleType
from typing import Any

#: Seconds between two operations that find all idle, at least and at most: in step with nothing.
_PAUSE = (0.01, 0.04)


def produce(module: ModuleType, manner: str, numbers: range) -> Mapping[str, Any]:
    """Hand in operations of these numbers: "together", "singly", or "now and then"."""
    if manner == "now and then":
        return {"sent": _now_and_then(module, numbers)}
    began = time.monotonic()
    if manner == "together":
        module.send_all(numbers)
    else:
        for number in numbers:
            module.send_one(number)
    return {"began": began, "ended": time.monotonic()}


def _now_and_then(module: ModuleType, numbers: range) -> dict[int, float]:
    random = Random(0)  # noqa: S311  # pauses, no secret
    sent = {}
    for number in numbers:
        time.sleep(random.uniform(*_PAUSE))
        sent[number] = time.monotonic()
        module.send_one(number)
    return sent


def _main() -> None:
    name, manner, first, number = sys.argv[1:]
    numbers = range(int(first), int(first) + int(number))
    print(json.dumps(produce(import_module(name), manner, numbers)))  # noqa: T201  # who asked reads


if __name__ == "__main__":
    _main()
