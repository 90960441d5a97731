"""Many clients of one engine at once, most of them bad: `python -m tests.support.stress_engine`.

Writes one JSON object: requests and answers by code, what became of inserted rows, the longest that somebody
else's `SELECT 1` took meanwhile, and threads, open files and memory of the engine before, after, and after
the same again.
"""

import argparse
import base64
import json
import os
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from backports import zstd

from tests.support.engine import Engine, password
from tests.support.measure_engine import resident

SLOW = "SELECT sum(sleepEachRow(0.1)) FROM numbers(600) SETTINGS max_block_size = 1"
LARGE = "SELECT number, repeat('x', 100) FROM numbers(3000000)"
TABLE = "CREATE TABLE platestream.stress (n UInt64) ENGINE = MergeTree ORDER BY n"
BATCH = 100


class Stress:
    """Clients of `engine` until `stop`; each kind is a method that asks once."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine = engine
        self.stop = threading.Event()
        self.codes: Counter[str] = Counter()
        self.acknowledged: list[int] = []
        self.longest = 0.0
        self._chance = random.Random(seed)
        self._next = 0
        self._lock = threading.Lock()

    def run(self, seconds: float) -> None:
        """All kinds of clients side by side, then wait for them to end."""
        self.stop.clear()
        kinds: list[tuple[int, Callable[[], str]]] = [
            (3, self.insert),
            (3, self.select),
            (2, self.leave),
            (2, self.kill),
            (2, self.break_body),
            (1, self.cut_off),
            (1, self.read_slowly),
            (1, self.send_slowly),
            (1, self.session),
            (1, self.guess),
        ]
        clients = [
            threading.Thread(target=self._again, args=(kind,)) for count, kind in kinds for _ in range(count)
        ]
        clients.append(threading.Thread(target=self._watch))
        for client in clients:
            client.start()
        time.sleep(seconds)
        self.stop.set()
        for client in clients:
            client.join(timeout=120)
            assert not client.is_alive(), "a client hangs"

    def insert(self) -> str:
        with self._lock:
            first, self._next = self._next, self._next + BATCH
        rows = "\n".join(str(first + n) for n in range(BATCH))
        answer = self._post("owner", rows, query="INSERT INTO platestream.stress FORMAT TSV")
        if answer.status_code == 200:
            self.acknowledged.extend(range(first, first + BATCH))
        return self._code(answer)

    def select(self) -> str:
        return self._code(self._post("smith", "SELECT count(), sum(number) FROM numbers(100000)"))

    def leave(self) -> str:
        try:
            self._post("smith", SLOW, timeout=self._chance.uniform(0.01, 1.5))
        except httpx.TimeoutException:
            return "left"
        return "answered"

    def kill(self) -> str:
        query_id = str(uuid4())
        wait = self._chance.uniform(0.1, 1)
        killer = threading.Timer(
            wait, lambda: self._post("smith", f"KILL QUERY WHERE query_id = '{query_id}'")
        )
        killer.start()
        answer = self._post("smith", SLOW.replace("600", "30"), query_id=query_id)
        killer.join()
        return self._code(answer)

    def break_body(self) -> str:
        noise = self._chance.randbytes(self._chance.randrange(1, 20_000))
        broken: list[tuple[bytes, dict[str, str], dict[str, str]]] = [
            (noise, {"query": "INSERT INTO platestream.stress FORMAT Native"}, {}),
            (noise, {"query": "INSERT INTO platestream.stress FORMAT TSV", "decompress": "1"}, {}),
            (noise, {}, {}),
            (noise, {}, {"Content-Encoding": "zstd"}),
            (zstd.compress(noise)[:-3], {}, {"Content-Encoding": "zstd"}),
            (noise, {}, {"Content-Type": "multipart/form-data; boundary=x"}),
            (b"SELECT " + b"(" * 3000, {}, {}),
        ]
        body, params, headers = self._chance.choice(broken)
        return self._code(self._post("owner", body, headers=headers, params=params))

    def cut_off(self) -> str:
        with self._socket(b"1\n2\n", 1000, query="INSERT+INTO+platestream.stress+FORMAT+TSV"):
            self.stop.wait(self._chance.uniform(0, 0.5))
        return "cut off"

    def read_slowly(self) -> str:
        body = LARGE.encode()
        with self._socket(body, len(body)) as client:
            for _ in range(self._chance.randrange(5)):
                client.recv(1000)
                self.stop.wait(0.5)
        return "read a little"

    def send_slowly(self) -> str:
        with self._socket(b"SELECT", 100) as client:
            for _ in range(self._chance.randrange(8)):
                client.sendall(b" ")
                self.stop.wait(1)
        return "sent a little"

    def session(self) -> str:
        name = str(uuid4())
        self._post("smith", "SET max_threads = 1", session_id=name, session_timeout="1")
        return self._code(self._post("smith", "SELECT 1", session_id=name, session_timeout="1"))

    def guess(self) -> str:
        answer = httpx.post(self.engine.url, content="SELECT 1", auth=("jones", str(uuid4())), timeout=60)
        self.stop.wait(0.2)
        return self._code(answer)

    def _watch(self) -> None:
        while not self.stop.wait(0.5):
            began = time.monotonic()
            answer = self._post("check", "SELECT 1")
            self.longest = max(self.longest, time.monotonic() - began)
            self.codes[f"watch {self._code(answer)}"] += 1

    def _again(self, kind: Callable[[], str]) -> None:
        while not self.stop.is_set():
            try:
                said = kind()
            except (httpx.TransportError, OSError) as error:
                said = type(error).__name__
            with self._lock:
                self.codes[f"{kind.__name__}: {said}"] += 1

    def _post(
        self,
        account: str,
        body: str | bytes,
        *,
        timeout: float = 100,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        **more: str,
    ) -> httpx.Response:
        auth = httpx.BasicAuth(account.encode(), password(account).encode())
        return httpx.post(
            self.engine.url,
            content=body,
            auth=auth,
            timeout=timeout,
            headers=headers,
            params={**(params or {}), **more},
        )

    def _socket(self, body: bytes, length: int, query: str = "") -> socket.socket:
        """A request of `length` whose first bytes are `body`."""
        signed = base64.b64encode(f"owner:{password('owner')}".encode()).decode()
        client = socket.create_connection(("127.0.0.1", self.engine.port), timeout=100)
        client.sendall(
            f"POST /?query={query} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {signed}\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
            + body
        )
        return client

    def _code(self, answer: httpx.Response) -> str:
        return str(answer.headers.get("x-clickhouse-exception-code", answer.status_code))


def run(engine: Engine, seconds: float, seed: int = 1) -> dict[str, Any]:
    """The figures. Raises AssertionError where a client hangs or a row is lost."""
    engine.ask("CREATE DATABASE IF NOT EXISTS platestream")
    engine.ask(TABLE)
    stress = Stress(engine, seed)
    states = [state(engine)]
    for _ in range(2):
        stress.run(seconds / 2)
        states.append(state(engine, quiet=True))
    there = {row[0] for row in engine.rows("SELECT n FROM platestream.stress")}
    return {
        "requests": sum(stress.codes.values()),
        "answers": dict(sorted(stress.codes.items())),
        "rows acknowledged": len(stress.acknowledged),
        "rows lost": len(set(stress.acknowledged) - there),
        "rows twice": engine.rows("SELECT count() - uniqExact(n) FROM platestream.stress")[0][0],
        "longest SELECT 1 of another account, s": round(stress.longest, 2),
        "before, after, after the same again": states,
        "still running": engine.rows("SELECT count() - 1 FROM system.processes")[0][0],
    }


def state(engine: Engine, *, quiet: bool = False) -> dict[str, int]:
    """Memory, threads, and what is open for clients; with `quiet` once there is nothing to do.

    Not counted are files that the engine opens once: symbols, and three of /proc for each of its threads.
    """
    if quiet:
        end = time.monotonic() + 30
        while time.monotonic() < end and engine.rows("SELECT count() FROM system.processes") != [[1]]:
            time.sleep(0.5)
        time.sleep(6)  # connections kept alive are closed after 5 s
    mebibytes, threads = resident(engine.pid)
    return {
        "MiB": mebibytes,
        "threads": threads,
        "sockets, pipes, bodies": sum(_is_clients(file) for file in Path(f"/proc/{engine.pid}/fd").iterdir()),
    }


def _is_clients(file: Path) -> bool:
    try:
        return os.readlink(file).startswith(("socket:", "pipe:", "/memfd:"))
    except OSError:
        return False  # closed meanwhile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "engine", "--stalled", "5")
        engine.start()
        try:
            print(json.dumps(run(engine, options.seconds, options.seed), indent=1))
            errors = [line for line in engine.log.splitlines() if "a sign-in" not in line]
            print("\n".join(errors[-30:]))
        finally:
            engine.stop()


if __name__ == "__main__":
    main()
