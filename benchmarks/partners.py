"""Asking 1, 10, 50 and 100 agencies at once: when the first and the last answer are there, some being dead.

Some are whole: a process of `platestream partners serve` with tables of its own. The others answer after a
delay by the same signatures and TLS, all from one process. A dead one takes a connection and says nothing, so
it is waited for until the deadline; the last answer is the last of those that live. 100 are asked twice: the
second time with slow ones, and with some that lie.
"""

import base64
import itertools
import json
import os
import resource
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

from benchmarks.partner_delays import LIES
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

DEADLINE, DELAY, SLOW = 3.0, 0.1, 10.0  # seconds; a slow one takes half of its delay at least
DEAD = 10  # of a hundred
MIXED = {"slow": 10, "lying": 2 * len(LIES)}
PERIOD = timedelta(days=7)
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
        for count, slow, lying in ((1, 0, 0), (10, 0, 0), (50, 0, 0), (100, 0, 0), (100, *MIXED.values())):
            name = f"{count}, {slow} slow, {lying} lying" if lying else str(count)
            say(f"asking {name}")
            figures[name] = _measured(
                folder / name.replace(" ", ""), folder, count, slow, lying, real, key, rounds
            )
    fields = {"rounds": rounds, "whole": whole, "rows": rows, "deadline_s": DEADLINE, "delay_s": DELAY}
    return {
        **fields,
        "dead_percent": DEAD,
        "lies": LIES,
        "reads_of_an_answer": READS,
        "cores": os.cpu_count(),
        "agencies": figures,
    }


def _measured(
    data: Path,
    folder: Path,
    count: int,
    slow: int,
    lying: int,
    real: Sequence[RegistryRecord],
    key: OwnKey,
    rounds: int,
) -> dict[str, Any]:
    dead = count * DEAD // 100
    there = list(real)[: count - dead]
    kinds = ["delayed"] * (count - dead - len(there) - slow - lying) + ["slow"] * slow
    kinds += [lie for _number, lie in zip(range(lying), itertools.cycle(LIES), strict=False)]
    with ExitStack() as stack:
        others = stack.enter_context(_delayed(folder, kinds))
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(dead)]
        gone = [_agency(f"dead-{n}", _key(200 + n), one.getsockname()[1]) for n, one in enumerate(silent)]
        settings = _asker(data, folder, [*there, *others, *gone], key)
        door = Door(settings, WHO, "platestream bench", Clients(settings))
        timed = [_once(door) for _ in range(rounds + 1)][1:]  # the first opens what stays open
        door.close()
    figures: dict[str, Any] = {"whole": len(there), **Counter(kinds), "dead": dead}
    names = {"first": "first_answer_ms", "last": "last_answer_ms", "end": "end_ms", "cpu": "asking_cpu_ms"}
    for which, name in names.items():
        figures[name] = _spread([one[which] for one in timed])
    said = Counter(outcome for one in timed for outcome in one["outcomes"])
    figures["outcomes"] = {f"{kind}: {outcome}": number for (kind, outcome), number in sorted(said.items())}
    figures["reads_shown"] = dict(sum((one["shown"] for one in timed), Counter()))
    figures["maximum_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    return figures


def _once(door: Door) -> dict[str, Any]:
    began, worked, came, outcomes = time.perf_counter(), time.process_time(), [], []
    shown: Counter[str] = Counter()
    asked = SearchRequest("search", LEAD, since=datetime.now(UTC) - PERIOD)
    for answer in asking.ask(door, asked, ["all"], reason="benchmark of partners"):
        kind = answer.agency.rpartition("-")[0]
        outcomes.append((kind, answer.outcome))
        shown[kind] += len(answer.reads)
        if answer.outcome == "answered":
            came.append(time.perf_counter() - began)
    end = time.perf_counter() - began
    found = {"first": (came or [end])[0], "last": (came or [end])[-1], "end": end}
    return {**found, "cpu": time.process_time() - worked, "outcomes": outcomes, "shown": shown}


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
def _delayed(folder: Path, kinds: Sequence[str]) -> Iterator[list[RegistryRecord]]:
    """An agency of each kind: `delayed`, `slow`, or a lie."""
    with ExitStack() as stack:  # all open at once, so that no port comes twice
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _kind in kinds]
        keys = {one.getsockname()[1]: _key(50 + number) for number, one in enumerate(free)}
    agencies = {
        str(port): {
            "private": one.private,
            "delay": SLOW if kind == "slow" else DELAY,
            "lie": kind if kind in LIES else "",
        }
        for (port, one), kind in zip(keys.items(), kinds, strict=True)
    }
    fields: dict[str, Any] = {"agencies": agencies, "reads": READS}
    fields |= {"certificate": str(folder / "c.pem"), "key": str(folder / "k.pem")}
    command = [sys.executable, "-m", "benchmarks.partner_delays"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(fields))
        process.stdin.close()
        process.stdout.readline()
        yield [
            _agency(f"{kind}-{n}", one, port, "127.0.0.1" if kind == "name" else "localhost")
            for n, (kind, (port, one)) in enumerate(zip(kinds, keys.items(), strict=True))
        ]
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


def _agency(name: str, key: OwnKey, port: int, host: str = "localhost") -> RegistryRecord:
    now = datetime.now(UTC)
    return RegistryRecord(
        kind="agency",
        id=name,
        name=name,
        mou_from=now - timedelta(days=9),
        address=f"https://{host}:{port}",
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
