"""`platestream up` as somebody runs it: in a folder of its own, its camera a folder of pictures."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from platestream.edges.changelog import read_to_end
from platestream.operations.up.status import status
from platestream.operations.up.supervisor import Supervisor
from platestream.schemas.acts import ROLES, Role
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.topics import ALERT_HITS, DETECTIONS, Topic
from platestream.settings import Settings, job_account, open_edge
from tests.support.clock import NOW
from tests.support.flows import plate_picture
from tests.support.kafka_broker import free_port, wait_until
from tests.support.stored_topics import stored_topics

YARD = '[cameras.yard]\nkind = "folder"\npath = "pictures"\nlatitude = 34.5\nlongitude = -109.4\n'
ROOT = Path(__file__).parent.parent.parent


def founding(who: str, *roles: Role) -> list[tuple[str, ...]]:
    """Commands that register an agency and `who` with these roles, or with all. Nobody needs a second factor:
    that is set before there are people, as later it takes one.
    """
    trained = f"{NOW - timedelta(days=10):%Y-%m-%d}"
    person = ("--title", who, "--agency", "sjpd", "--employee-number", "1", "--trained", trained)
    return [
        ("registry", "agency", "sjpd", "--title", "St. Johns PD", "--own", "--state", "AZ"),
        ("registry", "rules", "--second-factor", "nobody", "--by", "Chief"),
        ("registry", "user", who, *person, *(word for role in roles or ROLES for word in ("--role", role))),
    ]


@dataclass
class System:
    """The system of one folder. Commands run as whoever runs the tests."""

    folder: Path
    port: int
    kafka: str = ""
    console: int = 0
    accounts: Path | None = None
    clickhouse: str = ""
    notify: Path | None = None
    transparency: int = 0
    tree: Path = ROOT
    """Of the release that is started, and whose commands are run."""

    @classmethod
    def of(cls, folder: Path, kafka: str = "", cameras: str = YARD, console: int = 0) -> "System":
        one = cls(folder, free_port(), kafka, console)
        one.pictures.mkdir(parents=True)
        (folder / "cameras.toml").write_text(cameras)
        return one

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    @property
    def environment(self) -> dict[str, str]:
        result = {"PLATESTREAM_CLICKHOUSE": self.clickhouse} if self.clickhouse else {}
        if self.accounts:
            result |= {"PLATESTREAM_DOOR_FILE": str(job_account(self.accounts, "console"))}
        result |= {"PLATESTREAM_NOTIFY_FILE": str(self.notify)} if self.notify else {}
        keep = {key: value for key, value in os.environ.items() if not key.startswith("PLATESTREAM_")}
        result |= {"PYTHONPATH": str(self.tree)} if self.tree != ROOT else {}
        return {**keep, "PLATESTREAM_DATA": str(self.data), "PLATESTREAM_KAFKA": self.kafka, **result}

    def run(
        self, *arguments: str, timeout: float = 240, said: str = "", settings: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "platestream", *arguments]
        return subprocess.run(
            command,
            env={**self.environment, **(settings or {})},
            cwd=self.tree,
            input=said,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """The same, not waited for."""
        command = [sys.executable, "-m", "platestream", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environment, cwd=self.tree, stdout=pipe, stderr=pipe, text=True
        )

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.data)

    def up(self) -> None:
        config = str(self.folder / "cameras.toml")
        ports = ("--port", str(self.port), "--boards", "0", "--console", str(self.console))
        server = ("--accounts", str(self.accounts)) if self.accounts else ()
        public = (
            ("--transparency", "--transparency-port", str(self.transparency)) if self.transparency else ()
        )
        ran = self.run("up", "--cameras", config, *ports, *server, *public)
        assert ran.returncode == 0, ran.stdout + ran.stderr + self.log

    @property
    def settings(self) -> Settings:
        return Settings(data=self.data, kafka=self.kafka, clickhouse=self.clickhouse)

    def status(self, later: timedelta = timedelta(0)) -> dict[str, Any]:
        """Return the figures of `status --json` without a process, since a test that waits asks often.

        With `later` they are judged by a clock so far ahead, with nothing else changed.
        """
        now = datetime.now(UTC) + later
        found: dict[str, Any] = json.loads(msgspec.json.encode(status(self.settings, now)))
        return found

    def newest(self, topic: Topic[Any]) -> str:
        """All that is on a topic of the embedded edge, as text, likewise."""
        return "".join(map(repr, stored_topics(self.data).read_to_end(topic)))

    def pids(self) -> dict[str, int]:
        return {one["name"]: one["pid"] for one in self.status()["processes"]}

    @property
    def log(self) -> str:
        file = self.data / "log" / "platestream.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def photograph(self, plate: str, name: str) -> None:
        """A picture as a camera puts it into the folder: whole or not at all."""
        making = self.folder / f"{name}.making"
        making.write_bytes(plate_picture(plate))
        making.replace(self.pictures / f"{name}.jpg")

    def hits(self) -> list[AlertHit]:
        """Every hit on the topic, of whichever edge."""
        streams = open_edge(self.settings, follow=False).topics
        return [ALERT_HITS.decode(one) for one in read_to_end(streams, ALERT_HITS)]

    def list_a_vehicle_that_passes(self, plate: str) -> None:
        """It passes every three seconds when it is listed. Its first pass after the listing alerts."""
        every, enough, ends = 3.0, threading.Event(), datetime.now(UTC) + timedelta(days=20)

        def pass_by() -> None:
            number = 0
            while not enough.wait(every if number else 0):
                self.photograph(plate, f"{plate}-{number}")
                number += 1

        passing = threading.Thread(target=pass_by)
        passing.start()
        try:
            why = ("--reason", "stolen from the fair", "--by", "Ofc. Vale", "--contact", "928-555-0114")
            said = (*why, "--case", "26-001234", "--instructions", "P/C for arrest")
            what = ("--plate", plate, "--category", "stolen_vehicle", "--expires", f"{ends:%Y-%m-%d}")
            ran = self.run("hotlist", "add", plate, *what, *said)
            assert ran.returncode == 0, ran.stdout + ran.stderr

            def alerts() -> list[AlertHit]:
                return [hit for hit in self.hits() if hit.entry.plate == plate and not hit.historical]

            wait_until(lambda: bool(alerts()), 60, "an alert")
        finally:
            enough.set()
            passing.join()
        hit = min(alerts(), key=lambda hit: hit.detection.captured_at)
        listed = hit.entry.listed_at
        assert listed is not None
        streams = open_edge(self.settings, follow=False).topics
        read = [DETECTIONS.decode(one) for one in read_to_end(streams, DETECTIONS)]
        later = [one for one in read if one.plate == plate and one.last_at >= listed]
        first = min(later, key=lambda one: one.captured_at)
        assert hit.detection.detection_id == first.detection_id
