"""File access rules: which paths and hosts each submitter may name. Pure."""

import errno
import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

from worker.config.urls import split_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

USUAL_PORTS = {"https": 443, "http": 80}

#: A valid host: ASCII, so that look-alike characters cannot deceive.
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")

#: The only IPv6 range with global unicast addresses.
_GLOBAL = ipaddress.ip_network("2000::/3")

#: IPv6 ranges that embed an IPv4 address, and the bit at which it begins.
_EMBEDDING = (
    (ipaddress.ip_network("::/96"), 96),
    (ipaddress.ip_network("::ffff:0:0/96"), 96),
    (ipaddress.ip_network("64:ff9b::/96"), 96),
    (ipaddress.ip_network("2002::/16"), 16),
)

#: Schemes with rules of their own, or by which fsspec would read local files.
_OWN_SCHEMES = frozenset({"file", "local", "http", "https"})


class WebError(Exception):
    """A web file cannot be read; the text says why, `status` is the HTTP status, if any."""

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what)
        self.status = status


def refused(what: str) -> PermissionError:
    """Return the error for a file that may not be read; `what` says why."""
    return PermissionError(errno.EACCES, what)


class WebAddress(NamedTuple):
    """A parsed web address."""

    scheme: str
    host: str
    port: int
    #: Path and query, as in a request line.
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port

    @property
    def literal(self) -> Address | None:
        """The host, if it is an IP address."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse an http or https address. Raises ValueError."""
        parts = split_address(text)
        odd = "\\" in text or any(ord(letter) < ord(" ") for letter in text)
        if parts is None or odd or parts.scheme not in USUAL_PORTS:
            raise ValueError("no address of the web")
        host = parts.hostname or ""
        if "@" in parts.netloc or not _HOST.fullmatch(host):
            raise refused("its address should have a plain host, and no user or password")
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        if parts.query:
            target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?")
        port = USUAL_PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, host, port, target)


@dataclass(frozen=True, slots=True)
class FileAccess:
    """The files and hosts that one kind of submitter may name."""

    #: Folders with all below them; None: whatever this user may read.
    folders: tuple[Path, ...] | None = ()
    #: Hosts and networks, as `fault_of_hosts` accepts them.
    hosts: tuple[str, ...] = ()
    #: Whether any public host may be read over https, not only listed ones.
    any_host: bool = False
    #: Schemes that fsspec may read.
    schemes: tuple[str, ...] = ()
    #: Base of relative paths; None: the working directory.
    base: Path | None = None
    #: Whether `~/` means this user's home.
    home: bool = False
    #: The settings that list folders and hosts, for the error message.
    folders_named_by: str = "CLASSIN_FILES_FROM"
    hosts_named_by: str = "CLASSIN_FILE_HOSTS"

    def web_address(self, text: str, before: WebAddress | None = None) -> WebAddress:
        """Parse an address that may be requested; `before`: the one that redirects to it.

        Raises PermissionError, or ValueError for an invalid address.
        """
        try:
            address = WebAddress.read(text)
        except (ValueError, PermissionError):
            if self.any_host:
                raise
            raise self.unlisted() from None
        listed = address.origin in _origins(self.hosts)
        if before is not None:
            if not listed and address.origin != before.origin:
                raise refused(f"it redirects to a host that {self.hosts_named_by} does not list")
        elif not listed and not (self.any_host and address.scheme == "https"):
            raise self.unlisted()
        return address

    def unlisted(self) -> PermissionError:
        """Return the error for a file outside of the allowed folders, which it names."""
        places = [*map(str, self.folders or ()), *(at for at in self.hosts if not _is_network(at))]
        what = f"files are taken from {', '.join(places)} only" if places else "none is taken here"
        by = " and ".join(dict.fromkeys((self.folders_named_by, self.hosts_named_by)))
        return refused(f"{what} ({by})")

    def must_be_open(self, address: WebAddress, found: Sequence[Address]) -> None:
        """Raise PermissionError unless every address of a host may be connected to."""
        if address.literal is not None and address.origin in _origins(self.hosts):
            return
        networks = [*_networks(self.hosts)]
        if not all(is_public(each) or _is_in(each, networks) for each in found):
            what = "its host leads to an address that is not public"
            raise refused(f"{what}, in no network that {self.hosts_named_by} lists")

    def must_have_scheme(self, at: str) -> None:
        """Raise PermissionError unless fsspec may read this scheme."""
        if self.folders is not None:
            raise self.unlisted()
        if at.partition(":")[0] not in self.schemes or "::" in at:
            raise refused("no such addresses are read here (CLASSIN_FILE_SCHEMES)")


def is_public(address: Address) -> bool:
    """Return whether an IP address is public, rather than of this machine or a local network."""
    if isinstance(address, ipaddress.IPv6Address):
        for network, first in _EMBEDDING:
            if address in network:
                inner = int(address) >> (96 - first) & 0xFFFFFFFF
                return is_public(ipaddress.IPv4Address(inner))
        if address not in _GLOBAL:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _networks(hosts: Sequence[str]) -> Iterator[Network]:
    for each in hosts:
        if _is_network(each):
            yield ipaddress.ip_network(each)


def _origins(hosts: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    for each in hosts:
        if not _is_network(each):
            yield _read_host(each).origin


def _is_network(text: str) -> bool:
    return "/" in text and "://" not in text


def _read_host(text: str) -> WebAddress:
    return WebAddress.read(text if "://" in text else f"https://{text}")


def fault_of_hosts(text: str) -> str | None:
    """Return what is wrong with hosts and networks, separated by spaces; None if nothing is."""
    for each in text.lower().split():
        try:
            wrong = not _is_network(each) and _read_host(each).target != "/"
            _ = ipaddress.ip_network(each) if _is_network(each) else None
        except (ValueError, PermissionError):
            wrong = True
        if wrong:
            return (
                "should be hosts like files.example, http://127.0.0.1:8900 or networks like"
                f" 10.1.0.0/16, with blanks between them; got {each[:80]!r}"
            )
    return None


def fault_of_folders(text: str) -> str | None:
    """Return what is wrong with folders, separated by colons; None if nothing is."""
    for each in filter(None, text.split(":")):
        if not each.startswith("/"):
            return f"should be absolute paths, with colons between them; got {each[:80]!r}"
    return None


def fault_of_schemes(text: str) -> str | None:
    """Return what is wrong with schemes, separated by spaces; None if nothing is."""
    for each in text.split():
        if each in _OWN_SCHEMES or not re.fullmatch("[a-z][a-z0-9+.-]*", each):
            return f"should be schemes like s3 or gs, with blanks between them; got {each[:40]!r}"
    return None
