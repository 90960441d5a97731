"""What is there after a run, read from topics, tables and pages with nothing of the project's own."""

import base64
import json
import re
import sqlite3
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.checker.unseal import unseal


@dataclass(frozen=True)
class Poll:
    """One message, and where it stands; `arrived` is in seconds since 1970, 0 where it is not known."""

    partition: int
    offset: int
    key: bytes | None
    headers: dict[str, str]
    value: bytes | None
    arrived: float = 0.0

    @property
    def json(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.value or b"{}")
        return result


def topic_file(folder: Path, topic: str) -> list[Poll]:
    """A topic of the embedded edge: one SQLite file."""
    file = folder / "topics" / f"{topic}.sqlite3"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as db:
        rows = db.execute(
            "SELECT partition, place, key, headers, value FROM messages ORDER BY place"
        ).fetchall()
    found = []
    for partition, place, key, headers, sealed in rows:
        value, all_headers = unseal(folder / "keys", topic, json.loads(headers or b"{}"), sealed)
        found.append(Poll(partition, place, key, all_headers, value))
    return found


def kafka_topic(
    bootstrap: str,
    topic: str,
    isolation: str = "read_committed",
    signed_in: Mapping[str, Any] = MappingProxyType({}),
) -> list[Poll]:
    """A topic of a broker, from its first offset to the end that it has now."""
    consumer = Consumer(
        {
            **signed_in,
            "bootstrap.servers": bootstrap,
            "group.id": "checker",
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = consumer.list_topics(topic, 20).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        unread, found, until = set(partitions), list[Poll](), time.monotonic() + 120
        while unread and time.monotonic() < until:
            message: Any = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is None:
                headers = {name: value.decode() for name, value in message.headers() or []}
                place = (message.partition(), message.offset())
                _kind, arrived = message.timestamp()
                found.append(Poll(*place, message.key(), headers, message.value(), arrived / 1000))
            elif message.error().name() == "_PARTITION_EOF":
                unread.discard(message.partition())
        assert not unread, f"{topic}: partitions {unread} were not read to their end"
        return found
    finally:
        consumer.close()


def rows(dsn: str, sql: str) -> list[dict[str, Any]]:
    """What a ClickHouse answers over HTTP, a dictionary a row."""
    result = urllib.parse.urlsplit(dsn)
    account = f"{urllib.parse.unquote(result.username or '')}:{urllib.parse.unquote(result.password or '')}"
    asked = urllib.request.Request(
        f"{result.scheme}://{result.hostname}:{result.port}/?default_format=JSONEachRow&output_format_json_quote_64bit_integers=0",
        sql.encode(),
        {"Authorization": f"Basic {base64.b64encode(account.encode()).decode()}"},
    )
    try:
        trusted = urllib.parse.parse_qs(result.query).get("ca_cert")
        context = ssl.create_default_context(cafile=trusted[0]) if trusted else None
        with urllib.request.urlopen(asked, timeout=60, context=context) as answer:
            return [json.loads(line) for line in answer.read().splitlines() if line]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{sql}: {error.code} {error.read().decode()[:300]}") from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: an answer that says so is an error."""

    def redirect_request(self, *_told: Any) -> None:
        return None


def shown_hits(port: int, who: str, password: str, reason: str) -> set[str]:
    """The hits that the console shows to `who` who looks for all of them: every part and group is opened."""
    base, signed_in = f"http://localhost:{port}", dict[str, str]()
    opener = urllib.request.build_opener(_Stay)

    def get(path: str, **fields: str) -> str:
        data = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            asked = urllib.request.Request(f"{base}{path}", data, {"Origin": base, **signed_in})
            with opener.open(asked, timeout=60) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            # A session's cookie is for TLS alone, which browsers take this machine for, and Python does not.
            if error.code != 303 or path != "/sign-in":
                raise AssertionError(f"{path}: {error.code} {error.read().decode()[:300]}") from None
            signed_in["Cookie"] = str(error.headers["set-cookie"]).partition(";")[0]
            return ""

    get("/sign-in", who=who, password=password, next="")
    form = get("/hits/look")
    (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', form)
    pages, opened, found = [get("/hits", csrf=proof, reason=reason)], set[str](), set[str]()
    while pages:
        page = pages.pop()
        found |= set(re.findall(r'href="/hits/([0-9a-f]{8}-[0-9a-f-]{27})"', page))
        further = set(re.findall(r'"(/hits/(?:older|finds)/[^"]+)"', page)) - opened
        opened |= further
        pages += map(get, further)
    return found
