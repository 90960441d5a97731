"""Jars for the tests: fetched from Maven Central once, checked against checksums in git, and cached."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parents[1]
KAFKA, JDBC = TESTS / "kafka", TESTS / "clients" / "java"
CHECKSUMS = "jars.sha256"
"""Of each jar, as `sha256sum *.jar` prints them; stands beside the pom.xml."""


class JarsUnavailableError(Exception):
    """Jars cannot be fetched on this machine, or are not those expected; the text says why."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; the lock of a process that dies is free."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch_jars(folder: Path, within: float = 240) -> Path:
    """Return the folder of the jars that `folder`/pom.xml names, fetching them unless they are there.

    Raises:
        JarsUnavailableError: Maven is missing or failed, or a jar differs from its checksum.
    """
    target, expected = folder / "target", _expected(folder)
    target.mkdir(exist_ok=True)
    with locked(target / "lock"):
        if not _same(target / "jars", expected):
            shutil.rmtree(target / "jars", ignore_errors=True)
            _copy(folder, within)
            found = checksums(target / "jars")
            if found != expected:
                different = sorted(name for name, _ in found.items() ^ expected.items())
                raise JarsUnavailableError(f"{folder}: not as {CHECKSUMS} says: {', '.join(set(different))}")
            (target / "jars" / CHECKSUMS).write_bytes((folder / CHECKSUMS).read_bytes())
    return target / "jars"


def checksums(jars: Path) -> dict[str, str]:
    """Return the SHA-256 of each jar in a folder, by name."""
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in jars.glob("*.jar")}


def _expected(folder: Path) -> dict[str, str]:
    lines = (folder / CHECKSUMS).read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def _same(jars: Path, expected: dict[str, str]) -> bool:
    """Return whether the folder was verified against these checksums and still has every jar."""
    verified = jars / CHECKSUMS
    if not verified.exists() or verified.read_bytes() != (jars.parents[1] / CHECKSUMS).read_bytes():
        return False
    return {one.name for one in jars.glob("*.jar")} == set(expected)


def _copy(folder: Path, within: float) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsUnavailableError("Maven is needed to fetch jars: no mvn found")
    command = [maven, "-B", "-q", "--strict-checksums", "dependency:copy-dependencies"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=within, check=True)
    except subprocess.TimeoutExpired as e:
        raise JarsUnavailableError(f"Maven did not fetch the jars of {folder} within {within:g} s") from e
    except subprocess.CalledProcessError as e:
        output = "\n".join(f"{e.stdout}\n{e.stderr}".strip().splitlines()[:8])
        raise JarsUnavailableError(f"Maven could not fetch jars for {folder} (no network?):\n{output}") from e
