"""Every command: for who may not its act is refused and on record, or it says why it has none."""

import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import msgspec
import pytest
from typer.testing import CliRunner

from platestream.access import rules_in_force
from platestream.cli.main import COMMANDS, app
from platestream.evidence.package import new_key
from platestream.operations.backup.archive import FORMAT, MANIFEST, Manifest
from platestream.schemas.acts import BY_NAME
from tests.support.database import Database, copied
from tests.support.door import door_of, signed_in_as, staffed

ID = str(UUID(int=7))
# Command -> the act that is tried, and how it is called; FILE, MAIL, BACKUP and OUT become files.
ACTED = {
    "hotlist import": ("hotlist_import", "hotlist import FILE --source ncic"),
    "hotlist add": (
        "hotlist_add",
        "hotlist add 26-1 --plate ABC1234 --category stolen_vehicle --expires 2030-01-01 --case 26-0101 "
        "--reason stolen --by Vale --contact 928-555-0114 --instructions 'P/C for arrest'",
    ),
    "hotlist remove": ("hotlist_remove", "hotlist remove sjpd:1"),
    "hotlist offer": ("hotlist_offer", "hotlist offer sjpd:1 --to all"),
    "hotlist withdraw": ("hotlist_offer", "hotlist withdraw sjpd:1 --from all"),
    "hotlist list": ("hotlist_show", "hotlist list"),
    "hotlist check": ("hotlist_show", "hotlist check"),
    "search": ("search", "search ABC1234 --case 26-0101"),
    "hits list": ("hits", "hits list --case 26-0101"),
    "hits show": ("hits", f"hits show {ID} --case 26-0101"),
    "hits verify": ("hits", f"hits verify {ID} --confirmed"),
    "hits dispose": ("hits", f"hits dispose {ID} --no-action"),
    "bolo take": ("bolo", "bolo take MAIL --agency sheriff"),
    "partners set": ("registry_agency", "partners set sheriff --address https://alpr.sheriff.example"),
    "partners list": ("registry_show", "partners list"),
    "partners offered": ("hotlist_show", "partners offered"),
    "partners offers": ("hotlist_show", "partners offers"),
    "partners accept": ("hotlist_take", "partners accept partner:sheriff/0123456789ab"),
    "partners decline": ("hotlist_take", "partners decline partner:sheriff/0123456789ab"),
    "partners keys": ("registry_show", "partners keys"),
    "partners make-key": ("partner_key", "partners make-key"),
    "partners use-key": ("partner_key", "partners use-key 01234567"),
    "partners revoke-key": ("partner_key", "partners revoke-key 01234567"),
    "shift login": ("shift_login", "shift login"),
    "shift logout": ("shift_logout", "shift logout"),
    "shift list": ("shift_show", "shift list"),
    "notify test": ("notify_test", "notify test dispatch"),
    "registry agency": ("registry_agency", "registry agency x --title X"),
    "registry user": ("registry_user", "registry user x --title X --agency sjpd"),
    "registry recover": ("registry_recover", "registry recover vale --trained 2026-01-01"),
    "registry recovery-code": ("registry_recovery_code", "registry recovery-code"),
    "registry review-recovery": ("registry_review", "registry review-recovery x --reason 'Asked both'"),
    "registry repair": ("registry_show", "registry repair"),
    "registry camera": (
        "registry_camera",
        "registry camera x --title X --latitude 34.5 --longitude -109.4",
    ),
    "registry cameras": (
        "registry_camera",
        "registry cameras --approved-by Chief --config CONFIG",
    ),
    "registry detail": (
        "registry_detail",
        "registry detail x --title X --camera c --since 2026-01-01 --until 2026-01-02",
    ),
    "registry place": (
        "registry_place",
        "registry place x --title X --kind school --latitude 34.5 --longitude -109.4 --radius 90",
    ),
    "registry incident": (
        "registry_incident",
        "registry incident x --title X --outcome arrest --at 2026-01-01 --camera c",
    ),
    "registry roster": ("registry_roster", "registry roster FILE"),
    "registry material": (
        "registry_material",
        "registry material x --title X --version 1 --file FILE --approved-by Chief --approved 2026-01-01",
    ),
    "evidence not-needed": (
        "evidence_not_needed",
        "evidence not-needed --case 26-0101 --reason 'The truck was found parked'",
    ),
    "registry source": ("registry_source", "registry source x --title X"),
    "registry category": ("registry_category", "registry category x --longest-days 30"),
    "registry release": ("quarantine_release", "registry release x"),
    "cameras accept": ("camera_change", "cameras accept x --config CONFIG"),
    "registry deactivate": ("registry_camera", "registry deactivate camera x"),
    "registry list": ("registry_show", "registry list user"),
    "account set": ("account_code", "account set x"),
    "account resets": ("audit_show", "account resets"),
    "account sign-ins": ("audit_show", "account sign-ins"),
    "account revoke": ("registry_account", "account revoke x"),
    "account list": ("registry_show", "account list"),
    "token make": ("registry_account", "token make x --for CAD --may hits"),
    "token take": ("account_redeem", "token take x"),
    "token revoke": ("registry_account", "token revoke x"),
    "token list": ("registry_show", "token list"),
    "registry raise-limit": ("limit_raise", "registry raise-limit x --vehicles 100 --case 26-001234"),
    "registry rules": ("rules", "registry rules --always --by Chief"),
    "audit sample": ("audit_draw", "audit sample"),
    "audit finding": ("audit_finding", f"audit finding 1 {ID} --meets"),
    "audit memo": ("audit_show", "audit memo 1"),  # the draw is read first
    "report publish": ("audit_publish", "report publish monthly 2026-10 MAIL --where https://example.org"),
    "audit export": ("audit_export", "audit export OUT --reason 'for the court'"),
    "audit publish": ("audit_head", "audit publish"),
    "audit verify": ("audit_show", "audit verify"),
    "audit prove": ("audit_prove", f"audit prove {ID} OUT --reason 'records request'"),
    "retention run": ("retention", "retention run"),
    "retention clock": ("retention_show", "retention clock"),
    "retention log": ("retention_show", "retention log"),
    "evidence hold": (
        "search",  # what is held is found first
        "evidence hold ABC1234 --case 26-0101 --authority Vale --schedule felony",
    ),
    "evidence extend": (
        "evidence_keep",
        f"evidence extend {ID} --authority Court --until 2035-01-01 --case 26-0101",
    ),
    "evidence list": ("evidence_show", "evidence list"),
    "evidence export": ("evidence_show", f"evidence export {ID} OUT"),
    "evidence transfers": ("evidence_show", "evidence transfers"),
    "evidence send": ("evidence_send", "evidence send evidence-1.zip"),
    "registry evidence-system": (
        "registry_evidence_system",
        "registry evidence-system vault --place /srv/evidence",
    ),
    "keys rewrap": ("keys_rewrap", "keys rewrap FILE"),
    "keys rotate": ("keys_rotate", "keys rotate"),
    "backup": ("backup", "backup OUT"),
    "restore": ("restore", "restore BACKUP --unsigned"),
    "dead-letters list": ("dead_letter_show", "dead-letters list"),
    "dead-letters show": ("dead_letter_show", "dead-letters show frames/0/1"),
    "dead-letters send-again": ("dead_letter_resend", "dead-letters send-again frames/0/1"),
}
RULES = """
[[receivers]]
name = "dispatch"
apprise = "json://localhost"
[[routes]]
to = ["dispatch"]
"""
# Command -> why it passes no door.
OUTSIDE = {
    "up": "starts services; the sample's people, cameras and list pass the door",
    "down": "ends services",
    "status": "figures of processes, topics and cameras",
    "doctor": "looks at settings, tables and clocks, and counts; no plate and no name",
    "demo": "its own data, on its own folder; what it does there passes the door",
    "read": "pictures that whoever calls it brings",
    "board": "figures, no plate and no person; whoever asks needs the boards' account",
    "bolo serve": "a service: what an agency sends is an act of the machine, set off by that agency",
    "partners serve": "a service: what a partner asks is a look of its person, judged by the gate",
    "notify check": "rules of a file, no data",
    "migrate": "tables, no data",
    "topics": "topics and the rights of programs, no data",
    "audit due": "figures: what is due when",
    "report public": "figures, no plate and no person",
    "audit head": "what is published, no inquiry",
    "audit witness": "a service: heads of others' logs, no data",
    "report transparency": "figures, no plate and no person",
    "report count": "figures, no plate, no person and no small count",
    "report serve": "a service: those figures",
    "report precision": "figures, no plate and no person",
    "report confusions": "figures, no plate and no person",
    "evidence follow": "a service: the job is an act of the person who starts it, and each receipt is one",
    "hotlist follow": "a service: the job of each feed is an act of whoever starts it",
    "hotlist sign": "a file and a key that are its user's",
    "evidence verify": "a package that whoever calls it has",
    "evidence key": "a key",
    "backup-key": "a key",
    "sign-in": "a code for the console, where its person's confirmation is the act",
    "sign-out": "the console ends the token, which is the act",
    "console": "a service: each page passes the door for whoever signed in",
    "sql": "a person's own account: the gate judges and logs each look, and without one there is no data",
    "policy check": "figures; names only by --names, which is an act",
    "cameras run": "a service",
    "cameras check": "an address, no data",
    "cameras simulate": "a device for tests, drawn plates; what it sends passes the gateway",
    "cameras discover": "devices of the network, no data",
    "cameras list": "a file of settings",
    "cameras health": "figures of cameras",
    "map import": "a map of streets, no data",
    "map show": "its area and source",
    "map remove": "as to import",
}


def commands() -> Iterator[str]:
    for name, entry in COMMANDS.items():
        if name == "bench":
            continue
        module = import_module(f"platestream.{entry.module}")
        if entry.function:
            yield name
        else:
            for one in module.app.registered_commands:
                if one.hidden:
                    continue
                yield f"{name} {one.name or one.callback.__name__.rstrip('_').replace('_', '-')}"


def test_every_command_has_its_acts_or_says_why_it_has_none() -> None:
    assert sorted(commands()) == sorted({**ACTED, **OUTSIDE})
    assert {act for act, _call in ACTED.values()} <= set(BY_NAME)


def test_a_hidden_command_is_the_old_name_of_one_that_is_shown() -> None:
    old = set()
    for name, entry in COMMANDS.items():
        if name == "bench" or entry.function:
            continue
        registered = import_module(f"platestream.{entry.module}").app.registered_commands
        hidden = {one.name: one.callback for one in registered if one.hidden}
        assert set(hidden.values()) <= {one.callback for one in registered if not one.hidden}
        old |= {f"{name} {word}" for word in hidden}
    ends = {"account end", "token end", "registry end", "partners end-key"}
    assert old == {*ends, "registry raise", "evidence keep", "partners take"}


@pytest.fixture(scope="module")
def office(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An agency for all commands: refused ones change nothing but the log."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "notify.toml").write_text(RULES)
    new_key(folder / "key.pem")
    with copied(migrated, folder) as database:
        staffed(database)
        files = {"notify_file": folder / "notify.toml"}
        rules_in_force.change(door_of(database), rules_in_force.Change(files=files), "vale")
        yield database


@pytest.fixture
def stranger(office: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that are run by a person who is not registered."""
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    folder = office.folder.parent
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", office.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(office.data))
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(folder / "notify.toml"))
    monkeypatch.setenv("PLATESTREAM_EVIDENCE_KEY_FILE", str(folder / "key.pem"))
    signed_in_as(monkeypatch, "stranger")


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize("command", ACTED)
def test_whoever_may_not_is_refused_and_that_is_on_record(
    office: Database, command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    act, call = ACTED[command]
    file = tmp_path / "list.csv"
    file.write_text("reference,plate,category,expires_at\n1,ABC1234,stolen_vehicle,2030-01-01\n")
    mail = tmp_path / "bolo.txt"
    mail.write_text("Plate: ABC 1234\nCase: 26-1\n")
    config = tmp_path / "cameras.toml"
    config.write_text('[cameras.x]\nkind = "folder"\npath = "."\nlatitude = 34.5\nlongitude = -109.4\n')
    backup = tmp_path / "backup.zip"
    with ZipFile(backup, "w") as made:
        result = Manifest(FORMAT, datetime.now(UTC), "st-johns", (), ())
        made.writestr(MANIFEST, msgspec.json.encode(result))
    files = {"FILE": file, "MAIL": mail, "OUT": tmp_path / "out", "BACKUP": backup, "CONFIG": config}
    words = [str(files.get(word, word)) for word in shlex.split(call)]
    before = datetime.now(UTC)
    done = CliRunner().invoke(app, words)
    assert done.exit_code != 0, done.output
    since = "WHERE at >= {before:DateTime64(6)} ORDER BY at"
    rows = office.rows(f"SELECT kind, who, outcome FROM platestream.inquiry_log {since}", before=before)
    assert (act, "stranger", "refused") in rows, (rows, done.output, done.exception)
    assert [row for row in rows if row[1:] == ("stranger", "allowed")] == []
