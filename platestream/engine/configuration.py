"""Configuration of the engine behind HTTP: a server's roles, without the rights that none may have here."""

import re
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

OWNER = "platestream_owner"
SIGNED_IN = "platestream_signed_in"
MEMORY = 0.5
"""Share of the machine's memory for all statements, because flows and readers run on the same machine.
A statement that needs more is ended (code 241).
"""

PARTS_AT_ONCE = 1_000_000
"""Number of merged parts waiting for deletion from which 128 threads delete them (default 100). The threads
never end, and their allocator caches take 25 MB and more. One thread is enough.
"""
CONDITIONS = 1 << 20
"""Size of the query condition cache in bytes, by default 100 MiB; the engine counts a fifth of its real size.
"""

# GRANT ALL without sources (files, addresses, other servers), SYSTEM and accounts.
_OWNER_GRANTS = (
    "GRANT SHOW, SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE FUNCTION, DROP, "
    "TRUNCATE, OPTIMIZE, CHECK, SYSTEM VIEWS, SYSTEM MERGES, SYSTEM TTL MERGES ON *.*"
)
_ALL = re.compile(r"GRANT\s+ALL(\s+PRIVILEGES)?\s+ON\s+\*\.\*", re.IGNORECASE)
_DEFINER_GRANTS = "GRANT SET DEFINER ON *"


def write(folder: Path, roles: Path | None = None) -> Path:
    """Write users.xml, roles.xml and config.xml below `folder`. Returns the path of config.xml."""
    package = files("platestream.clickhouse")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = roles.read_text() if roles else package.joinpath("roles.xml").read_text(encoding="utf-8")
    granted = f"{_OWNER_GRANTS}</query><query>{_DEFINER_GRANTS}"
    (folder / "roles.xml").write_text(_ALL.sub(granted, text))
    users = package.joinpath("embedded-users.xml").read_text(encoding="utf-8")
    names = ", ".join(sorted(known_roles(text)))
    users = re.sub(r"GRANT platestream_owner, [^<]*", f"GRANT {names}", users)
    (folder / "users.xml").write_text(users.replace("@ROLES@", str((folder / "roles.xml").absolute())))
    config = folder / "config.xml"
    config.write_text(
        f"<clickhouse><users_config>{(folder / 'users.xml').absolute()}</users_config>"
        f"<max_server_memory_usage_to_ram_ratio>{MEMORY}</max_server_memory_usage_to_ram_ratio>"
        f"<query_condition_cache_size>{CONDITIONS}</query_condition_cache_size>"
        f"<merge_tree><concurrent_part_removal_threshold>{PARTS_AT_ONCE}"
        "</concurrent_part_removal_threshold></merge_tree>"
        "<timezone>UTC</timezone></clickhouse>"
    )
    return config.absolute()


def profiles(text: str) -> dict[str, dict[str, str]]:
    """Return the settings of each profile in the text of roles.xml, without the constraints."""
    found = ElementTree.fromstring(text).find("profiles")  # noqa: S314
    return {
        profile.tag: {one.tag: (one.text or "").strip() for one in profile if one.tag != "constraints"}
        for profile in found or ()
    }


def known_roles(text: str) -> frozenset[str]:
    """Return the names of the roles in the text of roles.xml."""
    roles = ElementTree.fromstring(text).find("roles")  # noqa: S314
    return frozenset(role.tag for role in roles) if roles is not None else frozenset()
