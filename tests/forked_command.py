"""`classin` without its start: a process that has imported all of it forks for each command.

`python -m tests.forked_command SOCKET` serves; what `write_shim` writes is typed instead of
`classin`. The command has the folder, the variables and the streams of whoever types it.
"""

import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

#: Asks for a command, and ends with its exit code; nothing is imported that takes long.
_SHIM = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(asked).to_bytes(8, "big")], [0, 1, 2])
server.sendall(asked)
sys.exit(int(server.recv(8) or b"70"))
"""


@contextmanager
def served(address: Path) -> Iterator[None]:
    """Serve at a socket's path while inside."""
    words = [sys.executable, "-m", __name__, str(address)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield
        finally:
            server.terminate()


def write_shim(place: Path, address: Path) -> None:
    """Write the program that is typed."""
    place.write_text(_SHIM.format(python=sys.executable, address=str(address)))
    place.chmod(0o755)


#: What commands import, or what these import when they are run.
_IMPORTED = ("ops.cli", "ops.insight", "ops.health", "producers", "worker.classin", "worker.ledger")


def _serve(address: str) -> None:
    for name in _IMPORTED:
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.startswith("producers.gateway") and "__main__" not in module.name:
                import_module(module.name)
    import_module("rich.table")
    import_module("redis")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)  # noqa: T201  # whoever started it waits for this
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _attend(client)
        client.close()


def _attend(client: socket.socket) -> None:
    """Run one command in a child, and tell how it ended. Does not return."""
    head, streams, _, _ = socket.recv_fds(client, 8, 3)
    asked = b""
    while len(asked) < int.from_bytes(head, "big"):
        asked += client.recv(1 << 16)
    words, folder, variables = json.loads(asked)
    child = os.fork()
    if child == 0:
        client.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = ["classin", *words]
        _run()
    for stream in streams:
        os.close(stream)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    client.sendall(str(code).encode())
    os._exit(0)


def _run() -> None:
    """Run the command that sys.argv has. Does not return."""
    from ops.cli.main import main  # noqa: PLC0415  # is imported already

    code: object = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve(sys.argv[1])
