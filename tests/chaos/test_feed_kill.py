"""kill -9 of the job of the feeds amid fetches and imports: in the end the list is its owner's."""

import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from platestream.access.registry import records_of
from platestream.hotlist.feed_health import FOLDER
from platestream.hotlist.list_changes import entries_of
from platestream.hotlist.manifest import Extent, sign
from platestream.schemas.topics import HOTLIST
from platestream.settings import open_edge, system_account
from tests.support.chaos import KILLS
from tests.support.kafka_broker import wait_until
from tests.support.openssh import SftpServer, sftp_server
from tests.support.up import System, founding

LINES, SEED = 6000, 3104
MAP = 'category = "stolen_vehicle"\ndelimiter = "|"\n[columns]\naction = 1\nNIC = 2\nLIC = 3\nLIS = 4\n'

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(900 + 60 * KILLS)]


def offer(
    server: SftpServer, key: Path, number: int, extent: Extent, state: dict[str, str], *gone: str
) -> None:
    path = server.out / f"list-{number}.txt"
    lines = [*(f"D|{name}||" for name in gone), *(f"A|{name}|{plate}|AZ" for name, plate in state.items())]
    path.write_text("".join(f"{line}\n" for line in lines))
    sign(path, "ncic", key, datetime.now(UTC) + timedelta(milliseconds=number), extent, number)


def test_kills_amid_imports_end_at_the_owner_s_list(tmp_path: Path) -> None:
    system = System.of(tmp_path / "system")
    private, public = tmp_path / "feed.pem", tmp_path / "feed.pub.pem"
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "map.toml").write_text(MAP)
    with sftp_server(tmp_path / "ssh") as server:
        feed = ("--place", server.place, "--key", str(public), "--map", str(tmp_path / "map.toml"))
        for result in (
            ("migrate",),
            *founding(system_account()),
            ("registry", "source", "ncic", *feed, "--every", "60"),
        ):
            ran = system.run(*result)
            assert ran.returncode == 0, ran.stdout + ran.stderr
        home = system.data / FOLDER
        home.mkdir(exist_ok=True)
        (home / "ssh_key").write_bytes(server.key.read_bytes())
        (home / "ssh_key").chmod(0o600)
        (home / "known_hosts").write_text(server.known)
        listed = {f"V{number}": f"AB{number:05}" for number in range(LINES)}
        offer(server, private, 1, "full", listed)
        for number in (2, 3, 4):
            gone, changed = (
                f"V{number}",
                {f"V{100 + number}": f"CD{number:05}", f"N{number}": f"EF{number:05}"},
            )
            offer(server, private, number, "delta", changed, gone)
            del listed[gone]
            listed |= changed
        chance, streams = random.Random(SEED), open_edge(system.settings, follow=False).topics

        def last() -> int:
            return records_of(streams, "hotlist_source")["ncic"].feed_sequence

        def sent() -> bool:
            return any(True for _message in streams.read_to_end(HOTLIST))

        def run_until(holds: Callable[[], bool], what: str) -> None:
            job = system.begin("hotlist", "follow")
            try:
                wait_until(lambda: job.poll() is not None or holds(), 180, what)
                assert job.poll() is None, job.communicate()
            finally:
                job.send_signal(signal.SIGKILL)
                job.wait(60)

        moments = {
            "a fetch": (home / "ncic").is_dir,
            "an import": sent,
            "the first delta": lambda: last() >= 1,
            "the second delta": lambda: last() >= 2,
        }
        for number in range(KILLS):
            what = "an import" if not number else chance.choice(list(moments))
            run_until(moments[what], what)
        run_until(lambda: last() == 4, "the last delta")
    found = {name.removeprefix("ncic:"): one.plate for name, one in entries_of(streams, "ncic").items()}
    assert found == listed
