"""What containers are allowed, looked at from inside."""

import json
from typing import Any

from tests.containers.stack import PROJECT, WrongError, docker, inside, state

PROCESSES = "cat /proc/[0-9]*/status"
WRITE = "if touch /probe 2>/dev/null; then rm /probe; echo written; else echo refused; fi"
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()
    print("connected")
except OSError as error:
    print(error)
"""


def hold(right: bool, what: str) -> None:
    if not right:
        raise WrongError(what)


def processes(name: str, result: dict[str, Any]) -> None:
    """Each process runs as the declared user, without capabilities and without a way to new ones."""
    found = [
        dict(line.split(":", 1) for line in one.splitlines() if ":" in line)
        for one in inside(name, "sh", "-c", PROCESSES).split("\nName:")
    ]
    hold(bool(found), f"{name}: no process was seen")
    user = result.get("user", "1000").split(":")[0]  # Kafka's image says its own
    for one in found:
        shown = {key: one[key].split()[0] for key in ("Uid", "CapEff", "CapPrm", "CapBnd", "NoNewPrivs")}
        none = "0" * 16
        wanted = {"Uid": user, "CapEff": none, "CapPrm": none, "CapBnd": none, "NoNewPrivs": "1"}
        hold(shown == wanted, f"{name}: a process has {shown}, not {wanted}")


def root(name: str, result: dict[str, Any]) -> None:
    """A root that is declared read-only is mounted so; no service writes at the top of another."""
    hold(inside(name, "sh", "-c", WRITE).strip() == "refused", f"{name}: / can be written to")
    options = inside(name, "sh", "-c", "grep ' / / \\| / overlay ' /proc/mounts").split()[3].split(",")
    hold(("ro" in options) == result.get("read_only", False), f"{name}: / is mounted {options}")


def secrets(name: str, result: dict[str, Any]) -> None:
    """A container sees the secrets that it is given, and no other; no password is in its environment."""
    seen = set(inside(name, "sh", "-c", "ls /run/secrets 2>/dev/null || true").split())
    mounted = {
        one["target"].split("/")[3] for one in result.get("volumes", []) if "/run/secrets/" in one["target"]
    }
    given = {one["source"] for one in result.get("secrets", [])} | mounted
    hold(seen == given, f"{name}: sees the secrets {sorted(seen)}, not {sorted(given)}")
    words = [value for value in state(name)["Config"]["Env"] if "@" in value or "PASSWORD=" in value]
    hold(not words, f"{name}: {words} in its environment")


def limits(name: str, result: dict[str, Any]) -> None:
    """Memory and processes are bounded as declared."""
    wanted = result["deploy"]["resources"]["limits"]
    host = state(name)["HostConfig"]
    found = (host["Memory"], host["PidsLimit"])
    hold(found == (int(wanted["memory"]), wanted["pids"]), f"{name}: limits are {found}, not {wanted}")


def published(name: str, result: dict[str, Any]) -> None:
    """A port is published on this machine's loopback, and only where it is declared."""
    bound = state(name)["HostConfig"]["PortBindings"] or {}
    addresses = {one["HostIp"] for ports in bound.values() for one in ports}
    hold(addresses <= {"127.0.0.1"}, f"{name}: publishes on {addresses}")
    hold(len(bound) == len(result.get("ports", [])), f"{name}: publishes {sorted(bound)}")


def address(name: str, network: str) -> str:
    """Of a container outside of the stack."""
    found = json.loads(docker("inspect", f"{PROJECT}-{name}"))[0]["NetworkSettings"]["Networks"]
    return str(found[f"{PROJECT}_{network}"]["IPAddress"])


def closed(name: str, outside: tuple[str, int]) -> None:
    """Neither a container of another network nor a name or address of the internet can be reached."""
    for where, port in (outside, ("1.1.1.1", 443), ("deb.debian.org", 80)):
        said = inside(name, "python", "-c", CONNECT, where, str(port)).strip()
        hold(said != "connected", f"{name} reaches {where}:{port}")


def open_to(name: str, outside: tuple[str, int]) -> None:
    """What `closed` tries can be reached from where it must be: so the look can fail."""
    said = inside(name, "python", "-c", CONNECT, outside[0], str(outside[1])).strip()
    hold(said == "connected", f"{name} does not reach {outside}: {said}")
