"""Parsers of pushes: what devices send, in all its forms, becomes one record; the rest is refused."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.pushes import table
from platestream.cameras.kinds import PushFormat
from platestream.cameras.pushes.fields import box, decode_xml, moment, plate, share, since_1970
from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.pushes.push import Part, Push, parts_of, pictures_of
from platestream.cameras.pushes.simulate import DEVICES, WITHOUT_PICTURE, Passing
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError

AT = datetime(2026, 11, 28, 13, 0, 5, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0 scene \xff\xd9"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "pushes"


def parse(form: str, body: bytes, kind: str = "", zone: str = "UTC") -> list[Push]:
    return FORMATS[form].parse(parts_of(kind, body), ZoneInfo(zone))


def sample(name: str) -> bytes:
    path = SHARED / name
    if not path.is_file():
        pytest.skip("the samples that others made are not here")
    return path.read_bytes()


def only(found: list[Push]) -> CameraRead:
    assert [one.fault for one in found] == [""] * len(found)
    (read,) = [read for one in found for read in one.reads]
    return read


def test_each_format_has_a_parser_a_device_and_a_name_in_the_configuration() -> None:
    assert list(FORMATS) == list(DEVICES) == list(get_args(PushFormat))


@pytest.mark.parametrize("form", list(FORMATS))
def test_what_a_device_sends_is_read_with_its_picture_and_time(form: str) -> None:
    sent = DEVICES[form](Passing("TST1234", AT, 0.93, JPEG))
    (push,) = parse(form, sent.body, sent.content_type)
    (read,) = push.reads
    assert (read.format, read.plate) == (form, "TST1234")
    assert push.pictures == (() if form in WITHOUT_PICTURE else (JPEG,))
    assert (push.at, read.device_at, push.fault) == (AT, AT, "")
    (push,) = parse(form, DEVICES[form](Passing("TST1234", AT)).body, sent.content_type)
    assert push.pictures == ()


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("wrong", ["<script>", "A" * 10_000, "ÅÄÖ123", "TST1234\x00", "DROP TABLE; --"])
def test_a_plate_that_is_none_is_a_fault_and_the_picture_is_still_read(form: str, wrong: str) -> None:
    if form in ("hikvision", "onvif"):
        wrong = wrong.replace("<", "&lt;").replace("\x00", "&#9731;")
    sent = DEVICES[form](Passing(wrong, AT, 0.93, JPEG))
    (push,) = parse(form, sent.body, sent.content_type)
    assert push.reads == ()
    assert push.pictures == (() if form in WITHOUT_PICTURE else (JPEG,))
    assert push.fault == "a plate that is not 1 to 10 letters and digits", "it does not repeat the plate"


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize(
    "body", [b"", b"{", b"<a>", b"[]", b"{}", b"7", b"null", b"\xff\xfe", b"[" * 50_000, b"<a>" * 50_000]
)
def test_a_body_of_something_else_is_refused(form: str, body: bytes) -> None:
    with pytest.raises(RefusedError):
        parse(form, body)


@pytest.mark.parametrize("form", list(FORMATS))
@given(data=st.data())
def test_whatever_is_changed_in_a_push_it_is_read_or_refused(form: str, data: st.DataObject) -> None:
    sent = DEVICES[form](Passing("TST1234", AT, 0.93, JPEG))
    body = bytearray(sent.body)
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse(form, bytes(body), sent.content_type)
    except RefusedError:
        return
    for one in found:
        msgspec.json.decode(msgspec.json.encode(one.reads), type=tuple[CameraRead, ...])


def test_the_table_of_the_documentation_is_what_the_parsers_find() -> None:
    assert table() in (Path(__file__).parents[3] / "docs/reference/files.md").read_text()
    (row,) = [line for line in table().splitlines() if line.startswith("| `unifi`")]
    assert row.split("|").count(" yes ") == 1, "its time and no more"


def test_every_namespace_of_hikvision_and_one_that_nobody_saw_is_read() -> None:
    body = DEVICES["hikvision"](Passing("TST1234", AT)).body.decode()
    kind = "multipart/form-data; boundary=platestream-simulated"
    known = "http://www.hikvision.com/ver20/XMLSchema"
    for space in (
        "http://www.std-cgi.com/ver10/XMLSchema",
        "http://www.isapi.org/ver20/XMLSchema",
        "urn:new",
    ):
        assert only(parse("hikvision", body.replace(known, space).encode(), kind)).plate == "TST1234"
    bare = body.replace(f' xmlns="{known}"', "")
    assert only(parse("hikvision", bare.encode(), kind)).speed_kmh == 48
    xml = bare[bare.index("<Event") : bare.index("</EventNotificationAlert>")]
    prefixed = (
        (xml + "</EventNotificationAlert>").replace("</", "</n:").replace("<n:", "<").replace("</n:", "</")
    )
    prefixed = prefixed.replace("</", "\0").replace("<", "<n:").replace("\0", "</n:")
    prefixed = prefixed.replace("<n:EventNotificationAlert", '<n:EventNotificationAlert xmlns:n="urn:x"', 1)
    assert only(parse("hikvision", prefixed.encode())).plate == "TST1234"


def test_an_entity_is_refused_before_it_is_expanded() -> None:
    bomb = (
        b'<!DOCTYPE a [<!ENTITY b "'
        + b"x" * 1000
        + b'">]><EventNotificationAlert>&b;</EventNotificationAlert>'
    )
    with pytest.raises(RefusedError, match="document type"):
        parse("hikvision", bomb)
    outside = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><EventNotificationAlert/>'
    with pytest.raises(RefusedError, match="document type"):
        decode_xml(outside)


def test_other_events_and_heartbeats_hold_no_read() -> None:
    assert (
        parse(
            "hikvision", b"<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>"
        )
        == []
    )
    assert parse("dahua", b'{"Active": "keepAlive", "DeviceID": "x"}') == []
    assert parse("openalpr", b'{"data_type": "heartbeat"}') == []
    assert parse("unifi", b'{"alarm": {"triggers": [{"key": "person"}]}}') == []
    assert parse("frigate", b'{"type": "new", "before": {}, "after": {"label": "dog"}}') == []
    assert parse("onvif", b"<MetadataStream><Frame/></MetadataStream>") == []


def test_a_multipart_body_has_few_parts_and_the_largest_picture_is_the_scene() -> None:
    small, large = JPEG, JPEG[:4] + b"x" * 100
    part = b"--x\r\nContent-Type: image/jpeg\r\n\r\n%b\r\n"
    parts = parts_of("multipart/mixed; boundary=x", part % small + part % large + b"--x--\r\n")
    assert pictures_of(parts) == (large, small)
    with pytest.raises(RefusedError, match="32 parts"):
        parts_of("multipart/mixed; boundary=x", part % small * 33 + b"--x--\r\n")
    with pytest.raises(RefusedError, match="cannot be read"):
        parts_of("multipart/mixed", part % small)


def test_two_plates_of_one_push_are_both_read_and_a_bad_third_stops_neither() -> None:
    results = [{"plate": name, "score": 0.9} for name in ("tst1234", "<b>", "xyz9876")]
    (push,) = parse("platerecognizer", msgspec.json.encode({"data": {"results": results}}))
    assert [one.plate for one in push.reads] == ["TST1234", "XYZ9876"]
    assert push.fault
    many = [{"plate": "tst1234"}] * 17
    (push,) = parse("platerecognizer", msgspec.json.encode({"data": {"results": many}}))
    assert (len(push.reads), push.fault) == (16, "more than 16 plates in one push")


def test_plates_of_devices_are_normalized_and_words_for_nothing_are_nothing() -> None:
    assert [plate(one) for one in ("abc-123", "AB 12·34", "unknown", "-", "", None)] == [
        "ABC123", "AB1234", None, None, None, None,
    ]  # fmt: skip


def test_times_are_read_in_the_camera_s_zone_and_at_any_scale() -> None:
    zone = ZoneInfo("America/Phoenix")
    assert moment("2026-11-28 06:00:05", zone) == AT
    assert moment("2026-11-28T14:00:05+01:00", zone) == AT
    assert moment("yesterday", zone) is moment("0001-01-01T00:00:00+14:00", zone) is None
    for scale in (1, 10**3, 10**6, 10**9):
        assert since_1970(str(round(AT.timestamp()) * scale)) == AT
    assert since_1970("1e308") is not None
    assert since_1970("-1") is since_1970("nan") is since_1970([]) is None


def test_numbers_out_of_range_are_nothing() -> None:
    assert (share("0.72"), share(97, 100), share(101, 100), share("x"), share(True)) == (
        0.72,
        0.97,
        None,
        None,
        None,
    )
    assert box(1, 2, 3, 4) == Box(1, 2, 3, 4)
    assert box(-1, 2, 3, 4) is box(1, 2, 0, 4) is box(1, 2, "x", 4) is box(1e300, 2, 3, 4) is None


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("hikvision-v2.xml", "hikvision", {"confidence": 0.97, "direction": "reverse", "lane": "2"}),
        ("hikvision-deepinview.xml", "hikvision", {"characters": (0.99, 0.99, 0.99, 0.61, 0.99, 0.99, 0.99)}),
        ("hikvision-old.xml", "hikvision", {"confidence": 0.85}),
        ("hikvision-nvr-prefix.xml", "hikvision", {"confidence": 0.9, "direction": "forward"}),
        ("axis.json", "axis", {"confidence": 0.719, "direction": "in", "box": Box(1185, 532, 140, 28)}),
        ("milesight.json", "milesight", {"confidence": None, "direction": None, "country": "LVA"}),
        ("platerecognizer.json", "platerecognizer", {"plate": "PL8REC", "state": "CA", "direction": "210°"}),
        ("dahua-itsapi.json", "dahua", {"plate": "ABC1234", "confidence": 0.9, "direction": "Obverse"}),
        ("dahua-trafficjunction.json", "dahua", {}),
        ("openalpr-group.json", "openalpr", {"confidence": 0.9388, "state": "MO", "direction": "86°"}),
        ("unifi.json", "unifi", {"confidence": None}),
        ("frigate-events.json", "frigate", {"plate": "ABC12345", "confidence": 0.9335}),
        ("frigate-lpr.json", "frigate", {"plate": "123ABC", "box": Box(917, 487, 112, 42)}),
        ("onvif-likelihood-attribute.xml", "onvif", {"plate": "6DZG261", "confidence": 0.9}),
        ("onvif-likelihood-element.xml", "onvif", {"confidence": 0.9, "box": Box(375, 3112, 1500, 4333)}),
        ("onvif-no-likelihood.xml", "onvif", {"confidence": None, "country": "ROU"}),
    ],
)  # fmt: skip
def test_the_samples_of_devices_are_read(name: str, form: str, expected: dict[str, object]) -> None:
    if name == "dahua-trafficjunction.json":
        (push,) = parse(form, sample(name))
        assert push.at is not None
        return
    read = only(parse(form, sample(name)))
    assert read.plate == expected.get("plate", read.plate)
    assert {field: getattr(read, field) for field in expected} == expected


def test_the_results_and_the_heartbeat_of_openalpr_are_read() -> None:
    (push,) = parse("openalpr", sample("openalpr-results.json"))
    assert [(one.plate, one.confidence, one.state) for one in push.reads] == [
        ("TST1234", 0.9294, "MO"),
        ("TST1234", 0.9474, "MO"),
    ]
    assert parse("openalpr", sample("openalpr-heartbeat.json")) == []


def test_the_lines_of_dahua_s_event_stream_are_read() -> None:
    line = sample("dahua-attach.bin").split(b"\r\n\r\n", 1)[1].rstrip()
    read = only(parse("dahua", line))
    assert (read.plate, read.confidence, read.direction, read.lane) == ("TST1234", 0.87, "Approach", "1")
    assert read.vehicle.colour == "Blue"
    assert read.device_at == datetime.fromtimestamp(1785762846.305, UTC)


def test_a_part_is_a_picture_by_its_type_or_its_first_bytes() -> None:
    assert Part(kind="image/jpeg").is_picture
    assert Part(data=JPEG).is_picture
    assert not Part(data=b"<xml/>").is_picture


def hikvision_at(place: str) -> Push:
    sent = DEVICES["hikvision"](Passing("ABC1234", AT, 0.9))
    body = sent.body.replace(b"</EventNotificationAlert>", place.encode() + b"</EventNotificationAlert>")
    (push,) = parse("hikvision", body, sent.content_type)
    return push


def receiver(north: tuple[str, ...], east: tuple[str, ...]) -> str:
    parts = "".join(
        f"<{name}><degree>{degree}</degree><minute>{minute}</minute><sec>{second}</sec></{name}>"
        for name, (_side, degree, minute, second) in (("Longitude", east), ("Latitude", north))
    )
    return (
        f"<DeviceGPSInfo><longitudeType>{east[0]}</longitudeType><latitudeType>{north[0]}</latitudeType>"
        f"{parts}</DeviceGPSInfo>"
    )


def test_the_place_of_a_car_is_in_the_push_of_hikvision_in_any_hemisphere() -> None:
    arizona = hikvision_at(receiver(("N", "34", "30", "21.24"), ("W", "109", "21", "39.6")))
    assert arizona.place == pytest.approx((34.5059, -109.361))
    assert only([arizona]).plate == "ABC1234"
    south = hikvision_at(receiver(("S", "33", "0", "0"), ("E", "151", "30", "0")))
    assert south.place == (-33.0, 151.5)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "<DeviceGPSInfo/>",
        receiver(("S", "0", "0", "0.000000"), ("E", "0", "0", "0.000000")),
        receiver(("N", "95", "0", "0"), ("E", "10", "0", "0")),
        receiver(("N", "34", "99", "0"), ("E", "10", "0", "0")),
        receiver(("", "34", "0", "0"), ("E", "10", "0", "0")),
        receiver(("N", "x", "0", "0"), ("E", "10", "0", "0")),
        receiver(("N", "nan", "0", "0"), ("E", "10", "0", "0")),
    ],
)
def test_a_push_of_hikvision_without_a_fix_has_no_place_and_is_read(place: str) -> None:
    push = hikvision_at(place)
    assert push.place is None
    assert only([push]).plate == "ABC1234"


def dahua_at(place: object) -> Push:
    event = {
        "Code": "TrafficJunction",
        "TrafficCar": {"PlateNumber": "ABC1234"},
        "CommInfo": {"GPSInfo": place},
    }
    (push,) = parse("dahua", msgspec.json.encode(event))
    return push


def test_the_place_of_a_car_is_in_an_event_of_dahua() -> None:
    assert dahua_at({"Latitude": 34.5059, "Longitude": -109.361}).place == (34.5059, -109.361)
    for none in (
        None,
        {},
        {"Latitude": 0.0, "Longitude": 0.0},
        {"Latitude": 34505900, "Longitude": 1},
        [1, 2],
    ):
        assert dahua_at(none).place is None
        assert only([dahua_at(none)]).plate == "ABC1234"


def test_the_samples_of_fixed_cameras_have_no_place_or_their_own() -> None:
    (push,) = parse("hikvision", sample("hikvision-v2.xml"))
    assert push.place == pytest.approx((22 / 60, 111.0))
    (push,) = parse("dahua", sample("dahua-trafficjunction.json"))
    assert push.place is None
