"""Declarations of the ClickHouse tables that flows write: columns, and the rows of a record.

Rows are tuples in the order of `columns`. Every table replaces rows of the same identity, so a replay changes
nothing. `clickhouse/migrations` has the DDL, and a test compares both.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
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


def _detection_rows(detection: Detection) -> list[Row]:
    box, vehicle = detection.box, detection.vehicle
    return [
        (
            detection.detection_id,
            detection.captured_at,
            detection.best_at,
            detection.camera_id,
            detection.latitude,
            detection.longitude,
            detection.plate,
            detection.confidence,
            detection.state or "",
            detection.state_confidence,
            [(other.plate, other.confidence) for other in detection.alternatives],
            (box.x, box.y, box.width, box.height),
            detection.frames,
            detection.agreeing,
            list(detection.models),
            vehicle.make or "",
            vehicle.model or "",
            vehicle.colour or "",
            vehicle.body or "",
            vehicle.other,
            detection.stayed_ms,
            detection.opinion,
            _camera_plate(detection),
            "" if detection.camera_read is None else msgspec.json.encode(detection.camera_read).decode(),
        )
    ]


def _camera_plate(detection: Detection) -> str:
    return "" if detection.camera_read is None else detection.camera_read.plate


def _image_rows(detection: Detection) -> list[Row]:
    pictures = (("crop", detection.crop), ("vehicle", detection.picture))
    return [
        (
            detection.detection_id,
            detection.captured_at,
            detection.camera_id,
            kind,
            digest,
            digest,
            jpeg,
        )
        for kind, jpeg in pictures
        for digest in (sha256(jpeg).digest(),)
    ]


def _hit_rows(hit: AlertHit) -> list[Row]:
    entry, detection = hit.entry, hit.detection
    return [
        (
            hit.hit_id,
            detection.captured_at,
            detection.detection_id,
            detection.camera_id,
            detection.latitude,
            detection.longitude,
            detection.plate,
            detection.state or "",
            detection.confidence,
            hit.match,
            [(one.position, one.read, one.listed) for one in hit.differences],
            hit.state_check,
            entry.entry_id,
            entry.source,
            entry.category,
            entry.plate,
            entry.state or "",
            entry.case_number,
            entry.reason,
            entry.requested_by,
            entry.contact,
            entry.instructions,
            entry.other,
            entry.expires_at,
            hit.rank,
            hit.likelihood,
            hit.matched,
            hit.historical,
            _described(entry.vehicle),
            list(entry.silenced_for),
            hit.agency,
            detection.opinion,
            _camera_plate(detection),
            _described(detection.vehicle),
        )
    ]


def _described(vehicle: Vehicle) -> dict[str, str]:
    words = {name: getattr(vehicle, name) for name in ("make", "model", "colour", "body")}
    return {**{name: text for name, text in words.items() if text}, **vehicle.other}


def _action_rows(action: HitAction) -> list[Row]:
    return [
        (
            action.action_id,
            action.hit_id,
            action.at,
            action.by,
            action.kind,
            action.case_number,
            action.mvd_result,
            action.actionable,
            action.note,
            action.checked_with,
            action.result,
            [(one.actual, one.read) for one in action.confused],
            action.stopped,
        )
    ]


def _fact_rows(hit: AlertHit) -> list[Row]:
    return [
        (
            hit.hit_id,
            hit.detection.captured_at,
            hit.detection.camera_id,
            hit.entry.source,
            hit.entry.category,
            hit.match,
            hit.state_check,
            hit.rank,
            hit.historical,
            len(hit.detection.plate),
            hit.detection.opinion,
            hit.alerted_by,
        )
    ]


def _delivery_rows(delivery: Delivery) -> list[Row]:
    return [
        (
            delivery.delivery_id,
            delivery.hit_id,
            delivery.receiver,
            delivery.agency,
            delivery.priority,
            delivery.outcome,
            delivery.at,
            delivery.captured_at,
            delivery.attempts,
            delivery.seconds,
            delivery.reason,
        )
    ]


def _dead_letter_rows(letter: DeadLetter) -> list[Row]:
    return [
        (
            letter.topic,
            letter.partition,
            letter.offset,
            letter.timestamp or EPOCH,
            letter.reason,
            letter.detail,
            letter.headers,
            letter.key or b"",
            letter.value or b"",
        )
    ]


def _registry_rows(one: RegistryRecord) -> list[Row]:
    return [
        (
            one.kind,
            one.id,
            one.name,
            one.active,
            one.approved_by,
            one.approved_at or EPOCH,
            one.agency,
            one.role,
            one.trained_at or EPOCH,
            one.own,
            one.law_enforcement,
            one.mou_from or EPOCH,
            one.mou_until or EPOCH,
            list(one.shares_cameras),
            list(one.shares_kinds),
            one.changed_at or EPOCH,
            one.to_json().decode(),
            one.state,
            one.declared_at or EPOCH,
        )
    ]


def _finding_rows(finding: Finding) -> list[Row]:
    return [
        (
            finding.finding_id,
            finding.inquiry_id,
            finding.at,
            finding.who,
            finding.agency,
            finding.kind,
            finding.rule,
            finding.grade,
            finding.detail,
        )
    ]


def _deployment_rows(finding: DeploymentFinding) -> list[Row]:
    return [
        (
            finding.finding_id,
            finding.day,
            finding.at,
            finding.camera_id,
            finding.detail,
            finding.rule,
            finding.said,
        )
    ]


def _counted_rows(frame: CountedFrame) -> list[Row]:
    return [
        (
            frame.camera_id,
            frame.epoch,
            frame.number,
            frame.mark,
            frame.outcome,
            frame.lost,
            frame.device,
        )
    ]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DETECTIONS: Table[Detection] = Table(
    "detections",
    ("detection_id",),
    _words(
        "detection_id captured_at best_at camera_id latitude longitude plate confidence state "
        "state_confidence alternatives box frames agreeing models "
        "vehicle_make vehicle_model vehicle_colour vehicle_body vehicle_other stayed_ms "
        "opinion camera_plate camera_read"
    ),
    _detection_rows,
)
IMAGES: Table[Detection] = Table(
    "images",
    ("detection_id", "kind"),
    _words("detection_id captured_at camera_id kind sha256 content_sha256 jpeg"),
    _image_rows,
    ("sha256", "content_sha256", "jpeg"),
)
ALERT_HITS: Table[AlertHit] = Table(
    "alert_hits",
    ("hit_id",),
    _words(
        "hit_id captured_at detection_id camera_id latitude longitude plate state confidence "
        "match differences state_check entry_id source category listed_plate listed_state "
        "case_number reason requested_by contact instructions other expires_at "
        "rank likelihood matched historical listed_vehicle silenced_for agency opinion camera_plate "
        "read_vehicle"
    ),
    _hit_rows,
)
HIT_ACTIONS: Table[HitAction] = Table(
    "hit_actions",
    ("action_id",),
    _words(
        "action_id hit_id at by kind case_number mvd_result actionable note checked_with result confused "
        "stopped"
    ),
    _action_rows,
)
HIT_FACTS: Table[AlertHit] = Table(
    "hit_facts",
    ("hit_id",),
    _words(
        "hit_id captured_at camera_id source category match state_check rank historical characters "
        "opinion alerted_by"
    ),
    _fact_rows,
)
DELIVERIES: Table[Delivery] = Table(
    "deliveries",
    ("delivery_id",),
    _words("delivery_id hit_id receiver agency priority outcome at captured_at attempts seconds reason"),
    _delivery_rows,
)
DEAD_LETTERS: Table[DeadLetter] = Table(
    "dead_letters",
    ("topic", "partition", "offset"),
    _words("topic partition offset timestamp reason detail headers key value"),
    _dead_letter_rows,
    ("key", "value"),
)
REGISTRY: Table[RegistryRecord] = Table(
    "registry",
    ("kind", "id"),
    _words(
        "kind id name active approved_by approved_at agency role trained_at own law_enforcement "
        "mou_from mou_until shares_cameras shares_kinds changed_at record state declared_at"
    ),
    _registry_rows,
)
REGISTRY_FOLLOWED = replace(REGISTRY, name="registry_followed")
"""Target of the audit flow; people, agencies and shifts are written to the registry by acts only."""
INQUIRY_FINDINGS: Table[Finding] = Table(
    "inquiry_findings",
    ("finding_id",),
    _words("finding_id inquiry_id at who agency kind rule grade detail"),
    _finding_rows,
)
DEPLOYMENT_FINDINGS: Table[DeploymentFinding] = Table(
    "deployment_findings",
    ("finding_id",),
    _words("finding_id day at camera_id detail rule said"),
    _deployment_rows,
)
FRAMES_COUNTED: Table[CountedFrame] = Table(
    "frames_counted",
    ("camera_id", "epoch", "number", "mark", "outcome"),
    _words("camera_id epoch number mark outcome lost device"),
    _counted_rows,
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
