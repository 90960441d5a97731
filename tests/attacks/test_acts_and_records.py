"""An act without its effect, an effect without its act: attempts of people and of owners of the data."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse import migrate
from connectors.clickhouse_client import ConnectError
from connectors.clock import utc_now
from connectors.files import FileTopics
from connectors.passwords import Passwords
from connectors.settings import Settings
from operators.hit_history import history
from schemas import tables, topics
from schemas.acts import ACTS
from schemas.hit_action import HitAction
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import Message
from schemas.registry import RegistryRecord
from schemas.tables import REGISTRY
from services import accounts, hits, registry, tokens
from services.door import Door, Permit
from services.effects import (
    Bulk,
    OtherRecordError,
    Proof,
    effect_of,
    effect_of_stored,
    publish_encoded,
    write,
)
from services.hotlist import entries, intake
from services.hotlist.origin import Brought
from services.inquiries.gate import RefusedInquiry
from services.partners import register
from services.policy.check import Result, run
from services.policy.checks.live import Live
from services.policy.table import CHECKS
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, door_of, person, staffed
from tests.support.engine import Engine, password
from tests.support.hits import put_hit

ENTRY = {
    **{"plate": "ast-3087", "state": "AZ", "category": "stolen_vehicle", "case_number": "26-001234"},
    **{"reason": "Stolen from 1st West", "requested_by": "Ofc. Vale", "contact": "928-555-0114"},
    **{"instructions": "P/C for arrest", "expires_at": f"{NOW + timedelta(days=10):%Y-%m-%d}"},
}
LOOKS = "an account of a person enters searches only"


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A server on which Smith has an account to search, and Check one to audit; each has every role."""
    made = Engine(tmp_path_factory.mktemp("agency"))
    made.start()
    migrate.apply(made.client("owner"))
    rows = [person(who) for who in ("smith", "jones", "check", "vale")]
    registered = [OWN, *rows]

    made.client("owner").insert(
        "platestream.registry",
        [row for one in registered for row in REGISTRY.rows(one)],
        column_names=list(REGISTRY.columns),
    )
    yield made
    made.stop()


def entered(engine: Engine, account: str, kind: str, **columns: object) -> tuple[str, str]:
    """Outcome and refusal of an act that `account` enters by SQL."""
    inquiry = uuid4()
    asked = {
        "inquiry_id": inquiry, "kind": kind, "reason": "stolen truck", "case_number": "26-001234", **columns
    }  # fmt: skip
    engine.client(account).insert("platestream.inquire", [list(asked.values())], column_names=list(asked))
    sql = f"SELECT outcome, refusal FROM platestream.inquiry_log WHERE inquiry_id = '{inquiry}'"
    ((outcome, refusal),) = engine.client("owner").query(sql).result_rows
    return outcome, refusal


def console_dsn(engine: Engine) -> str:
    return f"http://platestream_console:{password('console')}@127.0.0.1:{engine.port}/platestream\n"


EFFECTS = [act.name for act in ACTS if act.has_effect]


@pytest.mark.parametrize("kind", ["hit_verify", "registry_user", "hotlist_add", "evidence_hold", "rules"])
def test_17_a_person_cannot_log_by_sql_an_act_that_is_never_done(agency: Engine, kind: str) -> None:
    outcome, refusal = entered(agency, "smith", kind, other="something")

    assert outcome == "refused"
    assert LOOKS in refusal


def test_17_no_act_with_an_effect_can_be_entered_by_any_account_of_a_person(agency: Engine) -> None:
    rows = [[uuid4(), kind, "stolen truck", "26-001234"] for kind in EFFECTS]
    for account in ("smith", "check", "owner"):
        rows = [[uuid4(), *row[1:]] for row in rows]
        agency.client(account).insert(
            "platestream.inquire", rows, column_names=["inquiry_id", "kind", "reason", "case_number"]
        )
        ids = [str(row[0]) for row in rows]
        found = agency.client("owner").query(
            "SELECT kind FROM platestream.inquiry_log "
            "WHERE inquiry_id IN {ids:Array(UUID)} AND outcome = 'allowed'",
            parameters={"ids": ids},
        )
        assert found.result_rows == []


def test_17_searches_are_still_entered_by_the_persons_own_account(agency: Engine) -> None:
    assert entered(agency, "smith", "search", pattern="ABC123") == ("allowed", "")
    assert entered(agency, "check", "audit_show") == ("allowed", "")


@pytest.mark.parametrize(
    "columns",
    [
        {"on_behalf_of": "vale"},
        {"automatic": True, "set_off_by": "vale"},
        {"partner": "sjpd", "on_behalf_of": "somebody", "trained_on": "2026-01-01"},
        {"refuse": "", "effect": "a" * 64},
        {"tool": "platestream console", "agency": "sjpd"},
    ],
)
def test_17_no_column_of_the_inquiry_makes_it_pass(agency: Engine, columns: dict[str, object]) -> None:
    for kind in ("hotlist_add", "hotlist_take", "retention", "hotlist_import"):
        assert entered(agency, "smith", kind, **columns)[0] == "refused"


def test_17_the_command_line_enters_it_by_the_account_that_does_it(agency: Engine, tmp_path: Path) -> None:
    door_file = tmp_path / "door"
    door_file.write_text(console_dsn(agency))
    settings = Settings(clickhouse=agency.dsn("smith"), data=tmp_path / "data", door_file=door_file)
    with Door.open(settings, "test") as door:
        permit = door.enter("notify_test", "webhook")

    sql = (
        f"SELECT who, account, outcome FROM platestream.inquiry_log WHERE inquiry_id = '{permit.inquiry_id}'"
    )
    assert agency.client("owner").query(sql).result_rows == [("smith", "platestream_console", "allowed")]


def test_17_without_that_account_the_command_line_says_what_to_do(agency: Engine, tmp_path: Path) -> None:
    settings = Settings(clickhouse=agency.dsn("smith"), data=tmp_path / "data")
    with Door.open(settings, "test") as door, pytest.raises(RefusedInquiry, match="PLATESTREAM_DOOR_FILE"):
        door.enter("notify_test", "webhook")


def test_17_that_account_speaks_for_nobody_whose_sign_in_was_not_accepted(
    agency: Engine, tmp_path: Path
) -> None:
    door_file = tmp_path / "door"
    door_file.write_text(console_dsn(agency))
    forged = agency.dsn("smith").replace("smith-", "guessed-")
    settings = Settings(clickhouse=forged, data=tmp_path / "data", door_file=door_file)
    with Door.open(settings, "test") as door, pytest.raises(Exception, match="no account of this name"):
        door.enter("notify_test", "webhook")


def test_17_nor_for_somebody_who_signed_in_to_a_server_of_their_own(agency: Engine, tmp_path: Path) -> None:
    door_file = tmp_path / "door"
    door_file.write_text(console_dsn(agency))
    elsewhere = agency.dsn("smith").replace(str(agency.port), "1")
    settings = Settings(clickhouse=elsewhere, data=tmp_path / "data", door_file=door_file)
    with Door.open(settings, "test") as door, pytest.raises(ConnectError, match="different servers"):
        door.enter("notify_test", "webhook")


# Row 16: one act, one record


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Door:
    """An agency in force with a feed of NCIC, and the door of Vale, who has every role."""
    staffed(database, person("vale"), person("smith"), person("lee", "administrator"))
    feed = RegistryRecord(
        kind="hotlist_source",
        id="ncic",
        name="NCIC",
        feed_place=str(tmp_path / "data" / "ncic"),
        feed_layout="csv",
    )
    registry.designate(door_of(database, "lee", data=tmp_path / "data"), feed, utc_now())
    return door_of(database, "vale", data=tmp_path / "data")


def found(door: Door, name: str) -> Result:
    (result,) = run(Live.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == name])
    return result


def write_raw(door: Door, topic: Any, *records: Any, headers: dict[str, str] | None = None) -> None:
    """What a thief of the broker's account writes: messages without any act."""
    messages = [topic.encode(one) for one in records]
    if headers is not None:
        messages = [msgspec.structs.replace(one, headers=headers) for one in messages]
    publish_encoded(door.streams, topic, messages)


def step_of(hit: str, kind: str, by: str = "vale", **told: Any) -> HitAction:
    at = datetime.now(UTC)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return HitAction(action_id=uuid4(), hit_id=UUID(hit), at=at, by=by, kind=kind, **told)  # type: ignore[arg-type]


@pytest.fixture
def hit(database: Database, town: Door) -> str:
    """A hit of NCIC whose plate and state Vale has compared, by an act."""
    made = put_hit(database, 1)
    row = {"hit_id": made, "plate": "X", "match": "same", "listed_plate": "X", "source": "ncic"}
    hits.take_step(town, hits.Standing(row, history((), source="ncic")), "plate_and_state_confirmed")
    assert found(town, "steps").faults == ()
    return made


def follow(door: Door, database: Database) -> None:
    """What the audit flow does with the topic of steps."""
    decoded = [topics.HIT_ACTIONS.decode(one) for one in door.streams.read_to_end(topics.HIT_ACTIONS)]
    database.put(tables.HIT_ACTIONS, *decoded)


@pytest.mark.parametrize(
    "forged",
    [
        [("confirmed_current", {"checked_with": "ncic"})],
        [("confirmed_current", {"checked_with": "ncic"}), ("action_taken", {"result": "arrest"})],
        [("plate_and_state_confirmed", {"by": "smith"})],
        [("plate_and_state_confirmed", {})],
    ],
)
def test_16_more_steps_behind_one_act_are_not_held(
    database: Database, town: Door, hit: str, forged: list[tuple[str, dict[str, Any]]]
) -> None:
    write_raw(town, topics.HIT_ACTIONS, *(step_of(hit, kind, **told) for kind, told in forged))
    follow(town, database)

    (fault,) = found(town, "steps").faults
    assert "without an act on record" in fault


def test_16_a_step_that_was_changed_in_the_table_alone_is_not_held(
    database: Database, town: Door, hit: str
) -> None:
    (message,) = town.streams.read_to_end(topics.HIT_ACTIONS)
    step = topics.HIT_ACTIONS.decode(message)
    database.put(tables.HIT_ACTIONS, msgspec.structs.replace(step, kind="misread"))

    assert "without an act on record" in found(town, "steps").faults[0]


def test_16_a_step_of_long_ago_by_its_own_time_is_not_held(database: Database, town: Door, hit: str) -> None:
    """A forged time that lies before the upgrade, where acts held no hash."""
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(days=90)
    write_raw(town, topics.HIT_ACTIONS, msgspec.structs.replace(step_of(hit, "misread"), at=old))
    follow(town, database)

    assert "without an act on record" in found(town, "steps").faults[0]


def test_16_a_step_that_is_written_twice_is_one_step(database: Database, town: Door, hit: str) -> None:
    for message in list(town.streams.read_to_end(topics.HIT_ACTIONS)):
        publish_encoded(town.streams, topics.HIT_ACTIONS, [message])
    follow(town, database)

    assert found(town, "steps").faults == ()


def test_17_an_act_on_a_hit_that_was_never_done_is_found(database: Database, town: Door, hit: str) -> None:
    """The owner of the data folder, in process, logs a step and writes none."""
    past = datetime.now(UTC) + timedelta(minutes=30)
    town.enter("hit_verify", hit, effect="a" * 64)
    live = replace(Live.of(town, datetime.now(UTC)), now=past)
    (result,) = run(live, [one for one in CHECKS if one.name == "steps"])

    assert result.faults == (f"acts on record that were never done: {hit}",)


def test_16_nothing_else_can_be_written_by_an_act(town: Door) -> None:
    entry = HotListChange("sjpd:1", None)
    permit = town.enter("hotlist_remove", "sjpd:1", effect=effect_of(topics.HOTLIST, entry))
    with pytest.raises(OtherRecordError):
        write(permit, town, topics.HOTLIST, HotListChange("sjpd:2", None))
    with pytest.raises(OtherRecordError):
        write(town.enter("hotlist_remove", "sjpd:1"), town, topics.HOTLIST, entry)


def add(door: Door, reference: str = "26-1") -> HotListEntry:
    return entries.add(door, "sjpd", {**ENTRY, "reference": reference}, utc_now(), back=False).entry


@pytest.mark.parametrize(
    "changes",
    [
        {"plate": "XYZ9999"},
        {"instructions": "none"},
        {"look_alikes": 2},
        {"expires_at": NOW + timedelta(days=20)},
        {"reason": "Another reason"},
    ],
)
def test_16_an_entry_that_is_overwritten_behind_its_act_is_not_held(town: Door, changes: Any) -> None:
    entry = add(town)
    assert found(town, "listed").faults == ()
    forged = msgspec.structs.replace(entry, **changes)
    write_raw(town, topics.HOTLIST, HotListChange(entry.entry_id, forged))

    assert found(town, "listed").faults == ("on the list without an act on record: sjpd:26-1",)


def test_16_an_entry_that_was_removed_and_is_published_again_is_not_held(town: Door) -> None:
    entry = add(town)
    entries.remove(town, entry.entry_id)
    write_raw(town, topics.HOTLIST, HotListChange(entry.entry_id, entry))

    assert found(town, "listed").faults == ("on the list without an act on record: sjpd:26-1",)


def test_16_an_entry_in_the_minutes_of_another_act_is_not_held(town: Door) -> None:
    entry = add(town)
    forged = msgspec.structs.replace(entry, entry_id="sjpd:26-2")
    write_raw(town, topics.HOTLIST, HotListChange("sjpd:26-2", forged))

    assert found(town, "listed").faults == ("on the list without an act on record: sjpd:26-2",)


def imported(door: Door, count: int, **told: Any) -> None:
    read(door, [{**ENTRY, "reference": str(one), **told} for one in range(count)])


def read(door: Door, lines: list[dict[str, Any]]) -> None:
    """Import lines of NCIC's feed as its job does."""
    brought = Brought("csv", door.settings.data / "ncic")
    intake.import_lines(door.machine("hotlist"), "ncic", enumerate(lines, 1), utc_now(), brought=brought)


def test_16_each_entry_of_a_large_import_is_checked_alone_and_after_later_changes(town: Door) -> None:
    imported(town, 150)
    assert found(town, "listed").figure == "150 entries: 0 by acts of their own, 150 by imports"
    imported(town, 149, contact="928-555-0199")
    entries.remove(town, "ncic:7")
    assert found(town, "listed").faults == ()
    assert "ncic" not in "; ".join(found(town, "recorded").faults), "the record of the source, too"
    compact(town)
    assert found(town, "listed").faults == ()


def compact(door: Door) -> None:
    FileTopics(door.settings.data, follow=False).compact(topics.HOTLIST, lambda _message: True)


@pytest.mark.parametrize(
    "how", ["changed", "with another's proof", "added", "without a proof", "of an older import"]
)
def test_16_an_entry_that_an_import_did_not_write_is_not_held(town: Door, how: str) -> None:
    imported(town, 120)
    first = {m.key: m for m in town.streams.read_to_end(topics.HOTLIST)}[b"ncic:3"]
    entry = topics.HOTLIST.decode(first).entry
    assert entry is not None
    name = "ncic:3"
    if how == "changed":
        forged = msgspec.structs.replace(entry, plate="XYZ9999")
        write_raw(town, topics.HOTLIST, HotListChange(name, forged), headers=first.headers)
    elif how == "with another's proof":
        name = "ncic:new"
        forged = msgspec.structs.replace(entry, entry_id=name)
        write_raw(town, topics.HOTLIST, HotListChange(name, forged), headers=first.headers)
    elif how == "added":
        name = "ncic:new"
        write_raw(town, topics.HOTLIST, HotListChange(name, msgspec.structs.replace(entry, entry_id=name)))
    elif how == "without a proof":
        write_raw(town, topics.HOTLIST, HotListChange(name, entry))
    else:
        told = {**ENTRY, "reference": "3", "contact": "928-555-0199"}
        read(town, [{**ENTRY, "reference": str(one)} if one != 3 else told for one in range(120)])
        publish_encoded(town.streams, topics.HOTLIST, [first])

    assert found(town, "listed").faults == (f"on the list without an act on record: {name}",)


@given(st.integers(1, 70), st.data())
def test_16_the_proof_of_each_record_holds_for_that_record_alone(size: int, data: st.DataObject) -> None:
    messages = [Message(b"x", str(one).encode()) for one in range(size)]
    bulk = Bulk.of(messages)
    number = data.draw(st.integers(0, size - 1))
    permit = Permit(uuid4(), "hotlist_import", "vale", bulk.effect)
    proved = bulk.proved(permit, number, messages[number])
    proof = Proof.read(proved)
    assert proof is not None
    assert proof.holds(proved, bulk.effect)
    for other in messages:
        assert proof.holds(other, bulk.effect) == (other.value == proved.value)
    assert not proof.holds(proved, "0" * 64)


@given(st.text(max_size=200))
def test_16_a_header_that_is_no_proof_is_none(text: str) -> None:
    proof = Proof.read(Message(b"x", b"{}", headers={"import": text}))
    assert proof is None or not proof.holds(Message(b"x", b"{}"), "0" * 64)


# Row 16: what is sent, and what the console's data folder holds


def effects(door: Door, *kinds: str) -> list[str]:
    """The hashes of acts that were allowed, in order, as the owner of the database reads them."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    sql = (
        f"SELECT effect FROM platestream.inquiry_log WHERE kind IN ({names}) AND outcome = 'allowed' "
        "ORDER BY at, entry"
    )
    return [effect for (effect,) in door.clients("platestream_auditor").query(sql).result_rows]


def stored(door: Door, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((door.settings.data / "accounts" / name).read_bytes())
    return found


def store(door: Door, name: str, content: object) -> None:
    """Edit a file as the owner of its folder."""
    (door.settings.data / "accounts" / name).write_text(json.dumps(content))


def effect_of_password(door: Door, who: str) -> str:
    return effect_of_stored(who, stored(door, "console.json")[who])


def says(door: Door) -> tuple[str, tuple[str, ...]]:
    result = found(door, "sign_ins")
    return result.outcome, result.faults


def set_password(database: Database, door: Door, who: str, password: str = "some long password") -> None:
    lee = door_of(database, "lee", data=door.settings.data)
    text, _code = accounts.invite(lee, who, utc_now())
    own = door_of(database, who, data=door.settings.data)
    accounts.redeem(own, text, password, utc_now(), "here")


NOT_STORED = "not stored by an act on record, or stored again after it ended: "


def test_16_acts_about_accounts_and_keys_hold_the_hash_of_what_is_stored(
    database: Database, town: Door
) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    text, code = accounts.invite(lee, "smith", utc_now())
    assert effects(town, "account_code") == [effect_of_stored("smith", code)]
    assert says(town) == ("held", ())
    smith = door_of(database, "smith", data=town.settings.data)
    accounts.redeem(smith, text, "some long password", utc_now(), "here")
    assert effects(town, "account_redeem") == [
        effect_of_stored("smith", stored(town, "console.json")["smith"])
    ]
    accounts.change_own(smith, "some long password", "another long password", utc_now(), "here")
    assert effects(town, "account_change") == [
        effect_of_stored("smith", stored(town, "console.json")["smith"])
    ]
    permit, _ = tokens.make(lee, "smith", "CAD", ["hits"], utc_now(), 9)
    assert effects(town, "registry_account") == [effect_of_stored("smith", permit)]
    taken, _text = tokens.take(smith, permit.id, utc_now(), "here")
    assert effects(town, "account_redeem")[-1] == effect_of_stored("smith", taken)
    key = register.make_key(lee, utc_now())
    assert effects(town, "partner_key") == [key.fingerprint]
    assert says(town) == ("held", ())
    tokens.end(lee, permit.id)
    accounts.end(lee, "smith")
    assert effects(town, "registry_account")[1:] == ["", ""]
    assert says(town) == ("held", ())
    log = str(database.rows("SELECT * FROM platestream.inquiry_log"))
    assert "long password" not in log
    assert "$argon2" not in log


def test_16_a_password_that_was_swapped_in_the_file_is_not_held(database: Database, town: Door) -> None:
    set_password(database, town, "smith")
    set_password(database, town, "lee")
    kept = stored(town, "console.json")
    store(town, "console.json", {**kept, "smith": Passwords(Path("/nowhere"))._hasher.hash("of the thief")})
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))
    store(town, "console.json", {**kept, "smith": kept["lee"]})
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))
    store(town, "console.json", {**kept, "vale": kept["smith"]})
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))
    store(town, "console.json", kept)
    assert says(town) == ("held", ())


@pytest.mark.parametrize("later", ["another password", "a reset", "ended", "deactivated"])
def test_16_an_old_file_of_passwords_that_is_put_back_is_not_held(
    database: Database, town: Door, later: str
) -> None:
    set_password(database, town, "smith")
    old = stored(town, "console.json")
    lee = door_of(database, "lee", data=town.settings.data)
    if later == "another password":
        set_password(database, town, "smith", "another long password")
    elif later == "a reset":
        accounts.invite(lee, "smith", utc_now())
    elif later == "ended":
        accounts.end(lee, "smith")
    else:
        accounts.withdraw(lee, "smith")
    assert says(town)[1] == ()
    store(town, "console.json", old)
    assert NOT_STORED in says(town)[1][0]


def test_16_a_code_that_was_redeemed_and_is_put_back_is_not_held(database: Database, town: Door) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    text, _code = accounts.invite(lee, "smith", utc_now())
    old = stored(town, "enrollments.json")
    smith = door_of(database, "smith", data=town.settings.data)
    accounts.redeem(smith, text, "some long password", utc_now(), "here")
    store(town, "enrollments.json", old)
    assert says(town) == ("not_held", (f"{NOT_STORED}a code",))


@pytest.mark.parametrize(
    "how", ["of another", "for more", "for longer", "taken by nobody", "under another id"]
)
def test_16_a_token_that_was_copied_or_changed_is_not_held(database: Database, town: Door, how: str) -> None:
    smith = door_of(database, "lee", data=town.settings.data)
    made, _text = tokens.make(smith, "lee", "CAD", ["hits"], utc_now(), 9)
    permit, _ = tokens.make(smith, "smith", "CAD", ["hits"], utc_now(), 9)
    assert says(town) == ("held", ())
    kept, name = stored(town, "tokens.json"), made.id
    if how == "taken by nobody":
        kept[permit.id]["hashed"], name = kept[made.id]["hashed"], permit.id
    elif how == "under another id":
        name = "0a0a0a0a"
        kept[name] = {**kept[made.id], "id": name, "who": "vale"}
    else:
        changed = {"of another": {"who": "vale"}, "for more": {"parts": ["hits", "inquiries"]}}
        kept[made.id] |= changed.get(how, {"ends_at": "2099-01-01T00:00:00Z"})
    store(town, "tokens.json", kept)
    assert says(town) == ("not_held", (f"{NOT_STORED}token {name}",))


@pytest.mark.parametrize("later", ["ended", "a reset", "deactivated"])
def test_16_a_token_that_ended_and_is_put_back_is_not_held(
    database: Database, town: Door, later: str
) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    permit, _ = tokens.make(lee, "smith", "CAD", ["hits"], utc_now(), 9)
    tokens.take(door_of(database, "smith", data=town.settings.data), permit.id, utc_now(), "here")
    old = stored(town, "tokens.json")
    if later == "ended":
        tokens.end(lee, permit.id)
    elif later == "a reset":
        accounts.invite(lee, "smith", utc_now())
    else:
        accounts.withdraw(lee, "smith")
    store(town, "tokens.json", old)
    assert says(town) == ("not_held", (f"{NOT_STORED}token {permit.id}",))


@pytest.mark.parametrize("act", ["account_code", "account_change", "account_redeem"])
def test_16_a_password_that_an_administrator_logs_for_another_is_not_held(
    database: Database, town: Door, act: str
) -> None:
    """In process, an administrator enters an act with the hash that they put into the file."""
    set_password(database, town, "smith")
    kept = stored(town, "console.json")
    kept["smith"] = Passwords(Path("/nowhere"))._hasher.hash("of the administrator")
    lee = door_of(database, "lee", data=town.settings.data)
    lee.enter(act, "user/smith", effect=effect_of_stored("smith", kept["smith"]))
    store(town, "console.json", kept)
    assert says(town) == ("not_held", (f"{NOT_STORED}a password",))


def test_16_an_own_key_that_was_put_into_the_file_or_back_is_not_held(database: Database, town: Door) -> None:
    lee = door_of(database, "lee", data=town.settings.data)
    register.make_key(lee, utc_now())
    second = register.make_key(lee, utc_now())
    old = stored(town, "partner-keys.json")
    register.end_key(lee, second.fingerprint)
    assert says(town) == ("held", ())
    store(town, "partner-keys.json", old)
    assert says(town) == ("not_held", (f"{NOT_STORED}key {second.fingerprint[:8]}",))
    register.end_key(lee, second.fingerprint)
    forged = register.kept(town.settings).make(utc_now())
    assert says(town) == ("not_held", (f"{NOT_STORED}key {forged.fingerprint[:8]}",))


def test_16_what_an_installation_of_before_stored_is_not_checked_and_the_check_says_what_to_do(
    database: Database, town: Door
) -> None:
    set_password(database, town, "smith")
    later = datetime.now(UTC) + timedelta(minutes=1)
    live = Live.of(town, later)
    live.__dict__["upgraded"] = later
    (result,) = run(live, [one for one in CHECKS if one.name == "sign_ins"])
    assert (result.outcome, result.faults) == ("not_checked", ())
    assert "before acts held hashes: a password" in result.gaps[0].why


def test_16_where_the_folder_is_not_read_nothing_is_held(database: Database, town: Door) -> None:
    assert says(town)[0] == "not_checked"
    (result,) = run(
        replace(Live.of(town, utc_now()), settings=None), [one for one in CHECKS if one.name == "sign_ins"]
    )
    assert result.outcome == "not_checked"
