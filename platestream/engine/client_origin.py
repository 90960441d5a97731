"""Origin of a sign-in: its address, and on this machine also the operating system user of the client.

A few wrong passwords for an account from one origin delay further ones from there. The user counts, so that a
local attacker does not lock out the flows, which have the same address. Right passwords wait, too, because
the delay would otherwise show which passwords are wrong. They do not reset the count, because somebody who
shares an address with the person could guess between that person's requests.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class Attempt(NamedTuple):
    """The account and origin of a sign-in; `local_user` is None if the client is not on this machine."""

    account: str
    address: str
    local_user: int | None


def local_user(client: tuple[str, int], port: int) -> int | None:
    """Return the user id of the process on this machine that connected from `client` to `port`."""
    address, ours = client
    if not ip_address(address).is_loopback:
        return None
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:  # the address family is not available
            continue
        for line in lines:
            _number, local, remote, _state, _queues, _timer, _retries, user, *_rest = line.split()
            if int(local.rpartition(":")[2], 16) == ours and int(remote.rpartition(":")[2], 16) == port:
                return int(user)
    return None
