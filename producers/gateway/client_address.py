"""The client's address, behind a listed proxy as well."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

_NETWORK_BITS = 64


def client_of(scope: Scope, *, behind_proxy: bool) -> str:
    """Return the client's address: the peer's, or what the trusted proxy reports.

    A proxy appends the address it sees to `X-Forwarded-For`. Earlier entries, and the whole header
    without a proxy, can be forged.
    """
    peer = scope.get("client")
    if behind_proxy:
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        last = values[-1].decode("latin-1").rpartition(",")[2].strip() if values else ""
        try:
            return str(ip_address(last.strip("[]")))
        except ValueError:
            pass  # a proxy that says nothing: all of its clients are one
    return str(peer[0]) if peer else "unknown"


def network_of(address: str) -> str:
    """Return the network by which an address is counted: of IPv6 its /64.

    One home or office has a whole /64 of addresses.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ip_network((found, _NETWORK_BITS), strict=False))
    return str(found)
