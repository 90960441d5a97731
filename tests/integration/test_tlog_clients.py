"""The published log before those who did not write it: Go's sumdb packages, torchwood, litewitness, openssl.

What they agree on is not this program's own opinion.
"""

import base64
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import uvicorn

from platestream.merkle import tiles
from platestream.merkle import tree as merkle
from platestream.merkle.checkpoint import Head
from platestream.merkle.note import Note, Signer, Verifier, parse
from platestream.runtime.http_server import server_config
from platestream.schemas.log_file import Stamps
from platestream.transparency_log import inquiry_proof as proving
from platestream.transparency_log.config import LogConfig, LogError, Witness
from platestream.transparency_log.http_server import app
from platestream.transparency_log.publish import head_path
from platestream.transparency_log.published_folder import PublishedFolder
from platestream.transparency_log.publisher_state import PublisherState
from platestream.transparency_log.witness import LogWitness
from tests.conftest import skip_unless_ci
from tests.support import clients
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.kafka_broker import free_port, wait_until
from tests.support.published import Agency, log_key, witness_key
from tests.support.stamping import authority, openssl


@pytest.fixture(scope="module")
def go() -> Path:
    """The programs of tests/clients/go."""
    try:
        return clients.golang()
    except clients.ClientUnavailableError as error:
        skip_unless_ci(str(error))


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Agency:
    return Agency(database, tmp_path / "log")


def ran(*command: object, code: int = 0) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def policy(folder: Path, log: Verifier, *witnesses: Verifier) -> Path:
    """In the form that sigsum and torchwood read: this log, and all of these witnesses."""
    lines = [f"log {log}", *(f"witness w{number} {key}" for number, key in enumerate(witnesses))]
    names = " ".join(f"w{number}" for number in range(len(witnesses)))
    if len(witnesses) > 1:
        lines.append(f"group all-of-them all {names}")
    lines.append(f"quorum {'none' if not witnesses else 'all-of-them' if len(witnesses) > 1 else 'w0'}")
    file = folder / f"policy-{len(witnesses)}"
    file.write_text("\n".join([*lines, ""]))
    return file


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """The folder as any web server shows it."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port), 10, "the web server")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait(10)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def litewitness(go: Path, folder: Path, log: Verifier) -> Iterator[Witness]:
    """Filippo Valsorda's witness for a log, with a key in an ssh-agent."""
    folder.mkdir()
    keys, store, port = folder / "agent", folder / "heads.db", free_port()
    agent = subprocess.Popen([str(go / "agent"), str(keys)], stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None
    command = [
        *(str(go / "litewitness"), "-name", "litewitness.example/w", "-db", str(store)),
        *("-ssh-agent", str(keys), "-listen", f"127.0.0.1:{port}", "-key", agent.stdout.readline().strip()),
    ]
    result = folder / "log"
    with result.open("w") as file:
        witness = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        wait_until(lambda: answers(port), 20, "litewitness")
        with sqlite3.connect(store) as database:  # what its witnessctl does
            database.execute(
                "INSERT INTO log VALUES (?, 0, ?)", (log.name, Head("", 0, merkle.EMPTY).text.split("\n")[2])
            )
            database.execute("INSERT INTO key VALUES (?, ?)", (log.name, str(log)))
        (line,) = [one for one in result.read_text().splitlines() if "vkey=" in one]
        yield Witness(Verifier.parse(line.partition("vkey=")[2].strip('"')), f"http://127.0.0.1:{port}")
    finally:
        for one in (witness, agent):
            one.kill()
            one.wait(10)


@contextmanager
def our_witness(folder: Path, *logs: Verifier) -> Iterator[Witness]:
    """Ours, on a port."""
    result = LogConfig(
        "", PublisherState(folder), PublishedFolder(folder), witness_name="ours.example/w", logs=logs
    )
    witness, port = LogWitness(result), free_port()
    server = uvicorn.Server(server_config(app(witness), port=port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 10, "our witness")
    try:
        yield Witness(witness.key, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(10)


def fsck(go: Path, url: str, key: Verifier, folder: Path, seconds: float = 60) -> str:
    """What the checker of Tessera (transparency-dev) says; where something is wrong it does not end."""
    file = folder / "key"
    file.write_text(str(key))
    command = [str(go / "fsck"), f"--storage_url={url}", f"--public_key={file}", "--ui=false"]
    checking = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with suppress(subprocess.TimeoutExpired):
        checking.wait(seconds)
    checking.kill()
    return checking.communicate()[1]


@pytest.mark.nightly
def test_gos_packages_agree_with_every_entry_head_and_proof(go: Path, log: Agency, tmp_path: Path) -> None:
    """A tree of two levels, walked over a web server that knows nothing of it, as it grows."""
    log.ask(300)
    log.publish()
    kept = tmp_path / "kept"
    kept.write_bytes(log.checkpoint)
    log.ask(223)
    inquiry = log.database.ask(pattern="CKR4572", reason="stolen vehicle")
    log.ask(300)
    log.publish()
    result = policy(tmp_path, log.key)
    root = parse(log.checkpoint).text.split("\n")[2]
    size = 824
    with web(log.found.folder.root) as url:
        assert ran(go / "check", "walk", result, url).split() == [str(size), root, str(size)]
        assert ran(go / "check", "grows", result, url, kept).split() == ["300", str(size)]
        for index in (0, 255, 256, 523, 767, 768, 823):
            entry = ran(go / "check", "entry", result, url, index).split()[0]
            assert entry == proving.entry(log.found, index, size).hex()
        foreign = policy(tmp_path, log_key(log.key.name).verifier)
        assert "no verifiable signatures" in ran(go / "check", "walk", foreign, url, code=1)
        policy(tmp_path, log.key)
        files = proving.prove(door_of(log.database), log.found, inquiry, reason="records request")
        proving.write(files, tmp_path / "proof")
        by_hand = sha256(files["salt"] + files["inquiry.json"]).hexdigest()
        ran(go / "check", "proof", result, tmp_path / "proof" / "proof", by_hand)
        entry_file = tmp_path / "entry"
        entry_file.write_bytes(bytes.fromhex(by_hand))
        (tmp_path / "entry.spicy").write_bytes(files["proof"].partition(b"\n")[2])
        ran(go / "spicy", "-verify", log.key, entry_file)
        other = sha256(files["salt"] + files["inquiry.json"] + b" ").hexdigest()
        assert "failed for index 523" in ran(
            go / "check", "proof", result, tmp_path / "proof" / "proof", other, code=1
        )
        assert "Successfully fsck'd log with size 824" in fsck(go, url, log.key, tmp_path)
        tile = log.found.folder.root / "tile/0/001"
        tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
        assert ran(go / "check", "walk", result, url, code=1), "a tile that is not of this tree"
        assert "Successfully" not in fsck(go, url, log.key, tmp_path, seconds=4)


def test_two_witnesses_of_different_authors_cosign_what_goes_on_and_nothing_else(
    go: Path, log: Agency, tmp_path: Path
) -> None:
    with litewitness(go, tmp_path / "lite", log.key) as lite, our_witness(tmp_path / "w", log.key) as ours:
        log.with_witnesses(lite, ours)
        result = policy(tmp_path, log.key, lite.key, ours.key)
        for more, size in ((3, 3), (257, 260), (1, 261)):
            log.ask(more)
            published = log.publish()
            assert published.silent == ()
            assert published.cosigned == (lite.key.name, ours.key.name)
            file = tmp_path / f"head-{size}"
            file.write_bytes(log.checkpoint)
            assert ran(go / "check", "cosign", result, file).split() == [str(size), "3"]
        strict = policy(tmp_path / "lite", log.key, lite.key, ours.key, witness_key().verifier)
        assert "policy components satisfied" in ran(go / "check", "cosign", strict, file, code=1)
        other = Agency(log.database, tmp_path / "other")
        other.found.state.root.mkdir(parents=True)
        (other.found.state.root / "key").write_text((log.found.state.root / "key").read_text())
        log.database.client().command("TRUNCATE TABLE platestream.inquiry_salts")
        log.ask(5)
        for witness in (lite, ours):
            other.with_witnesses(witness)
            with pytest.raises(LogError, match="does not go on from the one that it has seen"):
                other.publish(look_first=False)


def test_our_witness_answers_a_log_of_another_author_as_the_protocol_says(go: Path, tmp_path: Path) -> None:
    key, foreign = log_key("partner.example/log"), log_key("partner.example/log", 2)
    growth = tiles.Growth(0, lambda tile: b"")
    files: dict[tiles.Tile, bytes] = {}
    roots = {}
    for number in range(1, 21):
        files.update(growth.add(bytes([number])))
        files.update(growth.edge())
        roots[number] = growth.root()
    node = tiles.reader(20, files.__getitem__)

    def checkpoint(size: int, root: bytes = b"", by: Signer = key, name: str = key.name) -> Path:
        text = Head(name, size, root or roots[size]).text
        file = tmp_path / "checkpoint"
        file.write_text(str(Note(text, (by.sign(text),))))
        return file

    def proof(old: int, size: int) -> list[str]:
        return [base64.b64encode(one).decode() for one in merkle.consistency(old, size, node)]

    began = int(datetime.now(UTC).timestamp())
    with our_witness(tmp_path / "w", key.verifier) as ours:

        def ask(file: Path, old: int, *hashes: str) -> list[str]:
            return ran(go / "check", "ask", ours.key, ours.url, file, old, *hashes).split("\n")

        status, at, *_rest = ask(checkpoint(5), 0)
        assert status == "200"
        assert int(at) >= began
        assert ask(checkpoint(20), 5, *proof(5, 20))[0] == "200"
        assert ask(checkpoint(20), 20)[0] == "200", "the newest head is cosigned again"
        assert ask(checkpoint(20), 5, *proof(5, 20)) == ["409", "text/x.tlog.size", "20", ""]
        assert ask(checkpoint(5), 5)[:3] == ["409", "text/x.tlog.size", "20"], "an older one is not"
        assert ask(checkpoint(20, bytes(32)), 20)[0] == "409", "another head of the same size"
        assert ask(checkpoint(5), 20)[0] == "400"
        assert ask(checkpoint(20, by=foreign), 20)[0] == "403"
        assert ask(checkpoint(20, name="other.example"), 20)[0] == "404"
    with our_witness(tmp_path / "fresh", key.verifier) as ours:
        assert ran(go / "check", "ask", ours.key, ours.url, checkpoint(5), 0).startswith("200")
        wrong = ran(go / "check", "ask", ours.key, ours.url, checkpoint(20), 5, *proof(6, 20))
        assert wrong.startswith("422")
        assert ran(go / "check", "ask", ours.key, ours.url, checkpoint(20), 5, "AAAA").startswith("400")
        large = httpx.post(f"{ours.url}/add-checkpoint", content=bytes(100_000))
        assert (large.status_code, httpx.get(ours.url).status_code) == (413, 404)
        assert ran(go / "check", "ask", ours.key, ours.url, checkpoint(6), 5, *proof(5, 6)).startswith("200")


def test_openssl_verifies_the_time_stamp_of_a_head(log: Agency, tmp_path: Path) -> None:
    log.ask(2)
    with authority(tmp_path / "tsa") as found:
        log.found = replace(log.found, stamps=Stamps(url=found.url, certificates=found.root))
        assert log.publish().unstamped == ""
    head = log.found.folder.root / head_path(2)
    stamp = head.with_name(f"{head.name}.tsr")
    result = ("-CAfile", str(found.root), "-in", str(stamp))
    assert "Verification: OK" in openssl("ts", "-verify", "-data", str(head), *result)
    log.ask(1)
    published = log.publish()
    assert published.unstamped == "the authority does not answer (ConnectError)"
    assert published.head.size == 3, "a dead authority holds nothing up"
    with authority(tmp_path / "stranger") as other:
        log.found = replace(log.found, stamps=Stamps(url=other.url, certificates=found.root))
        assert "is not in root.pem" in log.publish().unstamped
    assert not (log.found.folder.root / f"{head_path(3)}.tsr").exists()
