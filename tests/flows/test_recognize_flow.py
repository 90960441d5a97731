import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from bytewax.dataflow import Dataflow
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.edges.edge import Edge
from platestream.flows import match_flow, recognize_flow
from platestream.operators.approvals import Unapproved
from platestream.operators.boundary import Point
from platestream.operators.vehicle import Attribute, Look
from platestream.reading.ocr import KNOWN_SERIAL, known_picture
from platestream.schemas import tables, topics
from platestream.schemas.message import Message
from platestream.schemas.profile import Places
from platestream.schemas.reading import PlateRead
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.flows import ScriptedReader, frame_message, listed, memory_edge, recovery, run
from tests.support.memory_edge import MemoryTables, MemoryTopics

SCRIPT = {1: ["ABC1234"], 2: ["XYZ9876", "KLM5555"], 3: [], 4: ["A8C1234"]}


def build(edge: Edge, reader: ScriptedReader | None = None) -> Dataflow:
    return recognize_flow.build(edge, reader or ScriptedReader(SCRIPT))


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_become_one_detection_a_pass_in_topic_and_tables(workers: int) -> None:
    edge, streams, store = memory_edge()
    for second, level in [(-5, 1), (-4.8, 4), (-4.6, 1), (-1, 3), (0, 2)]:
        streams.append(topics.FRAMES, frame_message(level, second))
    run(build(edge), workers=workers)

    found = streams.records(topics.DETECTIONS)
    assert [one.plate for one in found] == ["ABC1234", "XYZ9876", "KLM5555"]
    assert (found[0].frames, found[0].agreeing) == (3, 2)
    assert [row["detection_id"] for row in store.rows(tables.DETECTIONS)] == [
        one.detection_id for one in found
    ]
    assert len(store.rows(tables.IMAGES)) == 2 * len(found)
    assert streams.messages(topics.DEAD_LETTERS) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_cameras_do_not_mix(workers: int) -> None:
    edge, streams, _store = memory_edge()
    for index in range(6):
        streams.append(topics.FRAMES, frame_message(1, -2 + index / 10, camera=f"cam-{index}"))
    run(build(edge), workers=workers)
    assert sorted(one.camera_id for one in streams.records(topics.DETECTIONS)) == [
        f"cam-{n}" for n in range(6)
    ]


class Meeting(ScriptedReader):
    """Each picture waits until as many others are read; tells the order of pictures by their grey."""

    def __init__(self, count: int) -> None:
        super().__init__(SCRIPT)
        self._meeting = threading.Barrier(count, timeout=10)

    def read(
        self, image: npt.NDArray[np.uint8], longest: int = 0, known: PlateRead | None = None
    ) -> list[PlateRead]:
        self._meeting.wait()
        return super().read(image, longest, known)


@pytest.mark.parametrize(("workers", "at_once", "keys"), [(1, 2, (b"1", b"1")), (2, 1, (b"1", b"4"))])
def test_frames_of_several_cameras_are_read_at_the_same_time_and_each_camera_in_its_order(
    workers: int, at_once: int, keys: tuple[bytes, bytes]
) -> None:
    """Those of a partition by threads of its worker, those of two by a worker each."""
    edge, streams, _store = memory_edge(a_poll=8)
    for index in range(4):
        for camera, key in zip(("east", "west"), keys, strict=True):
            message = frame_message(2 * (index // 2) + 1, index - 10, camera=camera)
            streams.append(topics.FRAMES, msgspec.structs.replace(message, key=key))
    flow = recognize_flow.build(edge, Meeting(2), at_once=at_once)  # one after the other none would be read
    run(flow, workers=workers)
    assert streams.messages(topics.DEAD_LETTERS) == []
    found = [(one.camera_id, one.plate) for one in streams.records(topics.DETECTIONS)]
    assert sorted(found) == [("east", "ABC1234"), ("west", "ABC1234")]


def test_a_frame_that_the_engine_fails_on_among_frames_that_are_read_at_once_is_one_dead_letter() -> None:
    edge, streams, _store = memory_edge(a_poll=8)
    for camera, level in (("east", 1), ("west", 9), ("north", 2)):
        message = frame_message(level, -1, camera=camera)
        streams.append(topics.FRAMES, msgspec.structs.replace(message, key=b"one partition"))
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT), at_once=3))
    (letter,) = streams.records(topics.DEAD_LETTERS)
    assert (letter.reason, letter.headers["camera-id"]) == ("engine", "west")
    assert {one.camera_id for one in streams.records(topics.DETECTIONS)} == {"east", "north"}


def bad_frames() -> list[tuple[Message, str]]:
    good = frame_message(1, 0)
    return [
        (Message(b"cam", b"", good.headers), "empty"),
        (Message(b"cam", None, good.headers), "empty"),
        (Message(b"cam", good.value, {"camera-id": "cam"}), "headers"),
        (Message(b"cam", b"GIF89a", good.headers), "not_a_picture"),
        (Message(b"cam", (good.value or b"")[:-40], good.headers), "truncated"),
        (frame_message(1, -31 * 86400), "expired"),
        (frame_message(1, 3600), "future"),
        (frame_message(9, 0), "engine"),
    ]


def test_each_bad_frame_is_a_dead_letter_and_the_good_ones_go_on() -> None:
    edge, streams, store = memory_edge()
    for message, _reason in bad_frames():
        streams.append(topics.FRAMES, message)
        streams.append(topics.FRAMES, frame_message(1, -1))
    run(build(edge))

    letters = streams.records(topics.DEAD_LETTERS)
    assert sorted(letter.reason for letter in letters) == sorted(reason for _m, reason in bad_frames())
    assert len(store.rows(tables.DEAD_LETTERS)) == len(letters)
    assert [one.plate for one in streams.records(topics.DETECTIONS)] == ["ABC1234"]


def test_a_dead_letter_holds_the_original_bytes_except_what_has_expired() -> None:
    edge, streams, _store = memory_edge()
    streams.append(topics.FRAMES, Message(b"cam", b"GIF89a", frame_message(1, 0).headers))
    streams.append(topics.FRAMES, frame_message(1, -31 * 86400))
    run(build(edge))
    first, second = streams.records(topics.DEAD_LETTERS)
    assert (first.value, first.origin) == (b"GIF89a", streams.messages(topics.FRAMES)[0].origin)
    assert second.value is None


def test_an_engine_that_fails_on_everything_stops_the_flow() -> None:
    edge, streams, _store = memory_edge()
    for index in range(25):
        streams.append(topics.FRAMES, frame_message(9, index / 10))
    with pytest.raises(RuntimeError, match="recognize"):
        run(build(edge))


def one_pixel(second: float) -> Message:
    done, png = cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))
    assert done
    return msgspec.structs.replace(frame_message(1, second), value=png.tobytes())


def test_one_pixel_pictures_are_refused_and_the_good_frame_behind_them_is_read() -> None:
    edge, streams, _store = memory_edge()
    for index in range(25):
        streams.append(topics.FRAMES, one_pixel(index / 10 - 5))
    streams.append(topics.FRAMES, frame_message(1, -1))
    run(build(edge))
    assert [one.plate for one in streams.records(topics.DETECTIONS)] == ["ABC1234"]
    assert [letter.reason for letter in streams.records(topics.DEAD_LETTERS)] == ["small"] * 25


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_that_an_engine_in_order_fails_on_are_dead_letters_however_many(workers: int) -> None:
    known = round(float(known_picture().mean()) / 10)
    edge, streams, _store = memory_edge()
    for index in range(65):
        streams.append(topics.FRAMES, frame_message(9 if known != 9 else 20, index / 10 - 20))
    streams.append(topics.FRAMES, frame_message(1, -1))
    run(build(edge, ScriptedReader({**SCRIPT, known: [KNOWN_SERIAL]})), workers=workers)
    assert [one.plate for one in streams.records(topics.DETECTIONS)] == ["ABC1234"]
    assert [letter.reason for letter in streams.records(topics.DEAD_LETTERS)] == ["engine"] * 65


def test_two_full_plays_of_the_topic_leave_the_same_rows() -> None:
    edge, streams, store = memory_edge()
    for index in range(8):
        streams.append(topics.FRAMES, frame_message(1 + index % 3, index - 10))
    run(build(edge))
    once = store.rows(tables.DETECTIONS)
    run(build(edge))
    assert store.rows(tables.DETECTIONS) == once


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_that_a_gateway_sends_again_have_the_outcome_that_they_had(
    workers: int, tmp_path: Path
) -> None:
    """Killed, and started again when the camera's passes have long been forgotten."""
    edge, streams, store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    sent = [frame_message(1, second, **{"frame-id": str(uuid4())}) for second in (-3600, -3599.8, -3599.6)]
    sent.append(frame_message(9, -3599.4, **{"frame-id": str(uuid4())}))
    sent += [frame_message(2, second, **{"frame-id": str(uuid4())}) for second in (-2400, -1200)]
    for message in (*sent, *sent[1:]):
        streams.append(topics.FRAMES, message)
    run(build(edge), kept, workers)
    for message in sent[1:]:
        streams.append(topics.FRAMES, message)
    run(build(edge), kept, workers)

    passes = [(one.plate, one.frames) for one in streams.records(topics.DETECTIONS)]
    assert sorted(passes) == [
        ("ABC1234", 3),
        *(("KLM5555", 1),) * 2,
        *(("XYZ9876", 1),) * 2,
    ]
    assert len(store.rows(tables.DETECTIONS)) == 5
    assert [one.reason for one in streams.records(topics.DEAD_LETTERS)] == ["engine"]
    assert len(store.rows(tables.DEAD_LETTERS)) == 1


def test_a_frame_whose_id_is_none_is_refused() -> None:
    edge, streams, _store = memory_edge()
    streams.append(topics.FRAMES, frame_message(1, 0, **{"frame-id": "seven"}))
    run(build(edge))
    (letter,) = streams.records(topics.DEAD_LETTERS)
    assert (letter.reason, "frame-id" in letter.detail) == ("headers", True)


def test_a_restart_goes_on_where_the_flow_stopped(tmp_path: Path) -> None:
    edge, streams, store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    reader = ScriptedReader(SCRIPT)
    streams.append(topics.FRAMES, frame_message(1, -5))
    run(build(edge, reader), kept)
    streams.append(topics.FRAMES, frame_message(2, -1))
    run(build(edge, reader), kept)
    assert reader.calls == 2
    assert sorted(row["plate"] for row in store.rows(tables.DETECTIONS)) == ["ABC1234", "KLM5555", "XYZ9876"]


def test_a_table_is_written_once_an_epoch() -> None:
    edge, streams, store = memory_edge()
    for index in range(4):
        streams.append(topics.FRAMES, frame_message(2, index - 4, camera=f"cam-{index}"))
    from bytewax.testing import run_main

    run_main(build(edge))
    assert store.inserts["detections"] == 1


CHIEF = "Chief of Police"


def camera(name: str, **changes: Any) -> RegistryRecord:
    place = {"latitude": 34.5, "longitude": -109.4}
    return RegistryRecord(kind="camera", id=name, name=name, **{**place, **changes})


def detail(*cameras: str, **more: Any) -> RegistryRecord:
    period = {"since": NOW - timedelta(hours=1), "until": NOW + timedelta(hours=1)}
    return RegistryRecord(kind="detail", id="op-1", name="Operation", cameras=cameras, **{**period, **more})


def judged(
    *records: RegistryRecord,
    mode: Unapproved = "quarantine",
    places: Places = Places(),
    boundary: Sequence[Point] = (),
) -> tuple[MemoryTopics, MemoryTables]:
    edge, streams, store = memory_edge()
    for record in records:
        streams.append(topics.REGISTRY, topics.REGISTRY.encode(record))
    for name in ("known", "other"):
        streams.append(topics.FRAMES, frame_message(1, -1, camera=name))
    reader = ScriptedReader(SCRIPT)
    run(recognize_flow.build(edge, reader, unapproved=mode, places=places, boundary=boundary))
    return streams, store


def read_and_found(streams: MemoryTopics, store: MemoryTables) -> tuple[set[str], dict[str, str]]:
    read = {one.camera_id for one in streams.records(topics.DETECTIONS)}
    return read, {row["camera_id"]: row["rule"] for row in store.rows(tables.DEPLOYMENT_FINDINGS)}


def test_frames_of_a_camera_that_nobody_approved_are_kept_apart_and_found() -> None:
    streams, store = judged(camera("known", approved_by=CHIEF))
    assert read_and_found(streams, store) == ({"known"}, {"other": "unregistered"})
    (quarantined,) = streams.records(topics.FRAMES_QUARANTINE)
    assert (quarantined.camera_id, quarantined.image) == ("other", frame_message(1, -1).value)
    assert streams.messages(topics.DEAD_LETTERS) == []


def test_refused_by_configuration_they_leave_no_picture() -> None:
    streams, store = judged(camera("known", approved_by=CHIEF), mode="refuse")
    assert read_and_found(streams, store)[0] == {"known"}
    assert streams.messages(topics.FRAMES_QUARANTINE) == []
    (letter,) = streams.records(topics.DEAD_LETTERS)
    assert (letter.reason, letter.value, letter.headers["camera-id"]) == ("unapproved", None, "other")


def test_watched_they_are_read_and_found_all_the_same() -> None:
    found = read_and_found(*judged(camera("known", approved_by=CHIEF), mode="watch"))
    assert found == ({"known", "other"}, {"other": "unregistered"})


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"approved_by": CHIEF, "active": False}, "ended"),
        ({}, "unapproved"),
        ({"approved_by": CHIEF, "until": NOW - timedelta(days=1)}, "period"),
        ({"approved_by": CHIEF, "since": NOW + timedelta(days=1)}, "period"),
        ({"approved_by": CHIEF, "latitude": 34.51}, "moved"),
        ({"approved_by": CHIEF, "latitude": 34.51, "moves": True}, None),
        ({"approved_by": CHIEF, "latitude": 34.501}, None),
    ],
)
def test_what_an_approval_is_for_is_place_and_period(fields: dict[str, Any], rule: str | None) -> None:
    read, found = read_and_found(*judged(camera("known", **fields), camera("other", approved_by=CHIEF)))
    assert found == ({"known": rule} if rule else {})
    assert ("known" in read) == (rule is None)


TOWN = ((34.4, -109.5), (34.4, -109.3), (34.6, -109.3), (34.6, -109.5))
ELSEWHERE = tuple((north + 1, east) for north, east in TOWN)


@pytest.mark.parametrize(
    ("boundary", "fields", "rule"),
    [
        (TOWN, {"moves": True}, None),
        (ELSEWHERE, {"moves": True}, "outside"),
        ((), {"moves": True}, None),
        (ELSEWHERE, {}, None),
    ],
)
def test_the_boundary_decides_about_a_camera_that_moves_by_the_place_of_each_frame(
    boundary: Sequence[Point], fields: dict[str, Any], rule: str | None
) -> None:
    records = camera("known", approved_by=CHIEF, **fields), camera("other", approved_by=CHIEF)
    read, found = read_and_found(*judged(*records, boundary=boundary))
    assert found == ({"known": rule} if rule else {})
    assert ("known" in read) == (rule is None)


def test_a_special_detail_of_the_chief_s_goes_beyond_the_boundary() -> None:
    records = camera("known", approved_by=CHIEF, moves=True), camera("other", approved_by=CHIEF)
    allowed = judged(*records, detail("known", approved_by=CHIEF), boundary=ELSEWHERE)
    assert read_and_found(*allowed) == ({"known", "other"}, {})
    not_allowed = judged(*records, detail("known"), boundary=ELSEWHERE)
    assert read_and_found(*not_allowed) == ({"other"}, {"known": "detail_unapproved"})


@given(order=st.permutations(range(4)), hours=st.integers(0, 20))
@settings(max_examples=25, deadline=None)
def test_pictures_that_come_hours_late_in_any_order_have_their_own_times_and_places(
    order: list[int], hours: int
) -> None:
    edge, streams, _store = memory_edge()
    car = camera("car-12", approved_by=CHIEF, moves=True)
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(car))
    for number in order:
        north, at = str(34.5 + number / 100), -3600 * hours - 60 * number
        streams.append(topics.FRAMES, frame_message(1, at, camera="car-12", latitude=north))
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT), boundary=TOWN))
    seen = {one.captured_at: one.latitude for one in streams.records(topics.DETECTIONS)}
    latest = NOW - timedelta(hours=hours)
    assert seen == {latest - timedelta(minutes=number): 34.5 + number / 100 for number in range(4)}


def test_a_special_detail_covers_its_cameras_when_the_chief_approved_it() -> None:
    approved = judged(camera("known", approved_by=CHIEF), detail("other", approved_by=CHIEF))
    assert read_and_found(*approved) == ({"known", "other"}, {})
    not_approved = judged(camera("known", approved_by=CHIEF), detail("other"))
    assert read_and_found(*not_approved) == ({"known"}, {"other": "detail_unapproved"})
    over = judged(
        camera("known", approved_by=CHIEF),
        detail("other", approved_by=CHIEF, until=NOW - timedelta(minutes=9)),
    )
    assert read_and_found(*over) == ({"known"}, {"other": "unregistered"})


def test_before_any_camera_is_registered_all_are_taken() -> None:
    assert read_and_found(*judged()) == ({"known", "other"}, {})


SCHOOLS = Places(refused=("school",), margin_m=20.0)


def place(id: str = "lincoln", **changes: Any) -> RegistryRecord:
    """Around the place where frames of `frame_message` are taken."""
    drawn = {"latitude": 34.5, "longitude": -109.4, "radius_m": 100.0, "place": "school"}
    return RegistryRecord(kind="place", id=id, name=id.title(), **{**drawn, **changes})


@pytest.mark.parametrize("mode", ["quarantine", "refuse", "watch"])
def test_nothing_is_read_or_kept_of_what_a_camera_saw_in_a_sensitive_place_whoever_approved_it(
    mode: Unapproved,
) -> None:
    approved = [camera("known", approved_by=CHIEF, moves=True), detail("known", approved_by=CHIEF)]
    streams, store = judged(*approved, place(), mode=mode, places=SCHOOLS)
    assert read_and_found(streams, store) == (set(), dict.fromkeys(["known", "other"], "sensitive_place"))
    assert streams.messages(topics.FRAMES_QUARANTINE) == [], "nor kept until somebody approves it"
    assert (store.rows(tables.DETECTIONS), store.rows(tables.IMAGES)) == ([], [])
    letters = streams.records(topics.DEAD_LETTERS)
    assert {(one.reason, one.value) for one in letters} == {("sensitive_place", None)}
    assert {one.detail for one in letters} == {"in a place where the law allows no camera: lincoln"}


@pytest.mark.parametrize(
    ("record", "places"),
    [
        (place(), Places()),
        (place(place="court"), SCHOOLS),
        (place(active=False), SCHOOLS),
        (place(latitude=34.5 + 121 / 111_195), SCHOOLS),
    ],
)
def test_where_the_law_names_no_such_place_frames_are_read(record: RegistryRecord, places: Places) -> None:
    read, _found = read_and_found(*judged(record, places=places))
    assert read == {"known", "other"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_camera_is_read_up_to_the_edge_of_a_place_and_again_behind_it(workers: int) -> None:
    """Carried past a school; what the camera itself knew of a vehicle is not kept either."""
    edge, streams, store = memory_edge()
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(place()))
    for second, metres in ((-300, -125), (-240, -115), (-180, 0), (-120, 119), (-60, 125)):
        north = {"latitude": f"{34.5 + metres / 111_195:.7f}", "frame-id": str(uuid4())}
        streams.append(topics.FRAMES, frame_message(1, second, **north, **{"vehicle-plate": "ABC1234"}))
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT), places=SCHOOLS), workers=workers)
    seen = [one.captured_at for one in streams.records(topics.DETECTIONS)]
    assert seen == [NOW - timedelta(seconds=300), NOW - timedelta(seconds=60)]
    letters = streams.records(topics.DEAD_LETTERS)
    assert len(letters) == 3
    assert [name for one in letters for name in one.headers if name.startswith("vehicle")] == []
    assert len(store.rows(tables.DEPLOYMENT_FINDINGS)) == 1, "once for a camera, place and day"


def test_what_waited_in_quarantine_is_refused_when_its_place_has_become_known() -> None:
    edge, streams, _store = memory_edge()
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(camera("known", approved_by=CHIEF)))
    streams.append(topics.FRAMES, frame_message(1, -1, camera="other"))
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT), places=SCHOOLS))
    (waiting,) = streams.messages(topics.FRAMES_QUARANTINE)
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(place()))
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(camera("other", approved_by=CHIEF)))
    streams.append(topics.FRAMES, Message(b"other", waiting.value, waiting.headers))  # released
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT), places=SCHOOLS))
    assert streams.records(topics.DETECTIONS) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_vehicle_that_stands_there_is_published_once_and_alerts_on_what_is_listed_meanwhile(
    workers: int,
) -> None:
    """The alert comes from the topic of vehicles in view, with the detection whose picture is stored."""
    edge, streams, store = memory_edge()
    for step in range(41):  # 20 s
        streams.append(topics.FRAMES, frame_message(1, step / 2 - 30))
    run(build(edge), workers=workers)
    (one,) = streams.records(topics.DETECTIONS)
    assert [seen.detection.detection_id for seen in streams.records(topics.IN_VIEW)] == [one.detection_id] * 5
    assert len(store.rows(tables.IMAGES)) == 2

    early = listed("ABC1234", "early", state=None, listed_at=NOW - timedelta(days=1))
    late = listed("ABC1234", "late", state=None, listed_at=NOW - timedelta(seconds=18))
    for entry in (early, late):
        streams.append(topics.HOTLIST, topics.HOTLIST.encode(entry))
    run(match_flow.build(edge), workers=workers)
    hits = [(hit.entry.entry_id, hit.historical) for hit in streams.records(topics.ALERT_HITS)]
    assert sorted(hits) == [("sjpd:early", False), ("sjpd:late", False), ("sjpd:late", True)]
    assert len(store.rows(tables.ALERT_HITS)) == 3


def test_the_vehicle_of_a_pass_is_described_from_its_views_and_again_the_same_at_a_replay() -> None:
    examined: list[int] = []

    def examine(views: Sequence[bytes]) -> Look:
        examined.append(len(views))
        return Look(Attribute("pickup", 0.9), Attribute("white", 0.8), front=0.01)

    rows = []
    for _ in range(2):
        edge, streams, store = memory_edge()
        for second in (-5, -4.8, -4.6):
            streams.append(topics.FRAMES, frame_message(1, second))
        run(recognize_flow.build(edge, ScriptedReader(SCRIPT), examine=examine))
        (one,) = streams.records(topics.DETECTIONS)
        (row,) = store.rows(tables.DETECTIONS)
        rows.append(row)
        assert (one.vehicle.body, one.vehicle.colour) == ("pickup", "white")
        assert (row["vehicle_body"], row["vehicle_other"]["direction"]) == ("pickup", "leaving")
    assert examined == [2, 2]
    assert rows[0] == rows[1]
