"""Alert hits as Cursor on Target, through the TAK server taky."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.flows import notify_flow
from platestream.notifications.factory import open_senders
from platestream.notifications.senders import Unreachable
from platestream.operators.notify.message import Notice, notice
from platestream.operators.notify.rules import NotifyRules, parse_rules
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit
from tests.support.flows import memory_edge, run
from tests.support.taky import Taky, taky

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
PLATE = FOUND.detection.plate


def rules(server: Taky, more: str = "") -> NotifyRules:
    return parse_rules(f"""patience = "3 seconds"
    [[receivers]]
    name = "tak"
    cot = "{server.url}"
    purpose = "map of the officers in the field"
    {more}
    [[routes]]
    to = ["tak"]
    """)


def hit(number: int) -> AlertHit:
    seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC))
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen)


def letter(number: int, by: NotifyRules) -> Notice:
    return notice(hit(number), by.receivers[0], by, "White Mountain Drive", datetime.now(UTC))


def test_a_client_sees_each_hit_at_its_camera_without_its_plate(tmp_path: Path) -> None:
    edge, streams, store = memory_edge()
    for number in (1, 2):
        streams.append(topics.ALERT_HITS, topics.ALERT_HITS.encode(hit(number)))
    with taky(tmp_path / "tak") as server:
        watcher = server.watch()
        run(notify_flow.build(edge, rules(server)))
        events = [ElementTree.fromstring(one) for one in watcher.wait(2)]
    rows = store.rows(tables.DELIVERIES)
    assert {row["outcome"] for row in rows} == {"delivered"}
    assert {one.get("uid") for one in events} == {f"platestream-{row['delivery_id']}" for row in rows}
    for one in events:
        point = one.find("point")
        assert point is not None
        assert float(point.get("lat", "")) == FOUND.detection.latitude
        assert float(point.get("lon", "")) == FOUND.detection.longitude
        assert PLATE not in ElementTree.tostring(one).decode()


def test_a_plate_is_among_the_remarks_where_the_receiver_may_have_it(tmp_path: Path) -> None:
    with taky(tmp_path / "tak") as server:
        by = rules(server, 'shows = "plate"')
        watcher = server.watch()
        open_senders(by)["tak"](letter(1, by))
        (one,) = map(ElementTree.fromstring, watcher.wait(1))
    assert PLATE in str(one.findtext("detail/remarks"))
    contact = one.find("detail/contact")
    assert contact is not None
    assert PLATE not in str(contact.get("callsign")), "a callsign is seen on everybody's map"


def test_a_server_by_tls_takes_our_certificate_and_no_other(tmp_path: Path) -> None:
    with taky(tmp_path / "tak", secured=True) as server:
        files = f'ca_file = "{server.authority}"\ncert_file = "{server.certificate}"'
        send = open_senders(rules(server, files))["tak"]
        for number in range(1, 4):  # the server also sends what others sent before
            send(letter(number, rules(server, files)))
        without = rules(server, f'ca_file = "{server.authority}"')
        with pytest.raises(Unreachable, match="connection"):
            open_senders(without)["tak"](letter(4, without))


def test_a_server_that_restarts_gets_the_next_hit(tmp_path: Path) -> None:
    with taky(tmp_path / "tak") as server:
        by = rules(server)
        send = open_senders(by)["tak"]
        server.stop()
        with pytest.raises(Unreachable, match="connection"):
            send(letter(1, by))
        server.start()
        watcher = server.watch()
        send(letter(1, by))
        watcher.wait(1)
