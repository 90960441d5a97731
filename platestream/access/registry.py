"""The registry: agencies and their MOUs, people and their training, cameras, special details, outcomes of
ALPR use, and the designated sources and categories of the hot list.

Each change is an act in the inquiry log that holds the SHA-256 of the record. The record is then written to
the database, which accepts it only by that act and judges by it from then on, and to the `registry` topic,
from which the flows read it.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from platestream.access import accounts
from platestream.access.door import Door, Permit
from platestream.access.effects import Bulk, publish_encoded
from platestream.edges.changelog import current, publish, read_to_end, readable
from platestream.edges.clickhouse_client import SUPERVISOR, read_rows
from platestream.edges.edge import Topics
from platestream.edges.kafka_client import BrokerError
from platestream.operators.boundary import within
from platestream.operators.inquiry_checks.text_folding import fold_text
from platestream.operators.people import People, PeopleRules
from platestream.operators.people_names import name_identity, number_identity
from platestream.operators.sensitive_places import inside, places_around
from platestream.schemas import topics
from platestream.schemas.acts import ROLES
from platestream.schemas.designation import Designations
from platestream.schemas.hotlist import OWN_SOURCE
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.registry import Kind, RegistryRecord

UNTOLD = ("schema", "kind", "id", "changed_at", "changed_by")  # they are in the act itself
_WRITTEN = "SELECT record FROM platestream.registry FINAL ORDER BY changed_at"
LONGEST_SAID = 200  # characters of a value, so that the other changes fit the act
REMOTE = "sftp://"
"""Begin of the place of a feed on another machine."""
FEED = (
    *("feed_place", "feed_key", "feed_layout", "feed_map", "feed_every_minutes", "feed_removes_percent"),
    "feed_sequence",
)
LATEST_DUTY = timedelta(days=7)
AT_ONCE = 50  # frames released to the topic at once
_PLAIN = re.compile(r"[a-z][a-z0-9_-]{0,31}")
ANOTHERS = "shift login and shift logout keep the shifts"


def records(streams: Topics) -> list[RegistryRecord]:
    """Return the newest version of every record, ended ones included."""
    return list(current(streams, topics.REGISTRY))


def records_of(streams: Topics, kind: Kind) -> dict[str, RegistryRecord]:
    """Return the current records of a kind by id, ended ones included."""
    found = (one for one in records(streams) if one.kind == kind)
    return {one.id: one for one in sorted(found, key=lambda one: one.id)}


def load_people(door: Door) -> tuple[People, PeopleRules]:
    """Return the current people and agencies, and the profile's requirements of them. Raises ProfileError."""
    return People(records(door.streams)), PeopleRules.of(door.rules.gate)


def load_people_and_cameras(door: Door) -> tuple[People, PeopleRules, dict[str, tuple[float, float]]]:
    """Return the same as `load_people`, and latitude and longitude of each active camera, read once."""
    found = records(door.streams)
    cameras = {
        one.id: (one.latitude, one.longitude)
        for one in found
        if one.kind == "camera" and one.active and one.latitude is not None and one.longitude is not None
    }
    return People(found), PeopleRules.of(door.rules.gate), cameras


def act_of(kind: Kind) -> str:
    """Return the act that registers a record of this kind. Raises RefusedError for shifts, which have other
    acts.
    """
    if kind == "shift":
        raise RefusedError("registry", ANOTHERS)
    return f"registry_{kind.removeprefix('hotlist_')}"


def show(door: Door, kind: Kind) -> list[RegistryRecord]:
    """Return the current records of a kind. Raises RefusedInquiry."""
    door.enter("registry_show", kind)
    return list(records_of(door.streams, kind).values())


def show_several(door: Door, *kinds: Kind, beside: str = "") -> dict[Kind, list[RegistryRecord]]:
    """Return the current records of several kinds, ordered by id, as one act. `beside` names what else of the
    registry is shown by this act. Raises RefusedInquiry.
    """
    door.enter("registry_show", subjects(kinds, beside))
    return of_kinds(records(door.streams), kinds)


def subjects(kinds: Iterable[Kind], beside: str = "") -> str:
    """Return the subject of an act that shows records of these kinds, and what is beside them."""
    return ", ".join([*kinds, *([beside] if beside else [])])


def of_kinds(found: Iterable[RegistryRecord], kinds: Iterable[Kind]) -> dict[Kind, list[RegistryRecord]]:
    """Return the records of each of these kinds, ordered by id."""
    ordered = sorted(found, key=lambda one: one.id)
    return {kind: [one for one in ordered if one.kind == kind] for kind in kinds}


def put(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
    """Make `record` the newest of its id; return it as it was written.

    Raises RefusedError, which is logged, on a wrong field or a record that the order forbids; RefusedInquiry;
    DatabaseError where nothing was changed; and BrokerError where it was changed but is missing on the topic.
    """
    act = act_of(record.kind)
    before = _before(door, record)
    final = completed(door, record, before)
    with door.log_refusal(act, record.key):
        final = RegistryRecord.from_json(final.to_json())
        if wrong := "; ".join(_wrong(door, final, now)):
            raise RefusedError("registry", wrong)
    permit = door.enter(act, final.key, change=difference(before, final), effect=effect_of(final))
    return write_at_once(permit, door, final)


def completed(door: Door, record: RegistryRecord, before: RegistryRecord | None) -> RegistryRecord:
    """Return the record with its author and its time, by the database's clock and after its last change."""
    at = door.now()
    if before is not None and before.changed_at is not None:
        at = max(at, before.changed_at + timedelta(milliseconds=1))
    return msgspec.structs.replace(record, changed_at=at, changed_by=door.who[:64])


def effect_of(record: RegistryRecord) -> str:
    """Return the SHA-256 of the written record, which its act names."""
    return sha256(record.to_json()).hexdigest()


def write_at_once(permit: Permit, door: Door, record: RegistryRecord) -> RegistryRecord:
    """Write a record by the act that names its SHA-256; the gate judges by it when this returns or raises
    BrokerError. Raises DatabaseError where nothing was written.
    """
    door.write("registry_change", inquiry_id=permit.inquiry_id, record=record.to_json().decode())
    try:
        publish(door.streams, topics.REGISTRY, [record])
    except (BrokerError, OSError) as error:
        raise BrokerError(
            f"{record.key} is changed and counts from now on, but the flows do not know of it yet ({error}): "
            "run platestream registry repair"
        ) from error
    return record


def repair(door: Door) -> list[str]:
    """Write records to the topic that are in the database and missing there; return their keys.

    Each record was an act of its own. Raises RefusedInquiry, DatabaseError and BrokerError.
    """
    door.enter("registry_show", "repair")
    rows = read_rows(door.client(SUPERVISOR), "reading the registry", _WRITTEN)
    on_topic = {one.key: one for one in records(door.streams)}
    written = [RegistryRecord.from_json(record.encode()) for (record,) in rows if record]
    late = [one for one in written if _is_newer(one, on_topic.get(one.key))]
    publish(door.streams, topics.REGISTRY, late)
    return [one.key for one in late]


def _is_newer(record: RegistryRecord, known: RegistryRecord | None) -> bool:
    if known is None or record.changed_at is None or known.changed_at is None:
        return known is None
    return record.changed_at > known.changed_at


def put_agency(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
    """Register an agency and its MOU; its address and keys (`platestream.partners.register`) remain
    unchanged. Raises as `put`.
    """
    known = _before(door, record)
    if known is not None:
        record = msgspec.structs.replace(record, address=known.address, keys=known.keys)
    return put(door, record, now)


def put_user(door: Door, record: RegistryRecord, now: datetime, roles: Iterable[str] = ()) -> RegistryRecord:
    """Register a person in `roles`. Without roles, or without a day of training, an active person's recorded
    ones remain; a new person is an officer without training. Raises as `put`.
    """
    known = _before(door, record)
    active = known if known and known.active else None
    with door.log_refusal("registry_user", record.key):
        if unknown := set(roles) - ROLES.keys():
            raise RefusedError(
                "registry", f"no role {', '.join(sorted(unknown))}: it is one of {', '.join(ROLES)}"
            )
    same_training = active is not None and record.trained_at in (None, active.trained_at)
    given = set(roles) or set(active.roles if active else ("officer",))
    changes: dict[str, Any] = {
        "trained_at": record.trained_at or (active.trained_at if active else None),
        "material": record.material or (active.material if active and same_training else ""),
        "employee_number": record.employee_number.strip() or (known.employee_number if known else ""),
        "sworn": known.sworn if record.sworn is None and known else record.sworn,
    }
    role = ",".join(one for one in ROLES if one in given)
    return put(door, msgspec.structs.replace(record, role=role, **changes), now)


def designate(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
    """Designate a source or category of the hot list, or withdraw it where `record` is not active (E.1.b).

    Designations by the order itself can be withdrawn, too. Empty fields remain unchanged: the title, the
    longest time, the time of a source's last import, and its feed as a whole. Raises as `put`.
    """
    known = _before(door, record)
    changes: dict[str, Any] = {"name": record.name or (known.name if known else record.id)}
    if known is not None:
        changes |= {
            "refreshed_at": known.refreshed_at,
            "longest_days": record.longest_days or known.longest_days,
            "feed_made_at": known.feed_made_at,  # a new registration makes no old file valid again
        }
        if not record.has_feed:
            changes |= {name: getattr(known, name) for name in FEED}
    with door.log_refusal(act_of(record.kind), record.key):
        designated = Designations(records(door.streams))
        if known is None:
            _check_name(designated, record)
        if record.id == OWN_SOURCE and record.has_feed:
            raise RefusedError("registry", f"`{OWN_SOURCE}` is this agency's own list: people enter it")
        if record.feed_place.startswith(REMOTE) and not record.feed_key:
            raise RefusedError("registry", "files from another machine are signed: register their key, too")
        if not record.active and not designated.knows(record.kind, record.id):
            raise RefusedError("registry", f"{record.id} is not designated, so it cannot be withdrawn")
    return put(door, msgspec.structs.replace(record, **changes), now)


def _check_name(known: Designations, record: RegistryRecord) -> None:
    """Raise RefusedError for a new source or category whose name is confusable with another one."""
    if not _PLAIN.fullmatch(record.id):
        raise RefusedError("registry", "a name has lower-case letters a-z, digits, - and _, 32 at most")
    names = known.sources if record.kind == "hotlist_source" else list(known.categories)
    if like := next(
        (one for one in names if one != record.id and fold_text(one) == fold_text(record.id)), None
    ):
        raise RefusedError("registry", f"the name can be taken for `{like}`, which is designated")


def end(door: Door, kind: Kind, name: str, now: datetime) -> RegistryRecord:
    """Deactivate `name`; its record remains. A person's password and tokens are removed, so that they are not
    valid when the person is registered again. Raises as `put`.
    """
    with door.log_refusal(act_of(kind), f"{kind}/{name}"):
        record = records_of(door.streams, kind).get(name)
        if record is None:
            raise RefusedError("registry", f"no {kind} {name} is registered")
    written = put(door, msgspec.structs.replace(record, active=False), now)
    if kind == "user":
        accounts.remove_sign_ins(door, name)
    return written


def restore(door: Door, written: RegistryRecord, was: RegistryRecord, now: datetime) -> RegistryRecord:
    """Restore what a record `was`, provided that it still is what was `written`. Raises as `put`."""
    with door.log_refusal(act_of(was.kind), was.key):
        newest_one = records_of(door.streams, was.kind)[was.id]
        if newest_one != written:
            raise RefusedError(
                "registry", f"{was.kind} {was.id} was changed again, by {newest_one.changed_by}: look first"
            )
    return put(door, was, now)


def release(door: Door, camera: str) -> int:
    """Write quarantined frames of `camera` to the topic of frames again; return their number.

    Frames that were released before lead to the same passes again. Raises RefusedError, which is logged,
    where the camera is not approved, and RefusedInquiry.
    """
    about = f"camera/{camera}"
    with door.log_refusal("quarantine_release", about):
        record = records_of(door.streams, "camera").get(camera)
        if record is None or not record.active or not record.approved_by:
            raise RefusedError(
                "registry",
                f"camera {camera} is not approved: its frames stay in quarantine (order, section D.5)",
            )
    frames = _quarantined(door.streams, camera)
    effect = Bulk.of(frames).effect
    door.enter("quarantine_release", about, change="frames in quarantine -> to be read", effect=effect)
    for start in range(0, len(frames), AT_ONCE):
        publish_encoded(door.streams, topics.FRAMES, frames[start : start + AT_ONCE])
    return len(frames)


def difference(before: RegistryRecord | None, after: RegistryRecord) -> str:
    """Describe a change field by field, without fields that are empty before and after.

    >>> agency = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True)
    >>> difference(agency, msgspec.structs.replace(agency, state="AZ"))
    'state: - -> AZ'
    """
    old = msgspec.to_builtins(before) if before else {}
    new = msgspec.to_builtins(after)
    changed = [name for name in new if name not in UNTOLD and old.get(name) != new[name]]
    changes = [f"{name}: {_text_of(old.get(name))} -> {_text_of(new[name])}" for name in changed]
    return "; ".join(one for one in changes if not one.endswith(": - -> -")) or "nothing changed"


def _text_of(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))[:LONGEST_SAID] or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)[:LONGEST_SAID]


def _before(door: Door, record: RegistryRecord) -> RegistryRecord | None:
    return records_of(door.streams, record.kind).get(record.id)


def cameras_in(door: Door, place: RegistryRecord) -> list[str]:
    """Return the ids of the registered cameras in this place, or nearer to it than the profile's margin.

    They are not refused any more, but `platestream policy check` finds them. Raises ProfileError.
    """
    margin = door.rules.profile.places.margin_m
    cameras = records_of(door.streams, "camera").values()
    return [
        one.id
        for one in cameras
        if one.active
        and one.latitude is not None
        and one.longitude is not None
        and inside(one.latitude, one.longitude, place, margin)
    ]


def refused_place_of(door: Door, camera: str) -> str:
    """Return the refused place, in words, in which a registered camera is; empty where there is none.

    Raises ProfileError.
    """
    known = records_of(door.streams, "camera").get(camera)
    if known is None or not known.active or known.moves:
        return ""
    return next(_refuse_place(door, known), "")


def place_faults(door: Door, camera: RegistryRecord) -> list[str]:
    """Return the reasons, in words, why this camera may not be where its record says. Raises ProfileError."""
    return [*_refuse_place(door, camera), *_outside(door, camera)]


def _wrong(door: Door, record: RegistryRecord, now: datetime) -> Iterator[str]:
    """Yield what the order forbids, such as to leave this agency without an administrator (C.2, E.1.e)."""
    if record.kind == "camera" and record.active:
        yield from place_faults(door, record)
    if record.kind == "material":
        yield from _other_material(record, _before(door, record))
    if record.kind not in ("agency", "user", "roster"):
        return
    people, rules = load_people(door)
    if record.kind == "roster":
        yield from _other_duties(record, _before(door, record), people)
        return
    in_charge = people.with_role("administrator", now, rules)
    own = people.agencies.get(record.agency)
    if record.kind == "user" and record.active:
        yield from _same_as_another(people, record, own)
        yield from _unnamed_material(door, record, people.users.get(record.id), own)
    people.put(record)
    if record.kind == "agency":
        if in_charge and not people.with_role("administrator", now, rules):
            yield f"{record.id} is the ALPR administrator's agency: without it nobody could do anything"
        return
    if own is None:
        yield f"agency {record.agency} is not registered: register it first, or its people cannot look"
    elif record.active and "administrator" in record.roles and not (own.own and own.active):
        yield "the ALPR administrator is an employee of this agency (order, section C.2)"
    elif not in_charge and record.id not in people.with_role("administrator", now, rules):
        yield (
            "no ALPR administrator is in force: the first person to be registered is the administrator of "
            "this agency, with training that has not lapsed (--role administrator --trained DAY; "
            "order, sections C.2 and E.1.e)"
        )


def _same_as_another(people: People, record: RegistryRecord, agency: RegistryRecord | None) -> Iterator[str]:
    """Refuse a second record of one person; the database refuses the same (clickhouse/views/registry.sql)."""
    others = [one for one in people.users.values() if one.id != record.id]
    name, number = name_identity(record.id), number_identity(record.employee_number)
    if "/" in record.id and record.id not in people.users:
        yield f"{record.id}: a name with / is a person of another agency; choose another id"
    for one in others:
        if name_identity(one.id) == name:
            yield f"{record.id} is registered as {one.id}: change that record, or choose another id"
        elif number and one.agency == record.agency and number_identity(one.employee_number) == number:
            yield f"employee number {record.employee_number} is that of {one.id}: one person has one record"
    if not number and agency is not None and agency.own:
        yield "a person of this agency has an employee number: give it (--employee-number)"


def _unnamed_material(
    door: Door, record: RegistryRecord, before: RegistryRecord | None, agency: RegistryRecord | None
) -> Iterator[str]:
    """Refuse training without a material that was approved by then (E.1.d); the database refuses the same."""
    materials = {name: one for name, one in records_of(door.streams, "material").items() if one.active}
    was = before or msgspec.structs.replace(record, material="", trained_at=None)
    renewed = bool(materials and agency and agency.own and record.trained_at not in (None, was.trained_at))
    if not renewed and record.material == was.material:
        return
    named, at = materials.get(record.material), record.trained_at
    if named is None or named.approved_at is None or at is None or named.approved_at > at:
        yield (
            f"{record.id}: training names a material that was approved by then, and is on record "
            f"(--material, one of: {', '.join(materials) or 'none; register it first'}; order, section E.1.d)"
        )


def _other_material(record: RegistryRecord, before: RegistryRecord | None) -> Iterator[str]:
    fixed = ("name", "version", "sha256", "approved_by", "approved_at")
    if before is not None and any(getattr(before, one) != getattr(record, one) for one in fixed):
        yield f"material {record.id} stays as it was approved: register another version by another id"


def _other_duties(record: RegistryRecord, before: RegistryRecord | None, people: People) -> Iterator[str]:
    """Refuse to remove a duty time that has begun or to add one late, as the database does."""
    was, duties, at = (
        before.duties if before else (),
        record.duties if record.active else (),
        record.changed_at,
    )
    assert at is not None  # `completed` set it
    gone = [one for one in was if one.since <= at and one not in duties]
    late = [one for one in duties if one not in was and one.since < at - LATEST_DUTY]
    strangers = {one.user for one in duties} - people.users.keys()
    for one in gone[:1]:
        yield f"{one.user} from {one.since}: a duty time that has begun stays; add a row that says why absent"
    for one in late[:1]:
        yield f"{one.user} from {one.since}: duty times are recorded within 7 days of their begin"
    if strangers:
        yield f"not registered: {', '.join(sorted(strangers))}"


def _refuse_place(door: Door, camera: RegistryRecord) -> Iterator[str]:
    """Refuse a camera in a place of the kinds that the profile names."""
    rules = door.rules.profile.places
    assert camera.latitude is not None  # a camera without a place is refused before
    assert camera.longitude is not None
    places = records_of(door.streams, "place").values() if rules.refused else ()
    found = places_around(camera.latitude, camera.longitude, places, rules.refused, rules.margin_m)
    if found:
        near = f", or nearer to it than {rules.margin_m:g} m" if rules.margin_m else ""
        by = f" ({rules.citation})" if rules.citation else ", by the profile"
        yield (
            f"{camera.id} would stand in {found[0].name or found[0].id} "
            f"({found[0].place.replace('_', ' ')}){near}: no camera may{by}"
        )


def _outside(door: Door, camera: RegistryRecord) -> Iterator[str]:
    """Refuse a fixed camera outside the agency's boundary in the rules (order, section D.5)."""
    boundary = door.rules.profile.agency.boundary
    assert camera.latitude is not None  # a camera without a place is refused before
    assert camera.longitude is not None
    if boundary and not camera.moves and not within((camera.latitude, camera.longitude), boundary):
        yield (
            f"{camera.id} would stand outside the agency's boundary (agency.boundary of the rules in force): "
            "fixed cameras stand within it (order, section D.5)"
        )


def _quarantined(streams: Topics, camera: str) -> list[Message]:
    """Return the quarantined frames of a camera as messages of the topic of frames."""
    waiting = read_to_end(streams, topics.FRAMES_QUARANTINE)
    of_camera = (message for message in waiting if message.key == camera.encode())
    return [topics.FRAMES.encode(frame) for frame in readable(topics.FRAMES_QUARANTINE, of_camera)]
