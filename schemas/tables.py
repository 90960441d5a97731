"""Declarations of the ClickHouse tables that flows write: columns, and the rows of a record.

Rows are tuples in the order of `columns`. Every table replaces rows of the same identity, so a replay changes
nothing. `clickhouse/migrations` has the DDL, and a test compares both.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Vehicle
from platestream.schemas.finding import Finding
from platestream.schemas.frame_count import CountedFrame
from platestream.schemas.hit_action import HitAction
from platestream.schemas.registry import RegistryRecord

T = TypeVar("T")
Row = tuple[Any, ...]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table(Generic[T]):
    """A table, and how records `T` become its rows.

    Of rows that agree in the columns `identity` the last one written remains. `binary` names the columns that
    contain bytes.
    """

    name: str
    identity: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Callable[[T], list[Row]]
    binary: tuple[str, ...] = ()


def _table(
    name: str, identity: str, columns: str, binary: tuple[str, ...] = (), **formulas: Callable[[T], Any]
) -> Table[T]:
    """Return a table with one row for each record.

    A column has the value of its formula, else of the record's attribute of this name. In `columns` it may
    have the path to the attribute of a part before its name: `entry.source` is the column `source`.
    """
    names = {path.rpartition(".")[2]: path for path in columns.split()}
    values = [formulas.get(column) or attrgetter(path) for column, path in names.items()]
    return Table(
        name,
        tuple(identity.split()),
        tuple(names),
        lambda one: [tuple(value(one) for value in values)],
        binary,
    )


def _text(path: str) -> Callable[[Any], str]:
    """Return the formula of an attribute that is text, empty where it is None."""
    found = attrgetter(path)
    return lambda record: found(record) or ""


def _moment(path: str) -> Callable[[Any], datetime]:
    """Return the formula of an attribute that is a timestamp, EPOCH where it is None."""
    found = attrgetter(path)
    return lambda record: found(record) or EPOCH


def _camera_plate(detection: Detection) -> str:
    return "" if detection.camera_read is None else detection.camera_read.plate


def _image_rows(detection: Detection) -> list[Row]:
    pictures = (("crop", detection.crop), ("vehicle", detection.picture))
    return [
        (detection.detection_id, detection.captured_at, detection.camera_id, kind, digest, digest, jpeg)
        for kind, jpeg in pictures
        for digest in (sha256(jpeg).digest(),)
    ]


def _described(vehicle: Vehicle) -> dict[str, str]:
    words = {name: getattr(vehicle, name) for name in ("make", "model", "colour", "body")}
    return {**{name: text for name, text in words.items() if text}, **vehicle.other}


DETECTIONS: Table[Detection] = _table(
    "detections",
    "detection_id",
    "detection_id captured_at best_at camera_id latitude longitude plate confidence state "
    "state_confidence alternatives box frames agreeing models "
    "vehicle_make vehicle_model vehicle_colour vehicle_body vehicle_other stayed_ms "
    "opinion camera_plate camera_read",
    state=_text("state"),
    alternatives=lambda one: [(other.plate, other.confidence) for other in one.alternatives],
    box=lambda one: (one.box.x, one.box.y, one.box.width, one.box.height),
    models=lambda one: list(one.models),
    vehicle_make=_text("vehicle.make"),
    vehicle_model=_text("vehicle.model"),
    vehicle_colour=_text("vehicle.colour"),
    vehicle_body=_text("vehicle.body"),
    vehicle_other=attrgetter("vehicle.other"),
    camera_plate=_camera_plate,
    camera_read=lambda one: "" if one.camera_read is None else msgspec.json.encode(one.camera_read).decode(),
)
IMAGES: Table[Detection] = Table(
    "images",
    ("detection_id", "kind"),
    ("detection_id", "captured_at", "camera_id", "kind", "sha256", "content_sha256", "jpeg"),
    _image_rows,
    ("sha256", "content_sha256", "jpeg"),
)
ALERT_HITS: Table[AlertHit] = _table(
    "alert_hits",
    "hit_id",
    "hit_id detection.captured_at detection.detection_id detection.camera_id detection.latitude "
    "detection.longitude detection.plate state detection.confidence match differences state_check "
    "entry.entry_id entry.source entry.category listed_plate listed_state entry.case_number entry.reason "
    "entry.requested_by entry.contact entry.instructions entry.other entry.expires_at "
    "rank likelihood matched historical listed_vehicle silenced_for agency detection.opinion camera_plate "
    "read_vehicle",
    state=_text("detection.state"),
    differences=lambda hit: [(one.position, one.read, one.listed) for one in hit.differences],
    listed_plate=attrgetter("entry.plate"),
    listed_state=_text("entry.state"),
    listed_vehicle=lambda hit: _described(hit.entry.vehicle),
    silenced_for=lambda hit: list(hit.entry.silenced_for),
    camera_plate=lambda hit: _camera_plate(hit.detection),
    read_vehicle=lambda hit: _described(hit.detection.vehicle),
)
HIT_ACTIONS: Table[HitAction] = _table(
    "hit_actions",
    "action_id",
    "action_id hit_id at by kind case_number mvd_result actionable note checked_with result confused stopped",
    confused=lambda action: [(one.actual, one.read) for one in action.confused],
)
HIT_FACTS: Table[AlertHit] = _table(
    "hit_facts",
    "hit_id",
    "hit_id detection.captured_at detection.camera_id entry.source entry.category match state_check rank "
    "historical characters detection.opinion alerted_by",
    characters=lambda hit: len(hit.detection.plate),
)
DELIVERIES: Table[Delivery] = _table(
    "deliveries",
    "delivery_id",
    "delivery_id hit_id receiver agency priority outcome at captured_at attempts seconds reason",
)
DEAD_LETTERS: Table[DeadLetter] = _table(
    "dead_letters",
    "topic partition offset",
    "topic partition offset timestamp reason detail headers key value",
    ("key", "value"),
    timestamp=_moment("timestamp"),
    key=lambda letter: letter.key or b"",
    value=lambda letter: letter.value or b"",
)
REGISTRY: Table[RegistryRecord] = _table(
    "registry",
    "kind id",
    "kind id name active approved_by approved_at agency role trained_at own law_enforcement "
    "mou_from mou_until shares_cameras shares_kinds changed_at record state declared_at",
    approved_at=_moment("approved_at"),
    trained_at=_moment("trained_at"),
    mou_from=_moment("mou_from"),
    mou_until=_moment("mou_until"),
    shares_cameras=lambda one: list(one.shares_cameras),
    shares_kinds=lambda one: list(one.shares_kinds),
    changed_at=_moment("changed_at"),
    record=lambda one: one.to_json().decode(),
    declared_at=_moment("declared_at"),
)
REGISTRY_FOLLOWED = replace(REGISTRY, name="registry_followed")
"""Target of the audit flow; people, agencies and shifts are written to the registry by acts only."""
INQUIRY_FINDINGS: Table[Finding] = _table(
    "inquiry_findings", "finding_id", "finding_id inquiry_id at who agency kind rule grade detail"
)
DEPLOYMENT_FINDINGS: Table[DeploymentFinding] = _table(
    "deployment_findings", "finding_id", "finding_id day at camera_id detail rule said"
)
FRAMES_COUNTED: Table[CountedFrame] = _table(
    "frames_counted",
    "camera_id epoch number mark outcome",
    "camera_id epoch number mark outcome lost device",
)

TABLES: tuple[Table[Any], ...] = (
    DETECTIONS,
    IMAGES,
    ALERT_HITS,
    HIT_ACTIONS,
    HIT_FACTS,
    DELIVERIES,
    DEAD_LETTERS,
    REGISTRY,
    INQUIRY_FINDINGS,
    DEPLOYMENT_FINDINGS,
    FRAMES_COUNTED,
)
