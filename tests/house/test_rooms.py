"""A third-party library enters through its own rooms only."""

import sys
from collections.abc import Mapping
from fnmatch import fnmatch

#: Where each library may be imported, as patterns of paths.
ROOMS = {
    "aiohttp": ("ops/simulator/*",),
    "annotated_types": ("worker/classin/*",),
    "apprise": ("ops/post.py",),
    "celery": (
        "worker/beat.py",
        "worker/queues.py",
        "worker/app.py",
        "worker/results.py",
        "worker/reception.py",
        "worker/remote_control.py",
        "ops/lifeline.py",
    ),
    "cryptography": ("worker/sealing.py",),
    "croniter": ("worker/ticks.py",),
    "fastapi": ("producers/gateway/*",),
    "fsspec": ("worker/files.py",),
    "h11": ("producers/gateway/connection.py",),
    "kombu": (
        "worker/queues.py",
        "worker/message_check.py",
        "worker/reception.py",
        "worker/redis_transport.py",
    ),
    "openpyxl": ("producers/workbook.py",),
    "platformdirs": ("worker/variables.py",),
    "pydantic": (
        "worker/classin/*",
        "producers/line.py",
        "producers/gateway/documents.py",
        "ops/simulator/*",
    ),
    "pydantic_core": ("worker/classin/*",),
    "redis": (
        "worker/ledger/in_redis.py",
        "worker/ledger/groups.py",
        "worker/ledger/reading.py",
        "worker/ledger/api_keys.py",
        "worker/ledger/sources.py",
        "worker/ledger/reports.py",
        "worker/ledger/schedule.py",
        "worker/ledger/audit.py",
        "worker/ledger/pruning.py",
        "worker/ledger/data_set.py",
        "worker/ledger/shared_keys.py",
        "worker/ledger/families.py",
        "worker/ledger/redis_client.py",
        "worker/ledger/redis_errors.py",
        "worker/ledger/trial.py",
        "worker/redis_transport.py",
        "ops/redis_health.py",
        "ops/embedded.py",
        "ops/cli/connection.py",
    ),
    "requests": ("worker/transport.py",),
    "requests_toolbelt": ("worker/transport.py",),
    "rich": ("ops/cli/*",),
    "sse_starlette": ("producers/gateway/routes.py",),
    "standardwebhooks": ("worker/webhooks.py",),
    "starlette": ("producers/gateway/*",),
    "tenacity": ("worker/retries.py",),
    "typer": ("ops/cli/*",),
    "uvicorn": ("producers/gateway/server.py", "producers/gateway/connection.py"),
    "urllib3": ("worker/http_connection.py", "worker/transport.py", "worker/web_files.py"),
}

_AT_HOME = frozenset({*sys.stdlib_module_names, "worker", "producers", "ops"})


def test_libraries_stay_in_their_rooms(imports: Mapping[str, frozenset[str]]) -> None:
    """No file imports a library whose room it is not, nor one that has no room."""
    strays = sorted(
        f"{path}: {library}"
        for path, modules in imports.items()
        for library in {module.partition(".")[0] for module in modules} - _AT_HOME
        if not any(fnmatch(path, room) for room in ROOMS.get(library, ()))
    )
    assert strays == []


def test_no_room_is_empty(imports: Mapping[str, frozenset[str]]) -> None:
    """Each room is used: a library that left takes its line here along."""
    empty = sorted(
        f"{room}: {library}"
        for library, rooms in ROOMS.items()
        for room in rooms
        if not any(
            fnmatch(path, room) and library in {module.partition(".")[0] for module in modules}
            for path, modules in imports.items()
        )
    )
    assert empty == []
