"""Permitted network addresses of partners, checked before a connection is opened.

An address in the registry must not make this machine connect to itself, or to a cloud's service of secrets.
The name is resolved once, and that address is connected to, so later answers of a name server have no effect.
"""

import asyncio
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
CLOUDS = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Addresses at which clouds serve a machine's own secrets."""
_NAT64 = ip_network("64:ff9b::/96")


class ForbiddenAddress(ValueError):  # noqa: N818
    """An address that is not allowed for a partner; nothing was sent."""


def check_address(address: Address, *, here: bool) -> None:
    """Check an address. Raises WrongPlace.

    `here` allows this machine itself, for trials. Private networks are always allowed, because agencies of a
    state share them.
    """
    inner = _inner(address)
    if inner.is_loopback:
        if not here:
            raise ForbiddenAddress("its address is this machine itself")
    elif inner in CLOUDS or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        raise ForbiddenAddress("its address is none that another agency can have")
    elif inner.is_reserved:
        raise ForbiddenAddress("its address is of a range that nobody has")


def check_host(host: str, *, here: bool) -> None:
    """Check a host that is written as an address; names are not checked here. Raises WrongPlace."""
    try:
        address = ip_address(host)
    except ValueError:
        return
    check_address(address, here=here)


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address embeds, if any."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


async def resolve(host: str, port: int, *, here: bool) -> str:
    """Return an IP address of a host after checking all of its addresses. Raises WrongPlace and OSError."""
    try:
        addresses = [ip_address(host)]
    except ValueError:
        addresses = [ip_address(one.partition("%")[0]) for one in await _look_up(host, port)]
    for one in addresses:
        check_address(one, here=here)
    return str(addresses[0])


async def _look_up(host: str, port: int) -> list[str]:
    """Resolve a name in a thread of its own, so that a silent name server delays only this request."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def tell(addresses: list[str] | OSError) -> None:
        if found.done():
            return
        if isinstance(addresses, OSError):
            found.set_exception(addresses)
        else:
            found.set_result(addresses)

    def look() -> None:
        answer: list[str] | OSError
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer = [str(info[4][0]) for info in infos]
        except (OSError, UnicodeError) as error:
            answer = error if isinstance(error, OSError) else OSError("no name of a host")
        try:
            loop.call_soon_threadsafe(tell, answer)
        except RuntimeError:  # the event loop has ended
            return

    threading.Thread(target=look, name="partner-name", daemon=True).start()
    return await found
