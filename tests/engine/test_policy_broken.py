"""Each check of the order is broken by something, and says by what."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from platestream.access import accounts, gate_rules
from platestream.access.device_file import known_devices
from platestream.access.door import Permit
from platestream.access.effects import Bulk
from platestream.edges.clickhouse_client import DatabaseError
from platestream.edges.files import FileTopics
from platestream.keys.hold_keys import FOLDER, HoldKey, HoldKeys
from platestream.keys.key_folder import MASTER, DestroyedKey, KeyFolder
from platestream.policy.table import CHECKS
from platestream.retention import recovery_stores
from platestream.schemas import tables, topics
from platestream.schemas.delivery import Delivery
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.message import Message
from platestream.schemas.profile import ANYTHING_WITH_A_DIGIT
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings
from tests.support.agency import (
    CASE,
    DAY,
    HIT,
    HOLD,
    HOUR,
    MINUTE,
    PROFILE,
    VERIFIED,
    Agency,
    duty,
    people,
    read,
    roster,
    user,
)
from tests.support.clock import NOW
from tests.support.flows import LISTED
from tests.support.hit_actions import action

pytestmark = pytest.mark.slow

LOG_OF_SERVER = "platestream.schema_migrations"  # any table that the auditor may read

TOWN = [(34.4, -109.5), (34.6, -109.5), (34.6, -109.25), (34.4, -109.25)]

BOUNDED = msgspec.structs.replace(PROFILE, agency=msgspec.structs.replace(PROFILE.agency, boundary=TOWN))

SERVER = {"embedded": False, "query_log": LOG_OF_SERVER, "profile": BOUNDED}


def _no_list(agency: Agency) -> None:
    for path in (agency.data / "topics").glob("hotlist.sqlite3*"):
        path.unlink()


def _swap_password(agency: Agency) -> None:
    accounts.passwords(Settings(data=agency.data)).put("smith", "a password of somebody else")


def _forge_browser(agency: Agency) -> None:
    known_devices(Settings(data=agency.data)).remember("smith", "", "a thief's", datetime.now(UTC))


def _act_in_console(agency: Agency) -> None:
    agency.log(who="jones", tool="console", account="default", at=datetime.now(UTC))


def _act_without_factor(agency: Agency) -> None:
    agency.log(who="jones", tool="console", kind="registry_user", at=datetime.now(UTC))


def _send_reads(agency: Agency) -> None:
    ident = UUID(int=1)
    agency.database.put(
        tables.DELIVERIES,
        Delivery(
            delivery_id=ident,
            hit_id=ident,
            receiver="map",
            priority=5,
            outcome="reads",
            at=NOW,
            captured_at=NOW,
        ),
    )


def _end_mou(agency: Agency) -> None:
    agency.register(
        RegistryRecord(kind="agency", id="county", name="County", mou_from=NOW - 9 * DAY, mou_until=NOW - DAY)
    )


def _unapproved_detail(agency: Agency) -> None:
    found = DeploymentFinding.of("van-1", "detail_unapproved", NOW - HOUR, "op-7")
    agency.database.put(tables.DEPLOYMENT_FINDINGS, found)


def _camera_elsewhere(agency: Agency) -> None:
    (known,) = (one for one in people() if one.kind == "camera")
    agency.register(msgspec.structs.replace(known, latitude=33.4, longitude=-112.0))


def _change_rules(agency: Agency) -> None:
    agency.sql("ALTER TABLE platestream.gate_rules UPDATE reason_letters = 2 WHERE 1")


def _rules_by(who: str) -> Callable[[Agency], None]:
    def change(agency: Agency) -> None:
        rules = replace(gate_rules.in_force(agency.database.client()), reason_letters=2)
        agency.rule(rules, who, acted=False)

    return change


def _old_row(agency: Agency) -> None:
    agency.database.put(tables.DETECTIONS, read(31 * DAY))


def _old_message(agency: Agency) -> None:
    FileTopics(agency.data, follow=False, now=lambda: NOW - 9 * DAY).append(
        topics.DETECTIONS, [Message(b"k", b"v")]
    )


def _old_store(agency: Agency) -> None:
    made = agency.data / "recovery" / f"match{recovery_stores.MADE}"
    made.write_text((NOW - 31 * DAY).isoformat())


def _old_key(agency: Agency) -> None:
    at = NOW - 31 * DAY
    KeyFolder(agency.data / "keys", now=lambda: at).seal("frames", at, b"picture")


def _key_that_came_back(agency: Agency) -> None:
    keys = KeyFolder(agency.data / "keys")
    keys.seal("frames", NOW, b"picture")
    there = [DestroyedKey(hour=NOW, fingerprint=one) for one in keys.fingerprints()]
    agency.retain(keys=there)


def _held_without_keys(agency: Agency) -> None:
    agency.hold(hold_id=UUID(int=5), key="ab" * 32)


def _keys_of_more_than_was_held(agency: Agency) -> None:
    kept = HoldKeys(agency.database.keys)
    key = HoldKey.new({"one": bytes(32)})
    kept.put(UUID(int=5), key)
    agency.hold(hold_id=UUID(int=5), key=key.fingerprint)


def _copied_keys(agency: Agency) -> None:
    """A copy under another writing of the name, which a purge would leave."""
    HoldKeys(agency.database.keys).put(UUID(int=6), HoldKey.new({"one": bytes(32)}))
    folder = agency.data / "keys" / FOLDER
    (folder / f"{UUID(int=6)}.json").rename(folder / f"{UUID(int=6).hex}.json")


def _keys_without_hold(agency: Agency) -> None:
    HoldKeys(agency.database.keys).put(UUID(int=6), HoldKey.new({"one": bytes(32)}))
    past = (NOW - 2 * DAY).timestamp()
    os.utime(agency.data / "keys" / FOLDER / f"{UUID(int=6)}.json", times=(past, past))


def _import(agency: Agency, said: str, entries: int = 0, about: str = "ncic: import", **changes: Any) -> None:
    changes = {"source": "ncic", "listed_at": datetime.now(UTC), "expires_at": NOW + 20 * DAY, **changes}
    listed = [msgspec.structs.replace(LISTED, entry_id=f"ncic:i{one}", **changes) for one in range(entries)]
    messages = [HotListChange(one.entry_id, one).to_message() for one in listed]
    bulk = Bulk.of(messages)
    change = f"import of forced.txt: {said}"
    permit = Permit(
        agency.enter("hotlist_import", about, change=change, effect=bulk.effect),
        *("hotlist_import", "chief", bulk.effect),
    )
    proved = [bulk.proved(permit, number, one) for number, one in enumerate(messages)]
    agency.streams.append(topics.HOTLIST, proved)


def _emptied_by_import(agency: Agency) -> None:
    _import(agency, "0 new or changed, 3 removed, 0 unchanged, 0 doubled, 0 refused", about="sjpd: import")


def _more_than_imported(agency: Agency) -> None:
    _import(agency, "2 new or changed, 0 removed, 0 unchanged, 0 doubled, 0 refused", entries=3)


def _shrunk_since(agency: Agency) -> None:
    _import(agency, "40 new or changed, 0 removed, 0 unchanged, 0 doubled, 0 refused", entries=3)


def _overwritten(agency: Agency) -> None:
    """An entry that has its act, listed anew behind the door long after it."""
    agency.list("own", prefix="sjpd", source="sjpd", acted="", listed_at=NOW + 2 * HOUR, plate="ZZ1")


def _step_without_act(agency: Agency) -> None:
    hit = agency.act("plate_and_state_confirmed")
    step = action("confirmed_current", at=NOW - HOUR, hit=hit, by="smith")
    agency.database.put(tables.HIT_ACTIONS, step)


def _step_in_anothers_name(agency: Agency) -> None:
    hit = agency.act("plate_and_state_confirmed", age=HOUR)
    step = action("confirmed_current", at=NOW - HOUR + MINUTE, hit=hit, by="chief")
    agency.database.put(tables.HIT_ACTIONS, step)


def _nobody_told(agency: Agency) -> None:
    hit = msgspec.structs.replace(HIT, hit_id=uuid4(), detection=read(HOUR))
    agency.database.put(tables.HIT_FACTS, hit)
    agency.deliver(hit, "nobody")


def _told_before_the_shift(agency: Agency) -> None:
    hit = msgspec.structs.replace(HIT, hit_id=uuid4(), detection=read(25 * DAY))
    agency.database.put(tables.HIT_FACTS, hit)
    agency.deliver(hit)


def _untrained_on_shift(agency: Agency) -> None:
    """Row 3 of the issue: who is to be trained tomorrow is on shift today."""
    agency.put(user("new", trained_at=NOW + DAY))
    agency.shift("new", acted=False)


def _entered_by_hand(agency: Agency) -> None:
    """Row 2 of the issue: an NCIC entry by hand, without the case, reason and the rest."""
    bare = dict.fromkeys(("case_number", "reason", "requested_by", "contact", "instructions"), "")
    agency.list("x1", prefix="ncic", source="ncic", expires_at=NOW + 20 * DAY, **bare)


def _keep_too_short(agency: Agency) -> None:
    """Row 6 of the issue: a hold of ten years that is to be kept for two days."""
    moved = {"hold_id": HOLD, "case_number": CASE, "authority": "DA", "release_at": NOW + 2 * DAY}
    agency.write("evidence", "keep", moved)
    agency.hold_row(HOLD, NOW + 2 * DAY)


def _end_administrators(agency: Agency) -> None:
    agency.put(user("chief", "officer"))


def _lose_an_inquiry(agency: Agency) -> None:
    agency.sql("ALTER TABLE platestream.inquiry_log DELETE WHERE kind = 'search' AND who = 'jones'")


def _lose_the_list(agency: Agency) -> None:
    _no_list(agency)
    agency.list("new", prefix="sjpd", source="sjpd", expires_at=NOW + 20 * DAY)


def _asdfgh(agency: Agency) -> None:
    """Row 11 of the issue: allowed by the gate of before."""
    agency.log(reason="asdfgh", case_number="")


Breaks = Callable[[Agency], object]


def _beside_an_act(agency: Agency) -> None:
    """A record that nobody's act holds, beside an act about it that holds nothing."""
    agency.enter("registry_user", "user/eve")
    agency.put(user("eve"))


_SET_UP_AGAIN = """
INSERT INTO platestream.gate_rules SELECT * REPLACE (now64(6) AS set_at, 'migration' AS set_by)
FROM platestream.gate_rules ORDER BY set_at LIMIT 1
"""

_COMPLETED = """
INSERT INTO platestream.gate_rules
SELECT * REPLACE (now64(6) AS set_at, 'migration' AS set_by, now() AS adopted_at)
FROM platestream.gate_rules ORDER BY set_at LIMIT 1
"""

LOOSE = msgspec.structs.replace(
    PROFILE, inquiries=msgspec.structs.replace(PROFILE.inquiries, case_number=ANYTHING_WITH_A_DIGIT)
)

BROKEN: list[tuple[str, Breaks, dict[str, Any], str]] = [
    ("designated", lambda one: one.list("a", source="nobody"), {}, "1 entry of nobody/stolen_vehicle"),
    ("listed", lambda one: one.list("a", acted=""), {}, "without an act on record: x:a"),
    ("listed", lambda one: one.list("a", acted="", listed_at=None), {}, "without an act on record: x:a"),
    ("listed", _overwritten, {}, "without an act on record: sjpd:own"),
    ("listed", _more_than_imported, {}, "ncic has 1 entry more than its last import left"),
    ("kept", _emptied_by_import, {}, "an import of sjpd on "),
    ("kept", lambda one: one.unlist("sjpd:own"), {}, "taken off the list without an act on record: sjpd:own"),
    ("kept", _lose_the_list, {}, "put on the list by an act, not expired, and gone: bolo:county/1, sjpd:own"),
    ("kept", _shrunk_since, {}, "37 of 40 entries of ncic are gone"),
    (
        "pictures",
        lambda one: one.database.put(tables.DETECTIONS, read(HOUR, latitude=0.0, longitude=0.0)),
        {},
        "1 without a place; 1 without a picture",
    ),
    (
        "cameras",
        lambda one: one.database.put(tables.DETECTIONS, read(HOUR, "new")),
        {},
        "not registered: new",
    ),
    ("deployed", _unapproved_detail, {}, "detail unapproved: op-7"),
    ("bounded", _camera_elsewhere, {"profile": BOUNDED}, "registered outside the agency's boundary: main-n"),
    ("rules", _change_rules, {}, "reason_letters: 2 in the gate, 5 in the text"),
    ("ruled", _rules_by("chief"), {}, "set without an act on record"),
    ("ruled", _rules_by("mallory"), {}, "in the name of mallory"),
    ("recorded", lambda one: one.put(user("eve")), {}, "without an act on record: user/eve"),
    ("recorded", lambda one: _beside_an_act(one), {}, "without an act on record: user/eve"),
    ("ruled", lambda one: one.sql(_SET_UP_AGAIN), {}, "set as if by the first set-up"),
    ("ruled", lambda one: one.sql(_COMPLETED), {}, "set as if by the first set-up"),
    (
        "recorded",
        lambda one: one.database.put(tables.REGISTRY, user("eve", changed_at=NOW)),
        {},
        "in the gate's table",
    ),
    (
        "recorded",
        lambda one: one.streams.append(
            topics.REGISTRY, [topics.REGISTRY.encode(user("smith", active=False, changed_at=NOW + HOUR))]
        ),
        {"now": NOW + 2 * HOUR},
        "not in the gate's table: user/smith",
    ),
    ("recorded", lambda one: one.shift("chief", HOUR, acted=False), {}, "shift/chief@"),
    ("administrator", _end_administrators, {}, "nobody is"),
    ("administrator", lambda _one: None, {"now": NOW + 400 * DAY}, "nobody is"),
    (
        "identities",
        lambda one: one.put(user("Smith", "auditor")),
        {},
        "one person registered twice: Smith and smith",
    ),
    (
        "identities",
        lambda one: one.put(user("smythe", "auditor", employee_number="e smith")),
        {},
        "one person registered twice",
    ),
    ("entitled", lambda one: one.found("roles"), {}, "1 inquiry that broke it"),
    ("entitled", lambda one: one.found("automatic"), {}, "1 inquiry that broke it"),
    ("records", _lose_an_inquiry, {}, "gone"),
    (
        "records",
        lambda one: one.sql("ALTER TABLE platestream.ledger DELETE WHERE chain = 'retention'"),
        {},
        "not in the ledger",
    ),
    ("checked", lambda one: one.log(), {}, "1 inquiry waiting for the audit flow"),
    ("trained", lambda one: one.put(user("new", trained_at=None)), {}, "without training in force: new"),
    ("trained", lambda one: one.found("trained"), {}, "1 inquiry that broke it"),
    (
        "trained",
        lambda _one: None,
        {"now": NOW + 350 * DAY},
        "without training in force: chief, jones, smith",
    ),
    ("shifts", lambda one: one.shift("nobody", acted=False), {}, "on shift and not registered: nobody"),
    ("shifts", lambda one: one.shift("jones", acted=False), {}, "of another agency: jones"),
    (
        "shifts",
        _untrained_on_shift,
        {},
        "untrained or ended: new",
    ),
    ("on_duty", lambda one: one.act("misread", by="chief"), {}, "1 step by chief, not on shift then"),
    ("on_duty", lambda one: one.register(roster(duty("vale", NOW - 9 * HOUR))), {}, "not logged in: vale"),
    ("access", lambda one: one.put(user("new", "auditor")), {}, "without a role that searches: new"),
    ("materials", lambda one: one.put(user("new", material="x")), {}, "was not on record or not approved"),
    ("results", lambda one: one.database.put(tables.DETECTIONS, read(5 * DAY)), {}, "not counted"),
    ("requests", lambda one: one.log(requester="Acme"), {}, "1 of them without a legal basis"),
    ("purposes", lambda one: one.found("purpose"), {}, "1 inquiry that broke it"),
    ("reads_sent", _send_reads, {}, "sent against the rules in force: map"),
    ("agencies", _end_mou, {}, "without an MOU in force: county"),
    ("agencies", lambda one: one.found("shared"), {}, "1 inquiry that broke it"),
    (
        "evidence",
        lambda one: one.sql("ALTER TABLE platestream.evidence_images DELETE WHERE 1"),
        {},
        "with fewer pictures than detections",
    ),
    (
        "taken",
        lambda one: one.act(*VERIFIED, actionable=True, result="arrest", case_number="26-0009"),
        {},
        "no evidence held after 7 days for 26-0009",
    ),
    ("transferred", lambda one: one.export(), {"now": NOW + 2 * DAY}, "exports without a receipt"),
    (
        "transferred",
        lambda one: one.hold(hold_id=UUID(int=9)),
        {"now": NOW + 8 * DAY},
        "holds without an export after 7 days: 00000000-0000-0000-0000-000000000009",
    ),
    ("rows", _old_row, {}, "detections: a row 31.0 days old"),
    ("job", lambda _one: None, {"now": NOW + 2 * HOUR}, "the retention job last ran"),
    ("job", lambda one: one.sql("TRUNCATE TABLE platestream.ledger"), {}, "has never run"),
    (
        "ttls",
        lambda one: one.sql(
            "ALTER TABLE platestream.images MODIFY TTL toDateTime(captured_at) + INTERVAL 1 DAY DELETE"
        ),
        {},
        "images expires rows by itself",
    ),
    ("topics", _old_message, {}, f"detections: a message of {NOW - 9 * DAY:%Y-%m-%d}"),
    ("stores", _old_store, {}, "older than data may be: match"),
    ("keys", _old_key, {}, "was not destroyed"),
    ("keys", _key_that_came_back, {}, "destroyed keys are there again, of receipts"),
    ("keys", lambda one: (one.data / "keys" / MASTER).write_bytes(bytes(32)), {}, "cannot be read"),
    ("keys", _held_without_keys, {}, f"the keys of hold {UUID(int=5)} are missing"),
    ("keys", _keys_of_more_than_was_held, {}, "has keys of other pictures than its act"),
    ("keys", _copied_keys, {}, f"not destroyed: {UUID(int=6).hex}.json"),
    ("keys", _keys_without_hold, {}, f"not destroyed: {UUID(int=6)}"),
    (
        "bolos",
        lambda one: one.list("b", prefix="bolo", source="bolo", acted=""),
        {},
        "never taken on record: bolo:b",
    ),
    ("notified", _nobody_told, {}, "reached nobody: "),
    ("notified", _told_before_the_shift, {}, "delivered while nobody was on shift"),
    ("verified", lambda one: one.act("confirmed_current", "action_taken"), {}, "before plate and state"),
    (
        "verified",
        lambda one: one.act("plate_and_state_confirmed", "action_taken"),
        {},
        "before the entry's keeper was asked",
    ),
    ("verified", lambda one: one.act("action_taken", *VERIFIED[:2]), {}, "before plate and state"),
    (
        "keeper",
        lambda one: one.act(*VERIFIED, checked_with="mvd"),
        {},
        "verified with another than NCIC or ACIC",
    ),
    ("steps", _step_without_act, {}, "without an act on record of the same officer"),
    ("steps", _step_in_anothers_name, {}, "without an act on record of the same officer"),
    ("marked", lambda one: one.act(*VERIFIED, result="arrest"), {}, "not marked after 7 days"),
    ("complete", lambda one: one.streams.append(topics.HOTLIST, [Message(b"x:1", b"{}")]), {}, "x:1"),
    ("records", lambda one: one.streams.append(topics.INQUIRIES, [Message(b"x:1", b"{}")]), {}, "x:1"),
    ("complete", _entered_by_hand, {}, "incomplete: ncic:x1"),
    ("expiring", lambda one: one.list("a", expires_at=NOW - 2 * DAY), {}, "expired and still listed: x:a"),
    (
        "expiring",
        lambda one: one.list("a", expires_at=NOW + 999 * DAY),
        {},
        "later than their category allows: x:a",
    ),
    ("documented", lambda one: one.log(reason=" .", case_number="-"), {}, "1 allowed without case number"),
    ("documented", lambda one: one.found("documented"), {}, "1 inquiry that broke it"),
    ("reasons", _asdfgh, {}, "1 look for a reason that says nothing, by smith"),
    ("case_pattern", lambda _one: None, {"profile": LOOSE}, "accepts 0, 00, 1"),
    ("resets", lambda _one: None, {"now": NOW + 40 * DAY}, "1 code for smith"),
    ("sign_ins", lambda one: _swap_password(one), {}, "a password of smith"),
    ("sessions", lambda one: _forge_browser(one), {}, "no sign-in on record made known: smith"),
    ("sessions", lambda one: _act_in_console(one), {}, "without a sign-in on record: jones"),
    ("confirmed", _act_without_factor, {}, "1 act without it, by: jones"),
    ("unlogged", lambda one: one.found("unlogged"), SERVER, "1 inquiry that broke it"),
    ("released", lambda _one: None, {"now": NOW + 3701 * DAY}, "past their release date"),
    ("custody", lambda one: one.hold(acted=False, hold_id=UUID(int=1)), {}, "held without a record"),
    ("custody", lambda one: one.hold_row(HOLD, NOW + DAY), {}, "a release date that is not on record"),
    ("custody", lambda one: one.sql("TRUNCATE TABLE platestream.evidence_holds"), {}, "gone without a purge"),
    ("scheduled", _keep_too_short, {}, "released before the schedule's minimum"),
    (
        "scheduled",
        lambda one: one.hold(NOW + 30 * DAY, hold_id=UUID(int=2)),
        {},
        "released before the schedule's minimum",
    ),
    (
        "filed",
        lambda _one: None,
        {"now": datetime(NOW.year + 2, 1, 2, tzinfo=UTC)},
        f"{NOW.year + 1} is missing",
    ),
    ("sampled", _lose_an_inquiry, {}, "the log of the period differs"),
    (
        "memoranda",
        lambda one: one.sql("ALTER TABLE platestream.documents DELETE WHERE name LIKE '%pdf'"),
        {},
        f"the memorandum of {NOW.year} (draw 1) is not stored",
    ),
]

NEVER_NOT_HELD = {"mvd", "patterns"}  # figures: the order says "should", and "when circumstances allow"


@pytest.mark.parametrize(("name", "broken", "changes", "says"), BROKEN)
def test_what_breaks_the_order_breaks_its_check_which_says_what(
    agency: Agency, name: str, broken: Breaks, changes: dict[str, Any], says: str
) -> None:
    broken(agency)
    result = agency.results(name, **changes)[name]
    assert result.outcome == "not_held"
    assert says in "; ".join(result.faults)


def test_every_check_is_broken_by_some_test() -> None:
    assert {name for name, *_rest in BROKEN} == {check.name for check in CHECKS} - NEVER_NOT_HELD


@pytest.mark.parametrize("named", [False, True])
def test_no_check_shows_a_plate(agency: Agency, named: bool) -> None:
    for _name, broken, _changes, _says in BROKEN:
        if broken in (_entered_by_hand, _overwritten, _keep_too_short, _asdfgh):
            broken(agency)
    agency.list("plated", acted="", plate="HELD001")
    agency.database.put(tables.DETECTIONS, read(HOUR, "new", plate="HELD001"))
    results = agency.results(names=named).values()
    text = json.dumps([(one.figure, one.faults, [gap.why for gap in one.gaps]) for one in results])
    assert [plate for plate in ("HELD001", "ZZ1", "AB*12", "AB12") if plate in text] == []


def test_no_check_names_a_person_unless_asked(agency: Agency) -> None:
    for _name, broken, changes, _says in BROKEN:
        if not changes:
            try:
                broken(agency)
            except (DatabaseError, AssertionError):
                continue
    results = agency.results(names=False).values()
    text = json.dumps([(one.figure, one.faults, [gap.why for gap in one.gaps]) for one in results])
    assert [one for one in ("smith", "jones", "mallory", "mlee", "chief") if one in text] == []
