"""Addresses that only this machine can reach, over which nothing has to be encrypted."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether a host, a name or an address without brackets, is this machine's loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost"
