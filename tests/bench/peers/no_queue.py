"""No queue at all: plain requests on the threads of two processes, as a script would do it.

They start when this is imported, and have their connections before they are told what to send.
"""

import multiprocessing
import threading
from multiprocessing.connection import Connection

from tests.bench.peers import errand

_PROCESSES = 2


def _work(parent: Connection) -> None:
    numbers: list[int] = []
    together = threading.Barrier(errand.THREADS + 1)

    def send(place: int) -> None:
        errand.session().get(errand.HEALTH)
        together.wait()  # for the connections of all
        together.wait()  # for the numbers
        for number in numbers[place :: errand.THREADS]:
            errand.post(number)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(errand.THREADS)]
    for thread in threads:
        thread.start()
    together.wait()
    parent.send("ready")
    numbers += parent.recv()
    together.wait()
    for thread in threads:
        thread.join()


def _start() -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,))
    process.start()
    ours.recv()
    return process, ours


_script = [_start() for _ in range(_PROCESSES)]


def send_all(numbers: range) -> None:
    """Send the requests, and wait for the answers."""
    for place, (_, pipe) in enumerate(_script):
        pipe.send(list(numbers[place::_PROCESSES]))
    for process, _ in _script:
        process.join()
