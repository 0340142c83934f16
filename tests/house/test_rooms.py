"""A third-party library enters through its own rooms only."""

import sys
from collections.abc import Mapping
from fnmatch import fnmatch

#: Where each library may be imported, as patterns of paths.
ROOMS = {
    "aiohttp": ("ops/simulator/*",),
    "annotated_types": ("worker/classin/*",),
    "apprise": ("ops/reports/notify.py",),
    "celery": (
        "worker/app.py",
        "worker/broker/*",
        "worker/scheduling/beat.py",
        "ops/processes/parent_pipe.py",
    ),
    "cryptography": ("worker/encryption.py",),
    "cronsim": ("worker/scheduling/cron.py",),
    "fastapi": ("producers/gateway/*",),
    "fsspec": ("worker/execution/file_streams.py",),
    "h11": ("producers/gateway/connection.py",),
    "kombu": ("worker/broker/*",),
    "openpyxl": ("producers/files/xlsx.py",),
    "phonenumbers": ("producers/oneroster/reading/normalize.py",),
    "platformdirs": ("worker/config/env.py",),
    "pytest": ("producers/testing/pytest_plugin.py",),
    "pydantic": (
        "worker/classin/*",
        "producers/intake/request.py",
        "producers/gateway/openapi.py",
        "ops/simulator/*",
    ),
    "pydantic_core": ("worker/classin/*",),
    "redis": (
        "worker/ledger/*",
        "worker/broker/redis_transport.py",
        "ops/health/redis_server.py",
        "ops/processes/redis_server.py",
        "ops/cli/wiring.py",
    ),
    "requests": ("worker/execution/http_client.py",),
    "requests_toolbelt": ("worker/execution/http_client.py",),
    "rich": ("ops/cli/*",),
    "sse_starlette": ("producers/gateway/routes.py",),
    "standardwebhooks": ("worker/runtime/webhooks.py",),
    "starlette": ("producers/gateway/*",),
    "tenacity": ("worker/execution/retry_policy.py",),
    "typer": ("ops/cli/*",),
    "uvicorn": ("producers/gateway/server.py", "producers/gateway/connection.py"),
    "urllib3": (
        "worker/execution/http_connection.py",
        "worker/execution/http_client.py",
        "worker/execution/web_files.py",
    ),
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
