"""The API endpoint of an operation, and the API version."""

from enum import StrEnum
from typing import NamedTuple


class ApiVersion(StrEnum):
    """ClassIn's two API versions."""

    #: A form with SID, safeKey and timeStamp; replies `{"data": ..., "error_info": {...}}`.
    V1 = "v1"
    #: JSON, signed in the headers; replies `{"code": 1, "msg": "...", "data": ...}`.
    V2 = "v2"


class Endpoint(NamedTuple):
    """The address of one operation below the base URL, and its API version."""

    version: ApiVersion
    path: str
    action: str | None = None  # v1 names its operation in the query

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?action={self.action}" if self.action else self.path


def v1(script: str, action: str) -> Endpoint:
    """Return an endpoint of version 1: `v1("course", "editCourse")`."""
    return Endpoint(ApiVersion.V1, f"/partner/api/{script}.api.php", action)


def v2(path: str) -> Endpoint:
    """Return an endpoint of version 2: `v2("/lms/unit/create")`."""
    return Endpoint(ApiVersion.V2, path)
