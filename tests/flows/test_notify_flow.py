"""Whole flows on the edge in memory, with a real HTTP server and a real SMTP server as receivers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.flows import notify_flow
from platestream.notifications import webhook_signature
from platestream.notifications.factory import open_post, open_senders
from platestream.operators.notify.outbox import Post
from platestream.operators.notify.rules import NotifyRules, parse_rules
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import Delivery, delivery_id
from platestream.schemas.message import RefusedError
from platestream.schemas.presence import Presence
from platestream.schemas.registry import RegistryRecord
from tests.support.flows import memory_edge, recovery, run
from tests.support.memory_edge import MemoryTables, MemoryTopics
from tests.support.receivers import (
    SECRET,
    HttpReceiver,
    MailReceiver,
    http_receiver,
    mail_receiver,
)

HOUR = timedelta(hours=1)
FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))


@pytest.fixture
def web() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    return file


def rules(
    secret_file: Path, web: HttpReceiver, mail: MailReceiver | None = None, more: str = ""
) -> NotifyRules:
    text = f"""
    patience = "3 seconds"
    {more}
    [[receivers]]
    name = "cad"
    webhook = "{web.url}"
    secret_file = "{secret_file}"
    [[routes]]
    to = ["cad"]
    """
    if mail is not None:
        text += f"""
        [[receivers]]
        name = "desk"
        mail = "desk@example.gov"
        [mail]
        server = "127.0.0.1:{mail.port}"
        security = "none"
        sender = "alpr@example.gov"
        domain = "alpr.example.gov"
        [[routes]]
        to = ["desk"]
        """
    return parse_rules(text)


def hit(number: int) -> AlertHit:
    seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC))
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen)


def put(streams: MemoryTopics, *numbers: int) -> None:
    for number in numbers:
        streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit(number)))


def outcomes(store: MemoryTables) -> dict[str, str]:
    return {row["receiver"]: row["outcome"] for row in store.rows(tables.DELIVERIES)}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_receiver_hears_of_each_hit_once_and_it_is_on_record(
    web: HttpReceiver, mail: MailReceiver, secret_file: Path, workers: int
) -> None:
    edge, streams, store = memory_edge()
    put(streams, 1, 2, 3, 2, 1)
    run(notify_flow.build(edge, rules(secret_file, web, mail)), workers=workers)
    rows = store.rows(tables.DELIVERIES)
    assert len(rows) == 6
    assert {row["outcome"] for row in rows} == {"delivered"}
    assert sorted(web.ids) == sorted(str(row["delivery_id"]) for row in rows if row["receiver"] == "cad")
    by_mail = [f"<{row['delivery_id']}@alpr.example.gov>" for row in rows if row["receiver"] == "desk"]
    assert sorted(mail.ids) == sorted(by_mail)
    assert len(streams.records(topics.DELIVERIES)) == 6


@pytest.mark.parametrize(("seconds", "outcome"), [(45, "connected"), (-1, "delivered")])
def test_the_next_channel_reaches_an_officer_on_shift_who_is_not_connected(
    web: HttpReceiver, secret_file: Path, seconds: float, outcome: str
) -> None:
    edge, streams, store = memory_edge()
    now = datetime.now(UTC)
    shift: dict[str, Any] = {
        "id": "rvale@1",
        "user": "rvale",
        "since": now - HOUR,
        "until": now + HOUR,
        "changed_at": now,
    }
    person: dict[str, Any] = {"id": "rvale", "agency": "sjpd", "role": "officer", "trained_at": now - HOUR}
    for record in (
        RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True),
        RegistryRecord(kind="user", name="Ofc. Vale", **person),
        RegistryRecord(kind="shift", name="Ofc. Vale", **shift),
    ):
        streams.append(topics.REGISTRY, topics.REGISTRY.encode(record))
    device = Presence(user="rvale", at=now, since=now, until=now + timedelta(seconds=seconds))
    streams.append(topics.PRESENCE, topics.PRESENCE.encode(device))
    put(streams, 1)
    text = f"""
    [[receivers]]
    name = "vale-phone"
    webhook = "{web.url}"
    secret_file = "{secret_file}"
    officer = "rvale"
    fallback = true
    [[routes]]
    to = ["on_shift"]
    """
    run(notify_flow.build(edge, parse_rules(text)))
    assert outcomes(store) == {"vale-phone": outcome}
    assert len(web.calls) == (outcome == "delivered")


def test_a_webhook_is_signed_and_by_default_holds_a_link_and_no_plate(
    web: HttpReceiver, secret_file: Path
) -> None:
    edge, streams, _store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, rules(secret_file, web)))
    (call,) = web.calls
    ident = webhook_signature.verify(
        webhook_signature.secret(SECRET), call.headers, call.body, datetime.now(UTC)
    )
    assert ident == call.headers["idempotency-key"]
    assert call.json["hit_id"] == str(UUID(int=1))
    assert FOUND.detection.plate.encode() not in call.body
    assert "pictures" not in call.json


def test_what_a_receiver_may_have_it_gets_pictures_too(
    web: HttpReceiver, mail: MailReceiver, secret_file: Path
) -> None:
    edge, streams, _store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, rules(secret_file, web, mail, 'shows = "picture"')))
    assert web.calls[0].json["plate"] == FOUND.detection.plate
    assert set(web.calls[0].json["pictures"]) == {"plate", "vehicle"}
    ((_at, message),) = mail.mails
    attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert attached == {"plate.jpg": FOUND.detection.crop, "vehicle.jpg": FOUND.detection.picture}
    body = message.get_body()
    assert body is not None
    assert FOUND.entry.instructions in body.get_content()


def test_a_dead_receiver_holds_up_nobody_and_what_is_given_up_is_a_dead_letter(
    web: HttpReceiver, mail: MailReceiver, secret_file: Path
) -> None:
    web.down = True
    edge, streams, store = memory_edge()
    put(streams, 1, 2)
    run(notify_flow.build(edge, rules(secret_file, web, mail)))
    assert outcomes(store) == {"cad": "failed", "desk": "delivered"}
    assert {row["reason"] for row in store.rows(tables.DELIVERIES)} == {"", "connection"}
    assert all(row["seconds"] < 1 for row in store.rows(tables.DELIVERIES) if row["receiver"] == "desk")
    letters = streams.records(topics.DEAD_LETTERS)
    assert {(letter.topic, letter.reason) for letter in letters} == {("notify/cad", "undelivered")}
    assert len(store.rows(tables.DEAD_LETTERS)) == 2


def test_what_a_receiver_rejects_is_not_tried_again(web: HttpReceiver, secret_file: Path) -> None:
    web.status = 400
    edge, streams, store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, rules(secret_file, web)))
    (row,) = store.rows(tables.DELIVERIES)
    assert (row["outcome"], row["attempts"], row["reason"]) == ("failed", 1, "http_400")


def test_mail_that_is_refused_for_good_is_given_up_at_once(
    web: HttpReceiver, mail: MailReceiver, secret_file: Path
) -> None:
    mail.refuse = "550 no such mailbox"
    edge, streams, store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, rules(secret_file, web, mail)))
    rows = {row["receiver"]: row for row in store.rows(tables.DELIVERIES)}
    assert (rows["desk"]["outcome"], rows["desk"]["attempts"], rows["desk"]["reason"]) == (
        *("failed", 1),
        "smtp_550",
    )


def test_a_receiver_that_comes_back_is_told_then(secret_file: Path, web: HttpReceiver) -> None:
    web.busy = 2
    edge, streams, store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, rules(secret_file, web)))
    (row,) = store.rows(tables.DELIVERIES)
    assert (row["outcome"], row["attempts"]) == ("delivered", 3)


def test_a_notice_that_a_receiver_chokes_on_holds_up_no_other(secret_file: Path, web: HttpReceiver) -> None:
    edge, streams, store = memory_edge()
    put(streams, 1, 2, 3)
    web.chokes_on = str(delivery_id(UUID(int=2), "cad"))
    run(notify_flow.build(edge, rules(secret_file, web)))
    result = {row["hit_id"].int: (row["outcome"], row["reason"]) for row in store.rows(tables.DELIVERIES)}
    assert result == {1: ("delivered", ""), 2: ("failed", "http_500"), 3: ("delivered", "")}
    assert max(row["seconds"] for row in store.rows(tables.DELIVERIES) if row["hit_id"].int != 2) < 2


def test_what_the_journal_has_and_the_ledger_has_not_is_not_sent_again(
    web: HttpReceiver, secret_file: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "notify" / "journal.jsonl"
    edge, streams, store = memory_edge()
    put(streams, 1, 2)
    by = rules(secret_file, web)
    done = Delivery.from_json(bytes(example("delivery").accepted))
    ident = delivery_id(UUID(int=1), "cad")
    done = msgspec.structs.replace(done, delivery_id=ident, hit_id=UUID(int=1), receiver="cad")
    journal.parent.mkdir()
    journal.write_bytes(done.to_json() + b"\n" + done.to_json()[:40])
    run(notify_flow.build(edge, by, partial(open_post, journal=journal)))
    assert web.ids == [str(delivery_id(UUID(int=2), "cad"))]
    assert len(store.rows(tables.DELIVERIES)) == 2
    assert journal.read_bytes() == b"", "all of it is in the ledger"


def test_a_full_replay_sends_nothing_again(web: HttpReceiver, secret_file: Path) -> None:
    edge, streams, store = memory_edge()
    put(streams, 1, 2)
    run(notify_flow.build(edge, rules(secret_file, web)))
    once = store.rows(tables.DELIVERIES)
    run(notify_flow.build(edge, rules(secret_file, web)))
    assert len(web.calls) == 2
    assert store.rows(tables.DELIVERIES) == once


def test_what_was_sent_right_before_a_crash_is_known_from_the_ledger_alone(
    web: HttpReceiver, secret_file: Path, tmp_path: Path
) -> None:
    edge, streams, store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    put(streams, 1)

    class CrashedError(RuntimeError):
        pass

    class DiesAfterSending:
        """Sends, writes the ledger, and takes the flow down before it hears of it."""

        def __init__(self, post: Post) -> None:
            self._post = post

        def submit(self, notice: Any) -> None:
            self._post.submit(notice)
            self._post.drain(notice.receiver)
            raise CrashedError

        def finished(self, box: str) -> list[Delivery]:
            return self._post.finished(box)

        def knows(self, receiver: str) -> bool:
            return self._post.knows(receiver)

        def drain(self, receiver: str) -> None:
            self._post.drain(receiver)

    by = rules(secret_file, web)
    with pytest.raises(BaseException) as crash:  # noqa: PT011 - Bytewax wraps it
        run(notify_flow.build(edge, by, lambda *given: DiesAfterSending(open_post(*given))), kept)
    assert "Crashed" in repr(crash.value) + repr(crash.value.__cause__)
    assert len(web.calls) == 1
    run(notify_flow.build(edge, by), kept)
    assert len(web.calls) == 1
    assert outcomes(store) == {"cad": "delivered"}


def test_without_rules_nobody_is_told_and_that_is_on_record() -> None:
    edge, streams, store = memory_edge()
    put(streams, 1)
    run(notify_flow.build(edge, NotifyRules()))
    assert outcomes(store) == {"": "nobody"}


def test_secrets_that_cannot_be_used_stop_the_start_and_are_named(web: HttpReceiver, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="absent"):
        open_senders(rules(tmp_path / "absent", web))
    weak = tmp_path / "weak"
    weak.write_text("short")
    with pytest.raises(RefusedError, match="receiver cad"):
        open_senders(rules(weak, web))


@pytest.mark.nightly
def test_a_receiver_that_fails_on_everything_is_tried_now_and_then_and_not_with_all(
    web: HttpReceiver, mail: MailReceiver, secret_file: Path
) -> None:
    mail.refuse = "451 try again"
    edge, streams, store = memory_edge()
    put(streams, *range(1, 101))
    run(notify_flow.build(edge, rules(secret_file, web, mail)))
    rows = [row for row in store.rows(tables.DELIVERIES) if row["receiver"] == "desk"]
    assert {row["reason"] for row in rows} == {"smtp_451"}
    assert sum(row["attempts"] for row in rows) < 3 * len(rows), "each at its end, few before"
    assert len(web.calls) == 100
