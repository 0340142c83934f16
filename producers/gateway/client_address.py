"""The client's address, behind a listed proxy as well."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

_NETWORK_BITS = 64


def client_of(scope: Scope, *, behind_proxy: bool) -> str:
    """Return the address of who asks: of the connection, or what the proxy in front says of it.

    A proxy appends the address that it sees to `X-Forwarded-For`; what stands before that, and all
    of it without a proxy, anybody may have written.
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
    """Return what an address counts as where places are shared out: of IPv6 its /64.

    A home or an office has a whole network of such addresses to ask from.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ip_network((found, _NETWORK_BITS), strict=False))
    return str(found)
