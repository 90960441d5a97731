"""`platestream dead-letters` on the embedded edge: what was refused is looked at and sent again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from platestream.cli.main import app
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic
from tests.support.database import Database
from tests.support.door import person, signed_in_as, staffed
from tests.support.stored_topics import stored_topics

AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
HEADERS = {"camera-id": "N1", "captured-at": "2026-11-24T15:00:00Z"}
BYTES = b"\xff\xd8AST3087\x00\n{}"


class Administrator:
    """Runs commands; a refusal is returned as its text."""

    def __init__(self, data: Path, database: Database) -> None:
        self.streams, self._database = stored_topics(data), database

    def __call__(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["dead-letters", *words])
        assert done.exit_code == code, done.output + repr(done.exception)
        return (done.output + str(done.exception or "")).replace("\n", " ")

    def refused(self, topic: str, offset: int, value: bytes | None = BYTES, reason: str = "future") -> str:
        letter = DeadLetter(
            topic=topic, partition=3, offset=offset, reason=reason, detail="captured in an hour", key=b"N1",
            value=value, headers=HEADERS, timestamp=AT,
        )  # fmt: skip
        self.streams.writer(topics.DEAD_LETTERS).publish([letter])
        return letter.origin

    def sent(self, topic: Topic[Any]) -> list[Message]:
        return list(self.streams.read_to_end(topic))

    def log(self, kind: str, columns: str = "who, other, outcome, change") -> list[tuple[str, ...]]:
        return self._database.rows(
            f"SELECT {columns} FROM platestream.inquiry_log WHERE kind = {{kind:String}} ORDER BY at",
            kind=kind,
        )


@pytest.fixture
def admin(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Administrator:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    signed_in_as(monkeypatch, "lee")
    staffed(database, person("lee", "administrator"), person("vale", "officer"))
    return Administrator(tmp_path / "data", database)


def test_they_are_listed_by_topic_and_reason_without_what_is_in_them(admin: Administrator) -> None:
    frame = admin.refused("frames", 12)
    admin.refused("frames", 12)
    other = admin.refused("hotlist", 1, reason="schema")
    result = admin("list")
    assert (result.count(frame), result.count(other), result.count("AST3087")) == (1, 1, 0)
    assert other not in admin("list", "--topic", "frames")
    assert frame not in admin("list", "--reason", "schema", "--json")
    assert [row[1:3] for row in admin.log("dead_letter_show")] == [
        ("topic any, reason any", "allowed"),
        ("topic frames, reason any", "allowed"),
        ("topic any, reason schema", "allowed"),
    ]


def test_what_is_in_a_letter_is_written_to_a_new_file_only(admin: Administrator, tmp_path: Path) -> None:
    admin.refused("frames", 12)
    origin, file = admin.refused("frames", 1), tmp_path / "refused.jpg"
    result = admin("show", origin)
    assert "captured in an hour" in result
    assert "N1" in result
    assert "AST3087" not in result + admin("show", origin, "--json")
    admin("show", origin, "--save", str(file))
    assert file.read_bytes() == BYTES
    assert file.stat().st_mode & 0o077 == 0
    assert "already exists" in admin("show", origin, "--save", str(file), code=1)
    assert "no dead letter frames/3/2" in admin("show", "frames/3/2", code=1)
    assert admin.log("dead_letter_show")[-1][1:3] == ("frames/3/2", "refused")


@pytest.mark.parametrize(
    "topic", [topics.FRAMES, topics.DETECTIONS, topics.HIT_ACTIONS], ids=lambda one: one.name
)
def test_a_letter_is_sent_again_as_it_came_and_a_second_time_only_when_that_is_said(
    admin: Administrator, topic: Topic[Any]
) -> None:
    origin = admin.refused(topic.name, 12)
    assert f"sent to {topic.name}" in admin("send-again", origin)
    (message,) = admin.sent(topic)
    assert admin.log("dead_letter_resend", "effect")[-1] == (message.effect,)
    assert (message.key, message.value, message.headers) == (b"N1", BYTES, HEADERS)
    assert message.timestamp == (None if topic.time_of_arrival else AT)
    assert "was sent again before, 1 times" in admin("send-again", origin, code=1)
    assert len(admin.sent(topic)) == 1
    admin("send-again", origin, "--again")
    assert len(admin.sent(topic)) == 2
    change = f"sent to the topic {topic.name} again"
    assert admin.log("dead_letter_resend") == [
        ("lee", origin, "allowed", change),
        ("lee", origin, "refused", ""),
        ("lee", origin, "allowed", change),
    ]
    assert '"sent_again":2' in admin("list", "--json")


@pytest.mark.parametrize(
    ("topic", "value", "why"),
    [
        ("frames", None, "no payload was kept"),
        ("notify/dispatch", BYTES, "not sent late"),
        ("hotlist", BYTES, "could stand for a newer one"),
        ("registry", BYTES, "could stand for a newer one"),
        ("inquiries", BYTES, "could stand for a newer one"),
        ("deliveries", BYTES, "could stand for a newer one"),
        ("elsewhere", BYTES, "no topic that letters are sent to again"),
    ],
)
def test_what_must_not_be_sent_again_is_refused_on_record(
    admin: Administrator, topic: str, value: bytes | None, why: str
) -> None:
    origin = admin.refused(topic, 12, value)
    before = admin.sent(topics.DEAD_LETTERS)
    assert why in admin("send-again", origin, code=1)
    assert admin.log("dead_letter_resend") == [("lee", origin, "refused", "")]
    assert admin.sent(topics.DEAD_LETTERS) == before
    assert [one for one in topics.TOPICS if one is not topics.DEAD_LETTERS and admin.sent(one)] == []


def test_only_an_administrator_sees_and_sends_them(
    admin: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = admin.refused("frames", 12)
    signed_in_as(monkeypatch, "vale")
    for words in (("list",), ("show", origin), ("send-again", origin)):
        assert "it takes administrator" in admin(*words, code=1)
    assert admin.sent(topics.FRAMES) == []
