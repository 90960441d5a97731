"""A system that runs, cameras that upload to it, and its recount."""

import os
import random
import signal
import socket
import sqlite3
import threading
import time
from base64 import b64decode
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError

import httpx

from platestream.settings import system_account
from tests.checker import gather
from tests.checker.check import Evidence, Fault, faults, figures
from tests.checker.journal import Camera, Journal
from tests.checker.unseal import unseal_picture
from tests.support.clock import NOW
from tests.support.gateway import PLACE, account
from tests.support.kafka_broker import free_port, wait_until
from tests.support.receivers import SECRET, HttpReceiver
from tests.support.up import System, founding

NAMES = ("a-gate", "b-yard", "c-exit")
LISTED = {
    f"KT{name[0].upper()}{1000 + number}": f"acic:{name}{number}" for name in NAMES for number in (0, 2)
}
OFFICER, PASSWORD = "vale", "an officer's password"
TABLES = {
    "detections": "SELECT detection_id, plate, frames FROM platestream.detections FINAL",
    "images": "SELECT detection_id, kind, hex(sha256) AS told, hex(SHA256(jpeg)) AS is, "
    "base64Encode(jpeg) AS stored FROM platestream.images FINAL",
    "dead_letters": "SELECT topic FROM platestream.dead_letters FINAL",
    "alert_hits": "SELECT hit_id, detection_id, entry_id FROM platestream.alert_hits FINAL",
    "deliveries": "SELECT delivery_id, hit_id, receiver, outcome FROM platestream.deliveries FINAL",
    "inquiry_seals": "SELECT seal, hash, entry FROM platestream.inquiry_seals",
    "inquiry_log": "SELECT entry FROM platestream.inquiry_log",
}
RULES = """
oldest = "20 days"
[[receivers]]
name = "cad"
webhook = "{web}"
secret_file = "{secret}"
[[routes]]
to = ["cad"]
historical = true
"""


def read_tables(owner: str, keys: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table, and whether each stored picture is one, opened with the keys of this folder."""
    rows = {table: gather.rows(owner, sql) for table, sql in TABLES.items()}
    for row in rows["images"]:
        picture = unseal_picture(keys, row["detection_id"], row["kind"], b64decode(row.pop("stored")))
        row["picture"] = picture[:3] == b"\xff\xd8\xff"
    return rows


@dataclass
class Street:
    """A system that runs, three cameras that upload to it, and a receiver of its notices."""

    system: System
    cameras: list[Camera]
    journal: Journal
    web: HttpReceiver
    killed: dict[str, int] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=lambda: LISTED)

    def begin(self) -> None:
        """Start everything; whoever registers first is the administrator."""
        self.system.up()
        trained = ["--agency", "sjpd", "--trained", f"{NOW - timedelta(days=10):%Y-%m-%d}"]
        for result in (
            *founding(system_account()),
            [
                "registry",
                "user",
                OFFICER,
                "--title",
                "Vale",
                "--employee-number",
                "2",
                *trained,
                "--role",
                "officer",
            ],
            ["hotlist", "import", str(self._hot_list()), "--source", "acic"],
        ):
            ran = self.system.run(*result)
            # Releases before the rule do not know it, and ask for no second factor.
            assert ran.returncode == 0 or "--second-factor" in result, ran.stdout + ran.stderr
        code = self.system.run("account", "set", OFFICER).stdout.strip()
        page = f"http://localhost:{self.system.console}/redeem"
        wait_until(lambda: httpx.get(page).status_code == 200, 60, "the console")
        asked = {"who": OFFICER, "code": code, "password": PASSWORD, "again": PASSWORD}
        assert httpx.post(page, data=asked).status_code < 400

    def _hot_list(self) -> Path:
        file = self.system.folder / "acic.csv"
        ends = (NOW + timedelta(days=20)).date()
        words = "26-001234,stolen from the fair,Dispatch,928-555-0101,P/C for arrest"
        lines = [
            f"{entry.removeprefix('acic:')},stolen_vehicle,{plate},AZ,{words},{ends}"
            for plate, entry in self.listed.items()
        ]
        fields = "reference,category,plate,state,case_number,reason,requested_by,contact"
        fields += ",instructions,expires_at"
        file.write_text("\n".join([fields, *lines, ""]))
        return file

    def kill(self, chance: random.Random) -> None:
        """Any process that runs; what is being restarted is left out."""
        running = {one.name: one.pid for one in self.system.supervisor.states() if one.state == "running"}
        if running:
            name = chance.choice(sorted(running))
            os.kill(running[name], signal.SIGKILL)
            self.killed[name] = self.killed.get(name, 0) + 1

    def found(self, shown: set[str] | None = None) -> Evidence:
        """Read everything."""
        kafka, data = self.system.kafka, self.system.data
        return Evidence(
            self.journal.sends(),
            {
                topic: gather.kafka_topic(kafka, topic) if kafka else gather.topic_file(data, topic)
                for topic in ("frames", "detections", "alert_hits", "inquiries")
            },
            read_tables(self.owner, data / "keys"),
            self.listed,
            "cad",
            self.web.ids,
            shown,
            whole=frozenset({"frames"} if kafka else ()),
        )

    def settled(self, within: float, shown: set[str] | None = None) -> Evidence:
        """Everything, once nothing is wrong; raises AssertionError with what stays wrong."""
        until = time.monotonic() + within
        wrong: list[Fault] = []
        while time.monotonic() < until:
            try:
                found = self.found(shown)
                wrong = faults(found)
            except URLError:  # the database was the last that was killed
                wrong = [Fault("lost", "the database")]
            if not wrong:
                return found
            time.sleep(2)
        raise AssertionError(f"{len(wrong)} faults after {within:.0f} s, such as {wrong[:8]}")

    @property
    def owner(self) -> str:
        """The DSN of the account that owns the tables."""
        return (self.system.data / "accounts" / "clickhouse_migrate").read_text().strip()

    def recount(self, began: float) -> None:
        """Nothing is wrong, on the officer's page, too."""
        minutes = (time.monotonic() - began) / 60
        self.settled(900)
        wait_until(self._page_answers, 120, "the console")
        self._whole()
        shown = gather.shown_hits(self.system.console, OFFICER, PASSWORD, "recount of a run")
        found = self.settled(120, shown)
        unanswered = sum(one.unanswered for one in self.cameras)
        print(
            f"{sum(self.killed.values())} kills in {minutes:.1f} min ({self.killed}), "
            f"{unanswered} uploads without an answer: {figures(found)}"
        )
        assert figures(found)["hits"] > 0
        until = time.monotonic() + 120
        while wrong := self._wrong():
            assert time.monotonic() < until, f"wrong by `status`: {wrong}"
            time.sleep(1)

    def _whole(self) -> None:
        """The files of all tables are as their checksums say."""
        for table in TABLES:
            parts = gather.rows(self.owner, f"CHECK TABLE platestream.{table}")
            assert all(part["is_passed"] for part in parts), parts

    def _wrong(self) -> list[str]:
        """What `status` says, but for cameras that are silent by now, and for the many kills."""
        result = self.system.status()["wrong"]
        return [one for one in result if "no frame for" not in one and "times in ten minutes" not in one]

    def _page_answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.system.console)) == 0

    def plant(self) -> set[str]:
        """Faults in the real tables and topics; the kinds that the checker then finds."""
        for sql in (
            "INSERT INTO platestream.detections SELECT * REPLACE(generateUUIDv4() AS detection_id) "
            "FROM platestream.detections LIMIT 1",
            "ALTER TABLE platestream.deliveries DELETE WHERE 1 SETTINGS mutations_sync = 2",
        ):
            gather.rows(self.owner, sql)
        for topic, sql in (
            ("alert_hits", "DELETE FROM messages WHERE place = (SELECT min(place) FROM messages)"),
            ("inquiries", "UPDATE messages SET value = replace(value, 'allowed', 'refused') WHERE place = 1"),
        ):
            with closing(sqlite3.connect(self.system.data / "topics" / f"{topic}.sqlite3", timeout=30)) as db:
                db.execute(sql)
                db.commit()
        return {one.kind for one in faults(self.found())}


def street(folder: Path, web: HttpReceiver, kafka: str = "") -> Street:
    port = free_port()
    tables = [
        f'[cameras.{name}]\nkind = "http"\ncredentials_file = "{name}.account"\nrate = 60.0\n'
        f"trust = 1e8\n{PLACE}"
        for name in NAMES
    ]
    for name in NAMES:
        account(folder, name)
    (folder / "secret").write_text(SECRET)
    (folder / "notify.toml").write_text(RULES.format(web=web.url, secret=folder / "secret"))
    text = f'[http]\nlisten = "127.0.0.1:{port}"\n{"".join(tables)}'
    system = System.of(folder, kafka, text, console=free_port())
    system.notify = folder / "notify.toml"
    # In the past, and never caught up with: a camera whose clock is trusted sends what it kept. Younger than
    # the seven days after which a broker drops a detection by its capture time.
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    journal = Journal(folder / "journal")
    return Street(system, [Camera(name, port, first, journal) for name in NAMES], journal, web)


def uploading(made: Street) -> list[threading.Thread]:
    threads = [threading.Thread(target=one.run, daemon=True) for one in made.cameras]
    for one in threads:
        one.start()
    return threads


def over(made: Street, threads: list[threading.Thread]) -> None:
    for camera in made.cameras:
        camera.over.set()
    for one in threads:
        one.join(180)
        assert not one.is_alive(), f"a camera still waits for its answer:\n{made.system.log[-6000:]}"
