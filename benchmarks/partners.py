"""Asking 1, 10 and 50 agencies at once: when the first and the last answer are there, some being dead.

Some are whole: a process of `platestream partners serve` with tables of its own. The others answer after a
delay by the same signatures and TLS, all from one process. A dead one takes a connection and says nothing, so
it is waited for until the deadline; the last answer is the last of those that live.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.search import LEAD, fill
from platestream.access.door import Clients, Door
from platestream.access.signing_keys import OwnKey
from platestream.clickhouse import migrate
from platestream.demo.street import free_port
from platestream.edges.changelog import publish
from platestream.edges.clickhouse import INSERT_SETTINGS
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.inquiries.search import SearchRequest
from platestream.partners import client as asking
from platestream.partners import register
from platestream.schemas import tables, topics
from platestream.schemas.acts import ROLES
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings, open_topics

DEADLINE, DELAY = 3.0, 0.1
DEAD = 10  # of a hundred
READS = 20
WHO = "bench"


def run(rounds: int, whole: int, rows: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Figures by the number of agencies; `whole` of them are processes with `rows` reads each."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        _certificate(folder)
        key = _key(1)
        real = []
        for number in range(whole):
            say(f"filling agency {number + 1} of {whole}")
            real.append(stack.enter_context(_whole(folder, number, key, rows)))
        figures = {}
        for count in (1, 10, 50):
            say(f"asking {count}")
            figures[str(count)] = _measured(folder, count, real, key, rounds)
    fields = {"rounds": rounds, "whole": whole, "rows": rows, "deadline_s": DEADLINE, "delay_s": DELAY}
    return {
        **fields,
        "dead_percent": DEAD,
        "reads_of_an_answer": READS,
        "cores": os.cpu_count(),
        "agencies": figures,
    }


def _measured(
    folder: Path, count: int, real: Sequence[RegistryRecord], key: OwnKey, rounds: int
) -> dict[str, Any]:
    dead = count * DEAD // 100
    there = list(real)[: count - dead]
    with ExitStack() as stack:
        delays = stack.enter_context(_delayed(folder, count - dead - len(there)))
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(dead)]
        gone = [_agency(f"dead-{n}", _key(200 + n), one.getsockname()[1]) for n, one in enumerate(silent)]
        settings = _asker(folder / f"asks-{count}", folder, [*there, *delays, *gone], key)
        door = Door(settings, WHO, "platestream bench", Clients(settings))
        timed = [_once(door) for _ in range(rounds + 1)][1:]  # the first opens what stays open
        door.close()
    figures: dict[str, Any] = {"whole": len(there), "delayed": len(delays), "dead": dead}
    names = {"first": "first_answer_ms", "last": "last_answer_ms", "end": "end_ms", "cpu": "asking_cpu_ms"}
    for which, name in names.items():
        figures[name] = _spread([one[which] for one in timed])
    said = [outcome for one in timed for outcome in one["outcomes"]]
    figures["outcomes"] = dict(Counter(said))
    return figures


def _once(door: Door) -> dict[str, Any]:
    began, worked, came, outcomes = time.perf_counter(), time.process_time(), [], []
    for answer in asking.ask(door, SearchRequest("search", LEAD), ["all"], reason="benchmark of partners"):
        outcomes.append(answer.outcome)
        if answer.outcome == "answered":
            came.append(time.perf_counter() - began)
    end = time.perf_counter() - began
    found = {"first": (came or [end])[0], "last": (came or [end])[-1], "end": end}
    return {**found, "cpu": time.process_time() - worked, "outcomes": outcomes}


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50": round(1000 * ordered[len(ordered) // 2], 1),
        "p99": round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
    }


def _asker(data: Path, folder: Path, partners: Sequence[RegistryRecord], key: OwnKey) -> Settings:
    """An agency with its tables, its registry and its key."""
    file = folder / "asks.toml"
    ask = f"[ask]\ndeadline_s = {DEADLINE}\na_minute = 100000\n"
    file.write_text(f'here = true\nauthorities = "c.pem"\n{ask}')
    settings = Settings(clickhouse=f"chdb://{data / 'tables'}", data=data, partners_file=file)
    _lay_out(settings, "bench", key, partners)
    return settings


@contextmanager
def _whole(folder: Path, number: int, asks: OwnKey, rows: int) -> Iterator[RegistryRecord]:
    """A process of its own that answers; its agency as others have it."""
    data, key, port = folder / f"agency-{number}", _key(10 + number), free_port()
    file = folder / f"agency-{number}.toml"
    file.write_text(
        f'[serve]\naddress = "https://localhost:{port}"\nport = {port}\na_minute = 100000\n'
        'certificate = "c.pem"\nkey = "k.pem"\n'
    )
    settings = Settings(clickhouse=f"chdb://{data / 'tables'}", data=data)
    _lay_out(settings, f"agency-{number}", key, [_agency("bench", asks, 0)], rows)
    fields = {"DATA": str(data), "CLICKHOUSE": settings.clickhouse, "PARTNERS_FILE": str(file)}
    environment = {**os.environ, **{f"PLATESTREAM_{name}": value for name, value in fields.items()}}
    process = subprocess.Popen([sys.executable, "-m", "platestream", "partners", "serve"], env=environment)
    try:
        _wait(port)
        yield _agency(f"agency-{number}", key, port)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _delayed(folder: Path, count: int) -> Iterator[list[RegistryRecord]]:
    """So many agencies that answer after DELAY."""
    keys = {free_port(): _key(50 + number) for number in range(count)}
    fields = {
        "agencies": {str(port): one.private for port, one in keys.items()},
        "delay": DELAY,
        "reads": READS,
    }
    fields |= {"certificate": str(folder / "c.pem"), "key": str(folder / "k.pem")}
    command = [sys.executable, "-m", "benchmarks.partner_delays"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(fields))
        process.stdin.close()
        process.stdout.readline()
        yield [_agency(f"delayed-{n}", one, port) for n, (port, one) in enumerate(keys.items())]
    finally:
        process.terminate()
        process.wait()


def _lay_out(
    settings: Settings, name: str, key: OwnKey, partners: Sequence[RegistryRecord], rows: int = 0
) -> None:
    now = datetime.now(UTC)
    own = RegistryRecord(kind="agency", id=name, name=name, own=True, changed_at=now)
    trained: dict[str, Any] = {"agency": name, "trained_at": now - timedelta(days=9), "role": ",".join(ROLES)}
    records = [own, *partners, RegistryRecord(kind="user", id=WHO, name=WHO, changed_at=now, **trained)]
    client = connect(settings.clickhouse, OWNER)
    migrate.apply(client)
    if rows:
        fill(client, rows, pictures=False)
    table = tables.REGISTRY
    data = [row for one in records for row in table.rows(one)]
    client.insert(
        f"platestream.{table.name}", data, column_names=list(table.columns), settings=INSERT_SETTINGS
    )
    client.close()
    publish(open_topics(settings, follow=False), topics.REGISTRY, records)
    with register.own_key_store(settings)._file.writing() as kept:
        kept[key.fingerprint] = key


def _agency(name: str, key: OwnKey, port: int) -> RegistryRecord:
    now = datetime.now(UTC)
    return RegistryRecord(
        kind="agency",
        id=name,
        name=name,
        mou_from=now - timedelta(days=9),
        address=f"https://localhost:{port}",
        keys=(key.public,),
        changed_at=now,
    )


def _key(seed: int) -> OwnKey:
    return OwnKey(base64.b64encode(bytes([seed] * 32)).decode(), datetime.now(UTC), True)


def _certificate(folder: Path) -> None:
    made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "k.pem"), "-out", str(folder / "c.pem")]
    subprocess.run(["openssl", "req", *made, *named, *files], check=True, capture_output=True)  # noqa: S607


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("a server of partners did not begin in 60 s")
