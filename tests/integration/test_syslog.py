"""Logged acts by syslog, through rsyslog."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from platestream.flows import notify_flow
from platestream.notifications.channels import connection
from platestream.notifications.factory import open_senders
from platestream.notifications.senders import Send, Unreachable
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, parse_rules
from platestream.schemas import topics
from platestream.schemas.inquiry import FIRST, Inquiry, chain
from platestream.schemas.message import Message
from tests.support.clock import NOW
from tests.support.flows import memory_edge, recovery, run
from tests.support.memory_edge import MemoryTopics
from tests.support.rsyslog import rsyslog


def rules(url: str, more: str = "") -> NotifyRules:
    return parse_rules(f'[[receivers]]\nname = "siem"\nsyslog = "{url}"\npurpose = "monitoring"\n{more}')


def act(number: int, **changes: Any) -> Inquiry:
    given: dict[str, Any] = {
        "who": "rvale",
        "agency": "sjpd",
        "tool": "console",
        "query_id": "q",
        "kind": "hits",
        "outcome": "allowed",
        "since": NOW - timedelta(days=1),
        "until": NOW,
        "reason": "REASON",
        "pattern": "AST3087",
    }
    return Inquiry(inquiry_id=UUID(int=number), at=NOW, **{**given, **changes})


def put(streams: MemoryTopics, *acts: Inquiry) -> None:
    for sealed in chain(acts, 0, FIRST):
        streams.append(topics.INQUIRIES, topics.INQUIRIES.encode(sealed))


def letter(*lines: str) -> Notice:
    fields: dict[str, Any] = {"receiver": "siem", "agency": "", "priority": 3, "subject": "", "text": ""}
    body = "\n".join(lines).encode()
    return Notice(
        delivery_id=UUID(int=1), hit_id=UUID(int=1), captured_at=NOW, taken_at=NOW, body=body, **fields
    )


def sender(url: str, more: str = "") -> Send:
    return open_senders(rules(url, more))["siem"]


LINE = "<110>1 2026-11-24T15:04:10.000000Z host platestream - hits - CEF:0|Platestream|{}"


@pytest.mark.parametrize("way", ["tcp", "udp", "tls"])
def test_a_siem_gets_each_act_and_refusal_and_no_plate_or_reason(tmp_path: Path, way: str) -> None:
    edge, streams, _store = memory_edge()
    put(streams, act(1), act(2, outcome="refused", refusal="AST3087 is no plate"), act(3, kind="retention"))
    with rsyslog(tmp_path / "siem") as siem:
        more = f'ca_file = "{siem.authority}"' if way == "tls" else ""
        run(notify_flow.build(edge, rules(f"syslog+{way}://127.0.0.1:{getattr(siem, way)}", more)))
        lines = siem.wait(3)
    assert [line.split("|")[:3] for line in lines] == [
        ["110", "platestream", "hits"],
        ["108", "platestream", "hits"],
        ["110", "platestream", "retention"],
    ]
    for number, line in enumerate(lines, 1):
        assert f"externalId={UUID(int=number)}" in line
        assert "AST3087" not in line
        assert "REASON" not in line


def test_what_a_siem_has_taken_is_not_sent_again_and_the_rest_is(tmp_path: Path) -> None:
    edge, streams, _store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    put(streams, act(1), act(2))
    with rsyslog(tmp_path / "siem") as siem:
        by = rules(f"syslog+tcp://127.0.0.1:{siem.tcp}")
        run(notify_flow.build(edge, by), kept)
        siem.wait(2)
        put(streams, act(3))
        run(notify_flow.build(edge, by), kept)
        lines = siem.wait(3)
    assert [line.partition("externalId=")[2][:36] for line in lines] == [str(UUID(int=n)) for n in (1, 2, 3)]


@pytest.mark.nightly
def test_a_siem_that_is_away_gets_the_acts_when_it_is_back(tmp_path: Path) -> None:
    with rsyslog(tmp_path / "siem") as siem:
        send = sender(f"syslog+tcp://127.0.0.1:{siem.tcp}")
        siem.stop()
        with pytest.raises(Unreachable, match="connection"):
            send(letter(LINE.format(1)))
        siem.start()
        send(letter(LINE.format(1)))
        siem.wait(1)


def test_a_message_that_cannot_be_read_is_a_dead_letter_and_holds_up_no_act(tmp_path: Path) -> None:
    edge, streams, _store = memory_edge()
    streams.append(topics.INQUIRIES, Message(b"x", b"no record"))
    put(streams, act(1))
    with rsyslog(tmp_path / "siem") as siem:
        run(notify_flow.build(edge, rules(f"syslog+tcp://127.0.0.1:{siem.tcp}")))
        siem.wait(1)
    assert [one.topic for one in streams.records(topics.DEAD_LETTERS)] == ["inquiries"]


MUTUAL = 'streamDriver.authMode="x509/name" permittedPeer=["{}"]'


@pytest.mark.parametrize(("peer", "taken"), [("broker", True), ("other", False)])
def test_a_server_that_refuses_our_certificate_has_taken_nothing(
    tmp_path: Path, peer: str, taken: bool
) -> None:
    with rsyslog(tmp_path / "siem", MUTUAL.format(peer)) as siem:
        pem = siem.certificate
        more = f'ca_file = "{siem.authority}"\ncert_file = "{pem}"'
        send = sender(f"syslog+tls://127.0.0.1:{siem.tls}", more)
        if taken:
            send(letter(LINE.format(1)))
            siem.wait(1)
        else:
            with pytest.raises(Unreachable, match="connection"):
                send(letter(LINE.format(1)))
            assert siem.lines == []


def test_a_server_of_another_authority_is_sent_nothing(tmp_path: Path) -> None:
    with rsyslog(tmp_path / "siem") as siem, pytest.raises(Unreachable, match="connection"):
        sender(f"syslog+tls://127.0.0.1:{siem.tls}")(letter(LINE.format(1)))


def test_a_server_that_reads_and_never_ends_the_connection_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(Unreachable, match="timeout"):
        sender(f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}")(letter(LINE.format(1)))


def test_a_thousand_acts_go_over_one_connection(
    tmp_path: Path,
) -> None:
    with rsyslog(tmp_path / "siem") as siem:
        send = sender(f"syslog+tcp://127.0.0.1:{siem.tcp}")
        send(letter(*(LINE.format(number) for number in range(1000))))
        assert len(siem.wait(1000)) == 1000


def test_a_siem_gets_no_hits_and_no_other_agency_gets_acts() -> None:
    url = "syslog+tls://siem.example"
    for more, because in (
        ('[[routes]]\nto = ["siem"]', "acts and no hits"),
        ('agency = "apache-county-so"', "no `agency`"),
    ):
        with pytest.raises(Exception, match=because):
            rules(url, more)
