"""Events for dispatch and reports for a records system, as files in a folder and on OpenSSH's SFTP server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.flows import notify_flow
from platestream.notifications.channels.file_place import MARK
from platestream.notifications.factory import open_senders
from platestream.notifications.senders import Rejected, Send, Unreachable
from platestream.operators.notify.message import Notice, notice
from platestream.operators.notify.rules import NotifyRules, parse_rules
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.fields import Vehicle
from platestream.schemas.message import RefusedError
from tests.support.flows import memory_edge, run
from tests.support.hit_actions import action
from tests.support.openssh import SftpServer, make_key, sftp_server

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / MARK).write_text("cad\n")
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "sftp") as started:
        yield started


def rules(place: Path | str, more: str = "", kind: str = "cad", shows: str = "plate") -> NotifyRules:
    routes = '[[routes]]\nto = ["cad"]' if kind == "cad" else ""
    return parse_rules(
        f'patience = "3 seconds"\nlink = "https://alpr.example.gov/hits/{{hit_id}}"\n[[receivers]]\n'
        f'name = "cad"\n{kind} = "{place}"\npurpose = "dispatch"\nshows = "{shows}"\n{more}\n{routes}'
    )


def by_sftp(server: SftpServer, **other: str) -> str:
    host_key = " ".join(server.known.split()[1:])
    fields = {"key_file": str(server.key), "host_key": host_key, **other}
    return "".join(f'{name} = "{value}"\n' for name, value in fields.items())


def sender(by: NotifyRules) -> Send:
    return open_senders(by)["cad"]


def hit(number: int = 1) -> AlertHit:
    vehicle = Vehicle(make="Ford", colour="white", body="pickup")
    seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC), vehicle=vehicle)
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen)


def note(by: NotifyRules, number: int = 1) -> Notice:
    (receiver,) = by.receivers
    return notice(hit(number), receiver, by, "White Mountain Dr", datetime.now(UTC))


def files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.name != MARK)


def test_a_hit_is_one_event_with_priority_place_vehicle_and_link(place: Path) -> None:
    edge, streams, store = memory_edge()
    for number in (1, 2, 1):
        streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit(number)))
    run(notify_flow.build(edge, rules(place)))
    assert [row["outcome"] for row in store.rows(tables.DELIVERIES)] == ["delivered"] * 2
    made = files(place)
    assert len(made) == 2
    assert {path.stat().st_mode & 0o777 for path in made} == {0o640}
    event = next(
        one for path in made if (one := msgspec.json.decode(path.read_bytes()))["hit_id"].endswith("1")
    )
    assert event["link"] == f"https://alpr.example.gov/hits/{UUID(int=1)}"
    assert (event["test"], event["priority"], event["event_subtype"]) == (False, 3, FOUND.entry.category)
    assert event["location"]["latitude"] == FOUND.detection.latitude
    assert event["vehicle"]["plate"] == FOUND.detection.plate
    assert (event["vehicle"]["color"], event["vehicle"]["make"], event["vehicle"]["style"]) == (
        "WHI", "FORD", "PK"
    )  # fmt: skip
    assert FOUND.notice in event["narrative"]


def test_an_event_has_no_plate_where_the_receiver_s_level_of_detail_is_link(place: Path) -> None:
    by = rules(place, shows="link")
    sender(by)(note(by))
    (made,) = files(place)
    assert FOUND.detection.plate.encode() not in made.read_bytes()


def test_xml_has_the_same_names_and_no_character_that_a_reader_would_not_see(place: Path) -> None:
    by = rules(place, 'form = "xml"')
    one = msgspec.structs.replace(note(by), text="first line\n<b>\x1b[2J\u202e")
    sender(by)(one)
    (made,) = files(place)
    assert made.name == f"alpr-{one.delivery_id}.xml"
    found = ElementTree.fromstring(made.read_bytes())
    assert (found.tag, found.findtext("vehicle/color")) == ("cad_event", "WHI")
    assert found.findtext("narrative") == "first line\n<b>\\x1b[2J\\u202e"


def test_a_test_is_marked_as_one(place: Path) -> None:
    by = rules(place)
    sender(by)(msgspec.structs.replace(note(by), body=b'{"schema":"notification_test/1","text":"x"}'))
    (made,) = files(place)
    assert msgspec.json.decode(made.read_bytes())["test"] is True


def test_a_share_that_is_not_mounted_gets_nothing_and_is_tried_again(place: Path) -> None:
    by = rules(place)
    (place / MARK).unlink()
    with pytest.raises(Unreachable, match="is not there: is the folder mounted"):
        sender(by)(note(by))
    assert files(place) == []
    (place / MARK).write_text("records")
    with pytest.raises(Rejected, match="names another receiver than cad"):
        sender(by)(note(by))


def test_what_a_kill_left_is_removed_and_a_file_is_replaced_by_the_same_one(place: Path) -> None:
    by = rules(place)
    one = note(by)
    (place / f".alpr-{one.delivery_id}.json.999").write_bytes(b"half")
    sender(by)(one)
    sender(by)(one)
    assert [path.name for path in files(place)] == [f"alpr-{one.delivery_id}.json"]


def test_a_file_reaches_an_sftp_server_under_its_name_once_it_is_complete(
    server: SftpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    by = rules(server.place, by_sftp(server))
    send, one = sender(by), note(by)
    send(one)
    send(one)
    (made,) = server.out.iterdir()
    assert made.name == f"alpr-{one.delivery_id}.json"
    assert msgspec.json.decode(made.read_bytes())["vehicle"]["plate"] == FOUND.detection.plate
    assert made.stat().st_mode & 0o777 == 0o640
    assert list((tmp_path / "temporary").iterdir()) == []


def test_another_server_a_key_that_may_not_sign_in_and_a_dead_server_are_named(
    server: SftpServer, tmp_path: Path
) -> None:
    for name in ("stranger", "strange_host"):
        make_key(tmp_path / name)
    kind, key = (tmp_path / "strange_host.pub").read_text().split()[:2]
    other_host = rules(server.place, by_sftp(server, host_key=f"{kind} {key}"))
    other_key = rules(server.place, by_sftp(server, key_file=str(tmp_path / "stranger")))
    ours = rules(server.place, by_sftp(server))
    with pytest.raises(Unreachable, match=r"sftp: sftp to 127.0.0.1 failed: Host key verification failed"):
        sender(other_host)(note(other_host))
    with pytest.raises(Unreachable, match="Permission denied"):
        sender(other_key)(note(other_key))
    server.stop()
    with pytest.raises(Unreachable, match="Connection refused"):
        sender(ours)(note(ours))
    server.start()
    sender(ours)(note(ours))
    assert len(list(server.out.iterdir())) == 1


@pytest.mark.parametrize(
    ("place", "more", "fault"),
    [
        ("inbox", "", "no folder from the root"),
        ("ftp://a@b/c", "", "no folder from the root"),
        ("sftp://a@b/c", "", "SFTP needs `key_file` and `host_key`"),
        ("/inbox", 'key_file = "/k"', "`key_file` and `host_key` are for SFTP"),
        ("/inbox", 'mqtt = "mqtts://h/t"', "one of "),
        ("/inbox", 'form = "pdf"', "Invalid enum value"),
    ],
)
def test_a_place_that_cannot_be_one_is_refused_with_the_field(place: str, more: str, fault: str) -> None:
    with pytest.raises(RefusedError, match=fault):
        rules(place, more)


def test_a_server_s_address_host_key_and_key_are_checked_before_a_hit_comes(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("x")
    right = f'key_file = "{key}"\nhost_key = "ssh-ed25519 AAAA"'
    with pytest.raises(RefusedError, match="receiver cad: the place is no address"):
        sender(rules("sftp://user:password@host/folder", right))
    with pytest.raises(RefusedError, match="receiver cad: `host_key`"):
        sender(rules("sftp://user@host/folder", f'key_file = "{key}"\nhost_key = "AAAA"'))
    with pytest.raises(RefusedError, match="receiver cad: `key_file`"):
        sender(rules("sftp://user@host/folder", 'key_file = "/absent"\nhost_key = "ssh-ed25519 AAAA"'))


def test_a_records_system_gets_no_hit_and_no_officer_s_or_agency_s_name() -> None:
    with pytest.raises(RefusedError, match="gets reports and no hits"):
        parse_rules(
            '[[receivers]]\nname = "cad"\nrms = "/r"\npurpose = "reports"\n[[routes]]\nto = ["cad"]\n'
        )
    with pytest.raises(RefusedError, match="reports go to this agency's own systems"):
        parse_rules('[[receivers]]\nname = "cad"\nrms = "/r"\nagency = "county"\n')
    with pytest.raises(RefusedError, match="`purpose` is needed"):
        parse_rules('[[receivers]]\nname = "cad"\ncad = "/r"\n')


def acted(number: int = 1, **changes: Any) -> list[Any]:
    now = datetime.now(UTC)
    about: dict[str, Any] = {"hit": UUID(int=number), "at": now - timedelta(seconds=1)}
    return [
        action("plate_and_state_confirmed", **about),
        action("confirmed_current", **about | {"at": now}),
        action("action_taken", **about | {"at": now + timedelta(milliseconds=5)}, **changes),
    ]


def test_an_action_taken_is_a_report_in_the_records_system_s_folder(place: Path) -> None:
    edge, streams, store = memory_edge()
    streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit()))
    streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit(2)))
    for step in acted(case_number="26-001234", actionable=True, result="arrest"):
        streams.append(topics.HIT_ACTIONS, topics.HIT_ACTIONS.encode(step))
    run(notify_flow.build(edge, rules(place, kind="rms")))
    (made,) = files(place)
    report = msgspec.json.decode(made.read_bytes())
    assert report["special_circumstances"] == ["Actionable ALPR Hit Related"]
    assert report["read"]["vehicle_codes"] == {"make": "FORD", "color": "WHI", "style": "PK"}
    assert made.name == f"alpr-{report['report_id']}.json"
    result = [(row["receiver"], row["outcome"], row["reason"]) for row in store.rows(tables.DELIVERIES)]
    assert ("cad", "delivered", "report") in result
    run(notify_flow.build(edge, rules(place, kind="rms")))
    assert files(place) == [made], "a flow that lost its state sends nothing again"


def test_a_report_that_cannot_be_delivered_is_a_dead_letter_with_its_content(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.notifications.factory.REPORTS_PATIENCE", timedelta(seconds=1))
    (place / MARK).unlink()
    edge, streams, _store = memory_edge()
    streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit()))
    for step in acted():
        streams.append(topics.HIT_ACTIONS, topics.HIT_ACTIONS.encode(step))
    run(notify_flow.build(edge, rules(place, kind="rms")))
    (letter,) = streams.records(topics.DEAD_LETTERS)
    assert (letter.topic, letter.reason) == ("notify/cad", "undelivered")
    assert "no_folder" in letter.detail
    assert msgspec.json.decode(letter.value or b"")["schema"] == "records_report/1"
