"""The checker of runs finds each fault that is planted, and nothing in a run without one."""

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from tests.checker.check import Evidence, faults, figures, hit_id, pass_id
from tests.checker.gather import Poll
from tests.checker.journal import APART, SHOTS, Journal, Send

FIRST = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENTRY = "acic:1"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sends() -> list[Send]:
    """Two cameras, three vehicles each, a frame that is no picture, a refused one, one without answer."""
    made = []
    for camera in ("a-gate", "b-yard"):
        for vehicle in range(3):
            plate = f"KT{camera[0].upper()}{1000 + vehicle}"
            digest = sha256(plate)
            made += [
                Send(
                    camera,
                    vehicle,
                    shot,
                    FIRST + vehicle * APART + timedelta(seconds=shot),
                    digest,
                    plate,
                    "done",
                )
                for shot in range(SHOTS)
            ]
        end = FIRST + 3 * APART
        broken = sha256("")
        made.append(Send(camera, 3, SHOTS, end, broken, "", "done"))
        made.append(Send(camera, 3, SHOTS + 1, end, sha256("XXX9999"), "XXX9999", "failed"))
        made.append(Send(camera, 4, 0, end + APART, sha256("KTX1"), "KTX1", "unknown"))
    return made


def poll(offset: int, value: dict[str, Any] | bytes, partition: int = 0, **headers: str) -> Poll:
    result = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Poll(
        partition, offset, None, {name.replace("_", "-"): text for name, text in headers.items()}, result
    )


def frame(number: int, one: Send) -> Poll:
    at = one.at.isoformat()
    name = str(uuid5(UUID(int=1), f"{one.camera}{at}"))
    partition = int(one.camera == "b-yard")
    return poll(number, one.plate.encode(), partition, camera_id=one.camera, captured_at=at, frame_id=name)


def seals(count: int) -> list[dict[str, Any]]:
    last, made = "0" * 64, []
    for number in range(1, count + 1):
        inquiry = {"type": "inquiry/1", "inquiry_id": str(UUID(int=number)), "who": "Véra"}
        text = json.dumps(inquiry, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(f"{last}\n{text}".encode()).hexdigest()
        made.append({"seal": number, "previous": last, "hash": digest, "inquiry": inquiry})
        last = digest
    return made


def run() -> Evidence:
    """A run in which all is well: the frame without an answer did not arrive."""
    sent = sends()
    opened = [one for one in sent if one.shot == 0 and one.state == "done"]
    detections: list[dict[str, Any]] = [
        {"detection_id": pass_id(one.camera, one), "plate": one.plate, "frames": SHOTS} for one in opened
    ]
    hits: list[dict[str, Any]] = [
        {
            "hit_id": hit_id(one["detection_id"], ENTRY),
            "detection_id": one["detection_id"],
            "entry_id": ENTRY,
        }
        for one in detections
        if one["plate"] == "KTA1000"
    ]
    result = [{"delivery_id": "d1", "hit_id": hits[0]["hit_id"], "receiver": "cad", "outcome": "delivered"}]
    chained = seals(3)
    return Evidence(
        sent,
        {
            "frames": [frame(number, one) for number, one in enumerate(sent) if one.state == "done"],
            "detections": [poll(number, one) for number, one in enumerate(detections)],
            "alert_hits": [
                poll(
                    0,
                    {
                        "hit_id": one["hit_id"],
                        "detection": {"detection_id": one["detection_id"]},
                        "entry": {"entry_id": ENTRY},
                    },
                )
                for one in hits
            ],
            "inquiries": [poll(number, one) for number, one in enumerate(chained)],
        },
        {
            "detections": detections,
            "images": [
                {"detection_id": one["detection_id"], "kind": kind, "told": "ab", "is": "ab", "picture": True}
                for one in detections
                for kind in ("crop", "vehicle")
            ],
            "dead_letters": [{"origin": "a"}, {"origin": "b"}],
            "alert_hits": hits,
            "deliveries": result,
            "inquiry_seals": [
                {"seal": one["seal"], "hash": one["hash"], "entry": f"e{one['seal']}"} for one in chained
            ],
            "inquiry_log": [{"entry": f"e{number}"} for number in (1, 2, 3)],
        },
        listed={"KTA1000": ENTRY},
        receiver="cad",
        heard=["d1"],
        shown={hits[0]["hit_id"]},
    )


def swap(polls: list[Poll]) -> None:
    """The second and the last frame of the first vehicle change places."""
    polls[1], polls[2] = replace(polls[1], offset=polls[2].offset), replace(polls[2], offset=polls[1].offset)


def of(table: str, **changed: Any) -> Callable[[Evidence], None]:
    """The first row of a table says something else."""
    return lambda run: run.rows[table][0].update(changed)


def json_of(topic: str, number: int, **changed: Any) -> Callable[[Evidence], None]:
    def change(run: Evidence) -> None:
        one = run.polls[topic][number]
        run.polls[topic][number] = replace(one, value=json.dumps({**one.json, **changed}).encode())

    return change


def refused_frame_arrives(run: Evidence) -> None:
    refused = next(one for one in run.sends if one.state == "failed")
    run.polls["frames"].append(frame(99, refused))


def of_a_refused_frame(run: Evidence) -> None:
    refused = next(one for one in run.sends if one.state == "failed")
    run.rows["detections"].append(
        {"detection_id": pass_id(refused.camera, refused), "plate": "XXX9999", "frames": 1}
    )


def moved(run: Evidence) -> None:
    one = run.polls["frames"].pop(2)
    run.polls["frames"].append(replace(one, partition=1, offset=-1))


def detected_elsewhere(run: Evidence) -> None:
    one = run.polls["detections"].pop(2)
    run.polls["detections"].append(replace(one, partition=1))


def of_nobody(run: Evidence) -> None:
    run.polls["frames"].append(replace(frame(98, run.sends[0]), value=b"x"))


def row(table: str, **changes: Any) -> Callable[[Evidence], None]:
    """One more row."""
    return lambda run: run.rows[table].append(changes)


def twice(table: str) -> Callable[[Evidence], None]:
    """The first row once more."""
    return lambda run: run.rows[table].append(dict(run.rows[table][0]))


def no_row(table: str) -> Callable[[Evidence], None]:
    """The last row is gone."""
    return lambda run: drop(run.rows[table], -1)


def no_poll(topic: str, number: int) -> Callable[[Evidence], None]:
    return lambda run: drop(run.polls[topic], number)


def drop(some: list[Any], number: int) -> None:
    del some[number]


def shows(*hits: str) -> Callable[[Evidence], None]:
    return lambda run: setattr(run, "shown", set(hits))


def heard(*more: str) -> Callable[[Evidence], None]:
    return lambda run: setattr(run, "heard", list(more))


STRANGER: dict[str, Any] = {"detection_id": str(UUID(int=5)), "plate": "ABC123", "frames": 3}
PLANTED: dict[str, tuple[str, Callable[[Evidence], None]]] = {
    "an acknowledged frame is not on the topic": ("lost", no_poll("frames", 4)),
    "a frame that nobody sent": ("invented", of_nobody),
    "a frame that was refused": ("aborted read", refused_frame_arrives),
    "two frames of a camera change places": ("reordered", lambda run: swap(run.polls["frames"])),
    "a frame is in another partition": ("reordered", moved),
    "two vehicles of a camera change places": ("reordered", lambda run: swap(run.polls["detections"])),
    "a vehicle is in another partition": ("reordered", detected_elsewhere),
    "a dead letter is gone": ("lost", no_row("dead_letters")),
    "a picture became a dead letter": ("invented", row("dead_letters", origin="c")),
    "a vehicle is not in the table": ("lost", no_row("detections")),
    "a vehicle is not on the topic": ("lost", no_poll("detections", 1)),
    "a vehicle is in the table twice": ("doubled", twice("detections")),
    "a vehicle that nobody sent, in the table": ("invented", row("detections", **STRANGER)),
    "a vehicle that nobody sent, on the topic": (
        "invented",
        lambda run: run.polls["detections"].append(poll(77, STRANGER)),
    ),
    "a vehicle of a refused frame": ("aborted read", of_a_refused_frame),
    "a frame was not counted": ("lost", of("detections", frames=2)),
    "a frame was counted twice": ("doubled", of("detections", frames=4)),
    "another plate in the table than on the topic": ("altered", of("detections", plate="KTA1009")),
    "a picture is gone": ("lost", no_row("images")),
    "a picture is there twice": ("doubled", twice("images")),
    "a picture was changed": ("altered", of("images", told="cd")),
    "a picture does not open to one": ("altered", of("images", picture=False)),
    "a hit is not in the table": ("lost", no_row("alert_hits")),
    "a hit is not on the topic": ("lost", no_poll("alert_hits", 0)),
    "a hit is there twice": ("doubled", twice("alert_hits")),
    "a hit of no detection": ("invented", of("alert_hits", detection_id=str(UUID(int=9)))),
    "a hit without notice": ("hit without notice", no_row("deliveries")),
    "a notice that is on record and was not heard": ("lost", heard()),
    "a notice that was heard and is not on record": ("invented", heard("d1", "d9")),
    "a notice that was heard and is on record as failed": ("altered", of("deliveries", outcome="failed")),
    "a notice is on record twice": ("doubled", twice("deliveries")),
    "a hit is not on the page": ("lost", shows()),
    "a hit on the page that is in no table": ("invented", shows("h9")),
    "an inquiry was changed after its seal": ("seals do not chain", json_of("inquiries", 1, inquiry={})),
    "a seal is missing": ("seals do not chain", no_poll("inquiries", 1)),
    "a seal differs from the table's": ("seals do not chain", of("inquiry_seals", hash="0" * 64)),
    "the table's end was cut off": ("seals do not chain", no_row("inquiry_seals")),
    "a row of the log has no seal": ("lost", row("inquiry_log", entry="e9")),
}


def test_a_run_without_a_fault_has_none_and_its_figures_are_told() -> None:
    assert faults(run()) == []
    assert figures(run()) == {
        **{"done": 20, "failed": 2, "unknown": 2, "detections": 6, "hits": 1, "notices": 1, "seals": 3},
        **dict.fromkeys(("frames_again", "detections_again", "hits_again", "notices_again"), 0),
    }


@pytest.mark.parametrize("planted", PLANTED)
def test_what_was_planted_is_found(planted: str) -> None:
    kind, plant = PLANTED[planted]
    hurt = deepcopy(run())
    plant(hurt)
    assert kind in {one.kind for one in faults(hurt)}, faults(hurt)


def test_what_had_no_answer_may_be_there_or_not() -> None:
    arrived = run()
    one = next(send for send in arrived.sends if send.state == "unknown")
    row = {"detection_id": pass_id(one.camera, one), "plate": one.plate, "frames": 1}
    arrived.rows["detections"].append(row)
    arrived.rows["images"] += [
        {"detection_id": row["detection_id"], "kind": kind, "told": "a", "is": "a", "picture": True}
        for kind in ("crop", "vehicle")
    ]
    arrived.polls["detections"].append(poll(90, row))
    arrived.polls["frames"].append(frame(90, one))
    assert faults(arrived) == []


def test_a_vehicle_whose_frames_came_apart_counts_those_before_the_gap() -> None:
    apart = run()
    shots = [replace(one, heard=10.0 * (one.shot > 1) + one.shot) for one in apart.sends[:SHOTS]]
    apart.sends[:SHOTS] = shots
    apart.rows["detections"][0]["frames"] = 2
    apart.polls["detections"][0] = poll(0, apart.rows["detections"][0])
    assert faults(apart) == []
    apart.rows["detections"][0]["frames"] = 1
    assert [one.kind for one in faults(apart)] == ["lost", "altered"]


def test_repeats_on_a_topic_are_counted_and_no_fault() -> None:
    again = run()
    again.polls["frames"].append(replace(again.polls["frames"][0], offset=70))
    again.polls["detections"].append(replace(again.polls["detections"][0], offset=70))
    again.polls["inquiries"].append(replace(again.polls["inquiries"][0], offset=70))
    again.heard.append("d1")
    assert faults(again) == []
    result = figures(again)
    assert (result["frames_again"], result["detections_again"], result["notices_again"]) == (1, 1, 1)


def test_a_journal_says_of_each_frame_what_came_of_all_its_attempts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    one, two, three, four = (replace(sends()[0], shot=shot, state="unknown") for shot in range(4))
    for send, said in (
        *((one, "begun"), (one, "begun"), (one, "done")),
        *((two, "begun"), (two, "failed")),
        *((three, "begun"), (three, "failed"), (three, "begun")),
        (four, "begun"),
    ):
        journal.write(send, said)
    assert [send.state for send in journal.sends()] == ["done", "failed", "unknown", "unknown"]
    assert [replace(send, state="unknown", heard=0.0) for send in journal.sends()] == [one, two, three, four]
