"""An agency that follows the order, and ways to break it: as its services leave topics, tables and the log.

Acts pass the real gate, and what they make is written as it is stored. The services themselves are not
called, so that what the checks find does not depend on what the services refuse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.access import accounts, gate_rules
from platestream.access.device_file import Device, known_devices, subject_of
from platestream.access.effects import effect_of, effect_of_stored
from platestream.access.profiles import load
from platestream.audit.yearly import draw as drawing
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import AUDITOR, DOOR, RETENTION
from platestream.edges.edge import Edge
from platestream.edges.inquiry_log import readable_log
from platestream.edges.sealed_topics import SealedTopics
from platestream.flows import audit_flow
from platestream.keys.key_folder import DestroyedKey, KeyFolder
from platestream.ledger import store as ledger
from platestream.policy import service as checking
from platestream.policy.checks.context import CheckData
from platestream.policy.table import CHECKS
from platestream.retention.service import Receipt
from platestream.retention.utilization import tally
from platestream.schemas import tables, topics
from platestream.schemas.acts import BY_NAME, ROLES, WRITES
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import Delivery, delivery_id
from platestream.schemas.detection import Detection
from platestream.schemas.expiring_tables import EXPIRING_TABLES
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.ledger import Chain, LedgerEntry
from platestream.schemas.registry import Duty, RegistryRecord
from platestream.schemas.sign_in_event import ACT, SignInEvent
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database, Prepared, close_all
from tests.support.door import door_of
from tests.support.flows import INQUIRY, LISTED, READ, run
from tests.support.hit_actions import action
from tests.support.people import WORDS
from tests.support.rules import rules_of
from tests.support.stored_topics import stored_topics

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PROFILE = load("st-johns")
CASE = "26-001234"
HIT = AlertHit.from_json(bytes(example("alert_hit").accepted))
VERIFIED = ("plate_and_state_confirmed", "confirmed_current", "action_taken")
HOLD = UUID(int=0x401D)
MATERIAL = RegistryRecord(
    kind="material",
    id="alpr-3",
    name="ALPR training",
    version="3",
    sha256="0" * 64,
    approved_by="Chief",
    approved_at=NOW - 60 * DAY,
)


@dataclass(frozen=True)
class Agency:
    """An agency's database and folder, and ways to keep or break its order."""

    database: Database
    data: Path

    @property
    def streams(self) -> SealedTopics:
        return stored_topics(self.data)

    def live(self, **changes: Any) -> CheckData:
        now, client = datetime.now(UTC), self.database.client(AUDITOR)
        live = CheckData(client, self.streams, "st-johns", PROFILE, now, self.data, names=True)
        settings = Settings(data=self.data)
        return replace(live, **{"open_log": self.open_log, "settings": settings, **changes})

    def open_log(self) -> str:
        """The inquiry log as the chief reads it."""
        door = door_of(self.database, "chief", data=self.data)
        return readable_log(door.enter("audit_show", "policy check").inquiry_id)

    def results(self, *names: str, **changes: Any) -> dict[str, checking.Result]:
        """What these checks say, or all, by name."""
        wanted = [check for check in CHECKS if not names or check.name in names]
        return {one.check.name: one for one in checking.run(self.live(**changes), wanted)}

    def outcomes(self, *names: str, **changes: Any) -> dict[str, str]:
        return {name: one.outcome for name, one in self.results(*names, **changes).items()}

    def sql(self, text: str) -> None:
        self.database.client().command(text, settings={"mutations_sync": 2})

    def enter(self, act: str, about: str = "", who: str = "chief", **said: Any) -> UUID:
        """An act through the gate, which must allow it."""
        fields = {"kind": act, "on_behalf_of": who, "other": about, "pattern": "", "reason": "", **said}
        if BY_NAME[act].documented == "entry":
            fields = {"fields": WORDS, "case_number": CASE, **fields}
        inquiry = self.database.ask(DOOR, **fields)
        assert self.database.logged(inquiry)["outcome"] == "allowed", self.database.logged(inquiry)["refusal"]
        return inquiry

    def log(self, **columns: Any) -> None:
        """A row of the log that the gate would not have let through, an hour old and unsealed."""
        row = {
            "entry": uuid4(),
            "inquiry_id": uuid4(),
            "at": NOW - HOUR,
            "who": "smith",
            "outcome": "allowed",
        }
        row |= {"kind": "search", "reason": "stolen vehicle", **columns}
        self.database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))

    def found(self, rule: str) -> None:
        one = msgspec.structs.replace(INQUIRY, inquiry_id=uuid4(), at=NOW - HOUR)
        self.database.put(tables.INQUIRY_FINDINGS, Finding.of(one, rule, "breach", "as a test"))

    def put(self, *records: RegistryRecord) -> None:
        """Records in the registry, behind the door's back: on the topic and in the table."""
        stamped = [
            msgspec.structs.replace(one, changed_at=one.changed_at or datetime.now(UTC)) for one in records
        ]
        self.streams.append(topics.REGISTRY, [topics.REGISTRY.encode(one) for one in stamped])
        self.database.put(tables.REGISTRY, *stamped)

    def register(self, *records: RegistryRecord, who: str = "chief") -> None:
        """Records in the registry, each by an act."""
        for one in records:
            stamped = msgspec.structs.replace(one, changed_at=one.changed_at or datetime.now(UTC))
            effect = effect_of(topics.REGISTRY, stamped)
            self.enter(f"registry_{one.kind}", one.key, who, effect=effect)
            self.put(stamped)

    def shift(self, user: str, since: timedelta = HOUR, *, acted: bool = True) -> None:
        """`user` is on shift since so long ago, for four weeks: steps of long ago count, too."""
        begun = NOW - since
        times: dict[str, Any] = {"since": begun, "until": NOW + 8 * HOUR, "changed_at": datetime.now(UTC)}
        record = RegistryRecord(
            kind="shift", id=f"{user}@{begun:%Y-%m-%dT%H:%M:%SZ}", name=user, user=user, **times
        )
        if acted:
            effect = effect_of(topics.REGISTRY, record)
            self.enter("shift_login", user, user, change=f"{record.key}: logged in", effect=effect)
        self.put(record)

    def list(self, reference: str, *, acted: str = "hotlist_add", **changes: Any) -> str:
        """An entry on the list; by the act `acted`, or behind the door's back where that is empty."""
        source = changes.pop("prefix", "x")
        entry = msgspec.structs.replace(
            LISTED, entry_id=f"{source}:{reference}", **{"listed_at": NOW, **changes}
        )
        if acted:
            said = f"hot list: added, case_number: {entry.case_number}; expires_at: {entry.expires_at}"
            entry = msgspec.structs.replace(entry, listed_at=datetime.now(UTC))
            effect = HotListChange(entry.entry_id, entry).to_message().effect
            self.enter(acted, entry.entry_id, change=said, effect=effect)
        self.streams.append(topics.HOTLIST, [HotListChange(entry.entry_id, entry).to_message()])
        return entry.entry_id

    def unlist(self, entry_id: str, *, acted: bool = False) -> None:
        if acted:
            effect = HotListChange(entry_id, None).to_message().effect
            self.enter("hotlist_remove", entry_id, change="hot list: removed", effect=effect)
        self.streams.append(topics.HOTLIST, [HotListChange(entry_id, None).to_message()])

    def act(
        self, *kinds: str, age: timedelta = 8 * DAY, source: str = "ncic", by: str = "smith", **data: Any
    ) -> UUID:
        """Steps on a hit, a minute apart, the last one `age` ago; each an act on record, and delivered."""
        entry = msgspec.structs.replace(LISTED, source=source)
        hit = msgspec.structs.replace(HIT, hit_id=uuid4(), detection=read(age + HOUR), entry=entry)
        self.database.put(tables.HIT_FACTS, hit)
        self.deliver(hit)
        for number, kind in enumerate(reversed(kinds)):
            more = {
                key: value for key, value in data.items() if key != "checked_with" and kind == "action_taken"
            }
            more |= {
                key: data[key] for key in ("checked_with",) if key in data and kind == "confirmed_current"
            }
            at = NOW - age - number * MINUTE
            step = action(kind, at=at, hit=hit.hit_id, by=by, **more)  # type: ignore[arg-type]
            self.database.put(tables.HIT_ACTIONS, step)
            act = "hit_dispose" if kind in ("action_taken", "no_action") else "hit_verify"
            self.log(at=at, kind=act, who=by, other=str(hit.hit_id), reason="")
        return hit.hit_id

    def deliver(self, hit: AlertHit, outcome: Any = "delivered") -> None:
        more: dict[str, Any] = {"hit_id": hit.hit_id, "receiver": "shift", "priority": 1, "outcome": outcome}
        at = hit.detection.captured_at
        name = delivery_id(hit.hit_id, "shift")
        self.database.put(tables.DELIVERIES, Delivery(delivery_id=name, at=at, captured_at=at, **more))

    def write(self, chain: Chain, kind: str, record: Any, who: str = "chief") -> LedgerEntry:
        """An entry of the ledger, and the act that names it."""
        entry = ledger.following(self.database.client(), chain, kind, who, record)
        automatic = chain == "retention" or kind == "receipt"
        said: dict[str, Any] = {"reason": f"The {chain} {kind}", "automatic": automatic}
        if automatic:
            said["set_off_by"] = "chief"
        said["case_number"] = CASE if chain == "evidence" else ""
        act, fields = WRITES[f"{chain}/{kind}"], {"other": entry.hash, "effect": entry.hash}
        self.log(kind=act, who=who, at=datetime.now(UTC), **fields, **said)
        self.database.entry(entry)
        return entry

    def hold(
        self,
        release_at: datetime = NOW + 3700 * DAY,
        *,
        acted: bool = True,
        hold_id: UUID = HOLD,
        key: str = "",
    ) -> None:
        """Evidence of one detection with its picture."""
        detection, jpeg = uuid4(), b"\xff\xd8picture"
        text = msgspec.json.encode({"detection_id": detection, "plate": "ABC123"})
        record = {"hold_id": hold_id, "case_number": CASE, "schedule": "felony", "release_at": release_at}
        record |= {"detections": [detection], "key": key}
        named = {"detection_id": detection, "sha256": sha256(text).hexdigest()}
        picture = {"detection_id": detection, "kind": "vehicle", "sha256": sha256(jpeg).hexdigest()}
        if acted:
            self.write("evidence", "hold", {**record, "records": [named], "pictures": [picture]})
        self.hold_row(hold_id, release_at)
        columns = ["hold_id", "detection_id", "captured_at", "record"]
        row = [hold_id, detection, NOW, text.decode()]
        self.database.client().insert("platestream.evidence_detections", [row], column_names=columns)
        columns = ["hold_id", "detection_id", "kind", "sha256", "jpeg"]
        row = [hold_id, detection, "vehicle", sha256(jpeg).digest(), jpeg]
        self.database.client().insert("platestream.evidence_images", [row], column_names=columns)

    def export(self, *, received: bool = False) -> LedgerEntry:
        """An export of the hold to the evidence system, and the receipt of it."""
        packed = {"system": "vault", "file": f"{uuid4()}.zip", "bytes": 7, "sha256": "0" * 64}
        named = {"hold_id": HOLD, "case_number": CASE, **packed}
        made = {"receiver": "Vault", "files": 1, "manifest_sha256": "0" * 64, "signed_by": "0" * 64}
        entry = self.write("evidence", "export", {**named, **made})
        if received:
            fields = {"export": entry.hash, "place": "/vault", "proof": "sha256", "received_at": NOW}
            self.write("evidence", "receipt", {**named, **fields}, who="evidence")
        return entry

    def hold_row(self, hold_id: UUID, release_at: datetime) -> None:
        """The hold as its table has it."""
        row: dict[str, Any] = {"hold_id": hold_id, "case_number": CASE, "schedule": "felony", "detections": 1}
        row |= {"held_at": NOW, "release_at": release_at, "who": "chief"}
        client = self.database.client()
        client.insert("platestream.evidence_holds", [list(row.values())], column_names=list(row))

    def retain(self, period: timedelta = PROFILE.retention.span, keys: Sequence[DestroyedKey] = ()) -> None:
        """A run of the retention job."""
        now = datetime.now(UTC)
        tally(self.database.client(RETENTION), now - period, now)
        nothing: dict[str, Any] = {"dropped": {}, "oldest": {}, "files": [], "stores": []}
        nothing["deleted"] = {table.name: 0 for table in EXPIRING_TABLES}
        seconds = round(period.total_seconds())
        times: dict[str, Any] = {"period_s": seconds, "cutoff": now - period, "took_ms": 1}
        self.write(
            "retention", "run", Receipt(**times, **nothing, released=[], keys=list(keys)), who="retention"
        )

    def audit(self, year: int = NOW.year, of: timedelta = 180 * DAY) -> None:
        """A draw and its memorandum, filed."""
        client, now = self.database.client(), datetime.now(UTC)
        population = drawing.inquiries_between(client, now - of, now)
        days = drawing.use_between(client, (now - 365 * DAY).date(), now.date())
        times: dict[str, Any] = {"drawn_at": now, "inquiries_since": now - of, "inquiries_until": now}
        drawn = drawing.Draw(
            **times,
            year=year,
            seed="07",
            browsing=True,
            population=len(population),
            population_sha256=drawing.digest(population),
            inquiries=drawing.choose(population, "07", 10),
            use_since=(now - 365 * DAY).date(),
            use_until=now.date(),
            use_population=len(days),
            use=drawing.choose_use(days, "07", 10),
        )
        entry = self.write("audit", "draw", drawn)
        hashes = [sha256(content).digest() for content in (b"memo", b"%PDF")]
        fields: dict[str, Any] = {
            "year": year,
            "draw": entry.number,
            "inquiries": 1,
            "met": 1,
            "data_errors": 0,
        }
        fields |= {"markdown_sha256": hashes[0].hex(), "pdf_sha256": hashes[1].hex()}
        self.write("audit", "memorandum", fields)
        rows = [[hashes[0], "memo.md", b"memo"], [hashes[1], "memo.pdf", b"%PDF"]]
        client.insert("platestream.documents", rows, column_names=["sha256", "name", "content"])

    def rule(self, rules: GateRules, by: str = "chief", *, acted: bool = True) -> None:
        if acted:
            self.enter("rules", rules.profile, by, effect=rules_of(rules).digest)
        set_rules(self.database, rules, by)

    def follow(self) -> None:
        """The audit flow, to the end of the log."""
        tables_ = ClickHouseTables(self.database.dsn, follow=False)
        run(audit_flow.build(Edge(self.streams, tables_)))
        tables_.close()


def set_rules(database: Database, rules: GateRules, by: str = "chief") -> None:
    """Rules in the gate's table, written as they are stored, with their text."""
    stored = {one.name for one in fields(rules) if one.compare}  # others are in the text only
    columns_of = {name: value for name, value in asdict(rules).items() if name in stored}
    row = {"set_by": by, **columns_of, "rules": rules_of(rules).text}
    columns = list(row)
    database.client().insert("platestream.gate_rules", [list(row.values())], column_names=columns)


def read(age: timedelta, camera: str = "main-n", **changes: Any) -> Detection:
    """A detection of so long ago."""
    at = NOW - age
    return msgspec.structs.replace(
        READ, detection_id=uuid4(), camera_id=camera, captured_at=at, best_at=at, **changes
    )


def user(name: str, *roles: str, **changes: Any) -> RegistryRecord:
    """A person of this agency, trained a month ago, with these roles or all."""
    said = {
        "agency": "sjpd",
        "employee_number": f"E-{name}",
        "trained_at": NOW - 30 * DAY,
        "material": MATERIAL.id,
        "sworn": True,
        "role": ",".join(roles or ROLES),
        **changes,
    }
    return RegistryRecord(kind="user", id=name, name=name.title(), **said)


def people() -> Iterator[RegistryRecord]:
    """Who there is in an agency that follows the order, its administrator first."""
    yield RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True)
    yield user("chief")
    yield RegistryRecord(kind="agency", id="county", name="County SO", mou_from=NOW - 90 * DAY)
    yield user("smith", "officer")
    yield user("jones", "officer", agency="county")
    place: dict[str, Any] = {"latitude": 34.5, "longitude": -109.4}
    yield RegistryRecord(
        kind="camera", id="main-n", name="Main", **place, approved_by="Chief", approved_at=NOW - 90 * DAY
    )


VAULT = RegistryRecord(kind="evidence_system", id="vault", name="Vault", transfer_place="/vault")


def duty(user: str, since: datetime, hours: float = 8, absent: str = "") -> Duty:
    """Time on duty, or absent."""
    return Duty(user=user, since=since, until=since + hours * HOUR, absent=absent)


def roster(*duties: Duty, name: str = "w48") -> RegistryRecord:
    """A roster with these times besides those of an agency that follows the order."""
    every = (
        duty("smith", NOW - DAY),
        duty("chief", NOW - DAY, 7 * 24, "administrative duty"),
        *duties,
    )
    times: dict[str, Any] = {
        "since": min(one.since for one in every),
        "until": max(one.until for one in every),
    }
    return RegistryRecord(kind="roster", id=name, name=f"{name}.csv", duties=every, **times)


def store_password(agency: Agency, who: str) -> None:
    """A password that `who` set, as it is stored, and the act that holds its hash."""
    accounts.passwords(Settings(data=agency.data)).put(
        who,
        "some long password",
        lambda hashed: agency.enter(
            "account_change", f"user/{who}", who, effect=effect_of_stored(who, hashed)
        ),
    )


def sign_in(agency: Agency, who: str) -> None:
    """A sign-in of `who` to the console in a browser that is known from then on."""
    now = datetime.now(UTC)

    def enter(device: Device) -> None:
        made = SignInEvent(kind="signed_in", at=now, who=who, way="password", browser=device.id[:16])
        effect = effect_of_stored(subject_of(who, device), device)
        fields = {"automatic": True, "set_off_by": who, "change": made.text, "effect": effect}
        agency.enter("account_sign_in", made.about, "console", **fields)

    known_devices(Settings(data=agency.data)).remember(who, "", "Chrome on Android", now, enter)


def confirm(agency: Agency, who: str) -> None:
    """The second factor of `who`, given to the console."""
    given = SignInEvent(kind="confirmed", at=datetime.now(UTC), who=who, factor="authenticator app")
    agency.enter(ACT, given.about, "console", automatic=True, set_off_by=who, change=given.text)


def follow_the_order(agency: Agency) -> None:
    """What an agency does that keeps to all of it, and the audit flow that checks it."""
    agency.register(MATERIAL, *people(), roster(), VAULT)
    code = "'lee', toString(generateUUIDv4()), repeat('0', 64)"
    agency.sql(f"INSERT INTO platestream.recovery_codes (set_by, salt, hash) SELECT {code}")
    confirm(agency, "chief")
    agency.rule(replace(gate_rules.in_force(agency.database.client()), always_registry=True))
    agency.enter("account_code", "user/smith")
    store_password(agency, "smith")
    sign_in(agency, "smith")
    agency.shift("smith", 20 * DAY)
    reads = [read(HOUR), read(3 * DAY), read(9 * DAY)]
    agency.database.put(tables.DETECTIONS, *reads)
    agency.database.put(tables.IMAGES, *reads)
    agency.list("own", prefix="sjpd", source="sjpd", expires_at=NOW + 20 * DAY)
    agency.list("part", prefix="sjpd", source="sjpd", expires_at=NOW + 20 * DAY, plate="AB*12")
    agency.list("county/1", acted="bolo", prefix="bolo", source="bolo", expires_at=NOW + 20 * DAY)
    agency.act(*VERIFIED, actionable=True, result="arrest", case_number=CASE, mvd_result="valid")
    agency.hold()
    agency.export(received=True)
    for who in ("smith", "jones"):
        agency.enter("search", who=who, reason="Stolen truck of last night", pattern="ABC*")
    agency.log(kind="search", requester="Acme", legal_basis="court order 7", case_number=CASE)
    KeyFolder(agency.data / "keys").seal(topics.FRAMES.name, None, b"a picture")
    agency.retain()
    agency.audit()
    made = agency.data / "recovery" / "match.made"
    made.with_suffix("").mkdir(parents=True, exist_ok=True)
    made.write_text(NOW.isoformat())
    agency.follow()


@pytest.fixture(scope="session")
def followed(migrated: Path, run_folder: Path) -> Iterator[Prepared]:
    """An agency that follows the order, made once."""
    folder = Path(mkdtemp(dir=run_folder))
    yield Prepared(migrated, folder, lambda made: follow_the_order(Agency(made, made.data)))
    close_all()


@pytest.fixture
def agency(followed: Prepared, tmp_path: Path) -> Iterator[Agency]:
    """An agency that follows the order, and that a test may change."""
    with followed.used(tmp_path) as database:
        yield Agency(database, tmp_path / "data")
