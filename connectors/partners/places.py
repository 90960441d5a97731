"""Where a partner's server may be: what its name leads to is looked at before anything is connected to.

An address in the registry must not make this machine talk to itself, or to what hands out a cloud's secrets.
The name is looked up once, and that very address is connected to, so no later answer of a name server counts.
"""

import asyncio
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
CLOUDS = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Where clouds answer with a machine's own secrets."""
_NAT64 = ip_network("64:ff9b::/96")


class WrongPlace(ValueError):  # noqa: N818
    """Not asked: no partner is there."""


def judge(address: Address, *, here: bool) -> None:
    """`here`: this machine itself may be asked, to try things out. Private networks may always: agencies of a
    state share them. Raises WrongPlace.
    """
    inner = _inner(address)
    if inner.is_loopback:
        if not here:
            raise WrongPlace("its address is this machine itself")
    elif inner in CLOUDS or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        raise WrongPlace("its address is none that another agency can have")
    elif inner.is_reserved:
        raise WrongPlace("its address is of a range that nobody has")


def judge_text(host: str, *, here: bool) -> None:
    """The same of a host that is written as an address; of a name nothing is known yet. Raises WrongPlace."""
    try:
        address = ip_address(host)
    except ValueError:
        return
    judge(address, here=here)


def _inner(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


async def find(host: str, port: int, *, here: bool) -> str:
    """The IP address of a host, of which every address was judged. Raises WrongPlace and OSError."""
    try:
        addresses = [ip_address(host)]
    except ValueError:
        addresses = [ip_address(one.partition("%")[0]) for one in await _look_up(host, port)]
    for one in addresses:
        judge(one, here=here)
    return str(addresses[0])


async def _look_up(host: str, port: int) -> list[str]:
    """By a thread of its own, which nobody waits for: a name server that says nothing holds up only this."""
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
        except RuntimeError:  # nobody waits any more
            return

    threading.Thread(target=look, name="partner-name", daemon=True).start()
    return await found
