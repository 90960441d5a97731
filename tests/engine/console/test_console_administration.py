"""Administration in the console: each task from its page to what stands in the registry and the log."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import msgspec
import pytest

from platestream.access import accounts
from platestream.access import registry as job
from platestream.cameras import state
from platestream.operations.up.status import PLAN, StartPlan, status
from platestream.operations.up.supervisor import Supervisor
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.registry import Kind, RegistryRecord
from tests.support.agency import MATERIAL
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import person

pytestmark = pytest.mark.slow

GATEWAY = """
[cameras.north]
kind = "folder"
path = "."
latitude = 34.5
longitude = -109.4

[cameras.south]
kind = "folder"
path = "."
latitude = 34.51
longitude = -109.4
"""


@pytest.fixture
def lee(pages: Pages) -> Person:
    """The ALPR administrator, signed in."""
    pages.staff(
        person("lee", "administrator"), person("vale", "officer"), person("maier", "supervisor"), OTHER
    )
    return pages.browser("lee")


OTHER = person("kim", "administrator")
CAMERA = RegistryRecord(kind="camera", id="north", name="Main St", latitude=34.5, longitude=-109.4)
COUNTY = RegistryRecord(
    kind="agency",
    id="county",
    name="County SO",
    mou_from=datetime(2026, 1, 1, tzinfo=UTC),
    mou_until=NOW + timedelta(days=10),
    shares_cameras=("north",),
)


def record(pages: Pages, kind: Kind, name: str) -> RegistryRecord:
    return job.records_of(pages.streams, kind)[name]


def acts(pages: Pages, kind: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = pages.database.rows(
        "SELECT who, outcome, other FROM platestream.inquiry_log WHERE kind = {kind:String} ORDER BY at",
        kind=kind,
    )
    return rows


def text(browser: Person) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", browser.page)))


def test_the_overview_says_what_needs_attention(pages: Pages, lee: Person) -> None:
    late = person("late", "officer", trained=NOW - timedelta(days=350))
    lapsed = person("gone", "officer", trained=NOW - timedelta(days=400))
    pages.put(late, lapsed, COUNTY, CAMERA)
    lee.get("/administration")
    said = text(lee)
    assert "late: training lapses on" in said
    assert "gone: training lapsed on" in said
    assert "County SO: the MOU ends on" in said
    assert "Main St: nobody approved this location (D.5)" in said
    assert "No rejected messages." in said
    assert "The status of their frames is unknown" in said
    assert "vale:" not in said


def test_somebody_is_registered_with_roles_training_and_agency(pages: Pages, lee: Person) -> None:
    lee.get("/administration/people")
    assert "sworn employee: searches, goes on shift" in text(lee)
    sent = {
        "title": "Det. Roe",
        "agency": "sjpd",
        "employee_number": "77",
        "trained": "2026-11-01",
        "approved_by": "Chief",
    }
    lee.send("/administration/people", new="yes", id="roe", role=["officer", "auditor"], **sent)
    assert "Det. Roe" in text(lee)
    roe = record(pages, "user", "roe")
    assert (roe.roles, roe.agency, roe.changed_by) == (("officer", "auditor"), "sjpd", "lee")
    assert roe.trained_at == datetime(2026, 11, 1, 7, tzinfo=UTC)  # midnight in Arizona
    assert ("lee", "allowed", "user/roe") in acts(pages, "registry_user")


def test_a_change_keeps_what_its_form_does_not_have(pages: Pages, lee: Person) -> None:
    trained = record(pages, "user", "vale").trained_at
    assert trained is not None
    day = f"{trained.astimezone(pages.console.zone):%Y-%m-%d}"
    lee.get("/administration/people/vale")
    assert f'value="{day}"' in lee.page
    lee.send("/administration/people", id="vale", title="Vale", agency="sjpd", trained=day, role="analyst")
    vale = record(pages, "user", "vale")
    assert (vale.trained_at, vale.roles, vale.name) == (trained, ("analyst",), "Vale")


def test_training_names_a_material_once_there_is_one(pages: Pages, lee: Person) -> None:
    pages.put(MATERIAL)
    sent = {"id": "vale", "title": "Vale", "agency": "sjpd", "role": "officer", "employee_number": "9"}
    day = f"{pages.clock() - timedelta(days=2):%Y-%m-%d}"
    lee.get("/administration/people/vale")
    assert "ALPR training, version 3" in text(lee)
    assert lee.send("/administration/people", **sent, trained=day).status_code == 409
    assert "training names a material" in text(lee)
    lee.send("/administration/people", **sent, trained=day, material=MATERIAL.id)
    assert record(pages, "user", "vale").material == MATERIAL.id
    lee.send("/administration/people", **sent | {"title": "Ofc. Vale"}, trained=day)
    assert record(pages, "user", "vale").material == MATERIAL.id


def test_a_person_without_a_role_is_not_registered(pages: Pages, lee: Person) -> None:
    lee.get("/administration/people")
    answer = lee.send("/administration/people", new="yes", id="roe", title="Roe", agency="sjpd")
    assert answer.status_code == 400
    assert "roe" not in job.records_of(pages.streams, "user")


def test_a_form_for_somebody_new_changes_nobody(pages: Pages, lee: Person) -> None:
    lee.get("/administration/people")
    answer = lee.send(
        "/administration/people", new="yes", id="vale", title="Roe", agency="sjpd", role="administrator"
    )
    assert answer.status_code == 409
    assert "is already registered" in text(lee)
    assert record(pages, "user", "vale").roles == ("officer",)
    assert ("lee", "refused", "user/vale") in acts(pages, "registry_user")


def test_whose_time_ends_has_no_password_and_no_session_any_more(pages: Pages, lee: Person) -> None:
    vale = pages.browser("vale")
    assert vale.get("/hits").url.path == "/hits"
    lee.get("/administration/people/vale")
    lee.send("/administration/people/end", id="vale")
    assert not record(pages, "user", "vale").active
    assert "vale" not in accounts.passwords(pages.settings).names()
    assert vale.get("/hits").url.path == "/sign-in"
    assert ("lee", "allowed", "user/vale") in acts(pages, "registry_account")


def test_a_reset_ends_sessions_and_the_person_sets_a_password_that_stands_nowhere(
    pages: Pages, lee: Person
) -> None:
    vale = pages.browser("vale")
    lee.get("/administration/people/vale")
    code = re.findall(r'class="code">([^<]+)<', lee.send("/administration/people/code", id="vale").text)[0]
    assert vale.get("/hits").url.path == "/sign-in"
    assert vale.sign_in("vale").status_code == 401
    secret = "quite a long new phrase"
    fields = {"who": "vale", "code": code, "password": secret, "again": secret}
    assert "Your password is set" in vale.client.post("/redeem", data=fields).text
    assert vale.sign_in("vale", secret).status_code == 200
    log = pages.database.rows("SELECT * FROM platestream.inquiry_log")
    assert secret not in str(log)
    assert code not in str(log)


def test_a_password_is_taken_away_and_shown_where_nobody_is_registered(pages: Pages, lee: Person) -> None:
    accounts.passwords(pages.settings).put("stranger", "some long password")
    lee.get("/administration/people")
    assert "Revoke password of stranger" in text(lee)
    lee.send("/administration/people/no-password", id="stranger")
    assert "stranger" not in accounts.passwords(pages.settings).names()


def test_sessions_and_browsers_of_a_person_are_listed_and_ended(pages: Pages, lee: Person) -> None:
    vale, other = pages.browser("vale"), pages.browser("maier")
    lee.get("/administration/people/vale")
    assert "End all sessions" in text(lee)
    assert "signed in" in text(lee)
    assert "known browser" in text(lee)
    lee.send("/administration/people/sessions", id="vale")
    assert vale.get("/hits").url.path == "/sign-in"
    assert other.get("/search").url.path == "/search"
    assert "End all sessions" not in text(lee)
    assert not pages.console.known_devices.of("vale", pages.clock())
    (changed,) = pages.database.rows(
        "SELECT change FROM platestream.inquiry_log WHERE kind = 'registry_account' AND other = 'user/vale'"
    )
    assert changed[0].startswith("all sessions end")


def test_only_an_administrator_ends_sessions_of_others(pages: Pages, lee: Person) -> None:
    vale, chief = pages.browser("vale"), pages.browser("maier")
    chief.get("/search")
    assert chief.send("/administration/people/sessions", id="vale").status_code == 403
    assert vale.get("/hits").url.path == "/hits"


def test_nobody_changes_their_own_roles(pages: Pages, lee: Person) -> None:
    lee.get("/administration/people/lee")
    assert 'action="/administration/people"' not in lee.page
    answer = lee.send(
        "/administration/people", id="lee", title="lee", agency="sjpd", role=["administrator", "auditor"]
    )
    assert answer.status_code == 403
    assert "nobody changes their own roles" in text(lee)
    assert record(pages, "user", "lee").roles == ("administrator",)


def test_who_is_on_shift_is_shown(pages: Pages, lee: Person) -> None:
    lee.get("/administration/people")
    assert "Nobody is on shift" in text(lee)
    officer = pages.browser("vale")
    officer.get("/hits")
    officer.send("/shift/begin", hours="8")
    lee.get("/administration/people")
    assert "Nobody is on shift" not in text(lee)
    lee.get("/administration/people/vale")
    assert re.search(r"On shift ?until \d", text(lee))


CHANGES: list[tuple[str, str, dict[str, str]]] = [
    ("people", "registry_user", {"title": "x", "agency": "sjpd", "role": "administrator"}),
    ("people/end", "registry_user", {}),
    ("people/code", "account_code", {}),
    ("people/limit", "limit_raise", {"vehicles": "5", "reason": "Abducted child of today"}),
    ("agencies", "registry_agency", {"title": "x"}),
    ("cameras", "registry_camera", {"title": "x", "latitude": "1", "longitude": "1"}),
    ("lists/sources", "registry_source", {"title": "x"}),
    ("lists/categories", "registry_category", {"longest_days": "3"}),
    ("incidents", "registry_incident", {"title": "x", "outcome": "arrest", "since": "2026-11-01T10:00",
                                        "cameras": "north"}),
    ("refused/send-again", "dead_letter_resend", {"letter": "frames/3/1"}),
]  # fmt: skip


def test_an_officer_changes_nothing_and_every_try_is_on_record(pages: Pages, lee: Person) -> None:
    officer = pages.browser("vale")
    assert "/administration" not in re.findall(r'href="([^"]+)"', officer.page)
    for path, act, fields in CHANGES:
        officer.get("/administration/people")
        assert "Register a person" not in text(officer)
        answer = officer.send(f"/administration/{path}", id="kim", **fields)
        assert answer.status_code == 403, path
        assert [one[:2] for one in acts(pages, act)][-1] == ("vale", "refused")
    assert not [one for _path, act, _fields in CHANGES for one in acts(pages, act) if one[1] == "allowed"]
    assert record(pages, "user", "kim").active


def test_a_supervisor_is_offered_what_chiefs_may_do(pages: Pages, lee: Person) -> None:
    pages.put(CAMERA)
    chief = pages.browser("maier")
    chief.get("/administration")
    assert "/administration/refused" not in chief.page
    chief.get("/administration/cameras/north")
    assert "Process held frames" in text(chief)
    assert "Record approval" not in text(chief)
    chief.get("/administration/incidents")
    sent = {"title": "Truck recovered", "outcome": "recovery", "since": "2026-11-24T15:30"}
    chief.send("/administration/incidents", new="yes", id="26-001234", cameras="north", **sent)
    assert "Vehicle or property recovered, 2026-11-24 15:30:00" in text(chief)
    assert record(pages, "incident", "26-001234").cameras == ("north",)
    chief.send("/administration/incidents/end", id="26-001234")
    assert "No incidents are recorded yet" in text(chief)


def test_an_agency_gets_an_mou_and_what_it_shares(pages: Pages, lee: Person) -> None:
    lee.get("/administration/agencies")
    lee.send(
        "/administration/agencies",
        new="yes",
        id="county",
        title="County SO",
        state="az",
        mou_from="2026-01-01",
        mou_until="2027-01-01",
        shares_cameras="north\r\n south \r\n",
        shares_kinds=["search", "hits"],
    )
    county = record(pages, "agency", "county")
    assert county.shares_cameras == ("north", "south")
    assert county.shares_kinds == ("search", "hits")
    assert (county.state, county.law_enforcement, county.own) == ("AZ", True, False)
    assert county.mou_until == datetime(2027, 1, 1, 7, tzinfo=UTC)
    assert "from 2026-01-01 until 2027-01-01" in text(lee)
    lee.send("/administration/agencies/end", id="county")
    assert not record(pages, "agency", "county").active
    assert "county, inactive" in text(lee)


def test_the_agency_of_the_administrator_cannot_be_ended(pages: Pages, lee: Person) -> None:
    lee.get("/administration/agencies/sjpd")
    assert lee.send("/administration/agencies/end", id="sjpd").status_code == 409
    assert "is the ALPR administrator's agency" in text(lee)


def test_a_camera_is_registered_then_approved_and_its_frames_released(pages: Pages, lee: Person) -> None:
    lee.get("/administration/cameras")
    place = {"title": "Main St", "latitude": "34.5", "longitude": "-109.4"}
    lee.send("/administration/cameras", new="yes", id="north", **place)
    assert "nobody approved this location (D.5)" in text(lee)
    assert lee.send("/administration/cameras/release", id="north").status_code == 409
    lee.get("/administration/cameras/north")
    lee.send("/administration/cameras/approve", id="north", approved_by="Chief", approved_at="2026-11-02")
    north = record(pages, "camera", "north")
    assert (north.approved_by, north.latitude, north.name) == ("Chief", 34.5, "Main St")
    lee.send("/administration/cameras/release", id="north")
    assert "0 frames of north are released for processing" in text(lee)
    assert [outcome for _who, outcome, _about in acts(pages, "quarantine_release")] == ["refused", "allowed"]
    lee.send("/administration/cameras", id="north", **{**place, "title": "Main and 2nd"})
    assert record(pages, "camera", "north").approved_by == "Chief"
    lee.send("/administration/cameras/end", id="north")
    assert not record(pages, "camera", "north").active


def test_a_number_that_is_none_is_named(pages: Pages, lee: Person) -> None:
    lee.get("/administration/cameras")
    answer = lee.send("/administration/cameras", new="yes", id="n", title="N", latitude="x", longitude="1")
    assert answer.status_code == 400
    assert "latitude is not a number" in text(lee)


def test_a_special_detail_is_registered_and_then_approved(pages: Pages, lee: Person) -> None:
    lee.get("/administration/cameras")
    fields = {
        "title": "Operation Canyon",
        "cameras": "trailer-1",
        "since": "2026-11-24T18:00",
        "until": "2026-11-26T00:00",
        "case_number": "26-001234",
    }
    answer = lee.send("/administration/details", new="yes", id="op-canyon", **fields)
    assert "26-001234" not in str(answer.url)
    assert "Not approved" in text(lee)
    lee.send("/administration/details", id="op-canyon", approved_by="Chief", **fields)
    assert "Not approved" not in text(lee)
    canyon = record(pages, "detail", "op-canyon")
    assert (canyon.approved_by, canyon.case_number) == ("Chief", "26-001234")
    assert canyon.since == datetime(2026, 11, 25, 1, tzinfo=UTC)
    lee.send("/administration/details/end", id="op-canyon")
    assert not record(pages, "detail", "op-canyon").active


@pytest.fixture
def gateway(pages: Pages) -> Path:
    """A gateway as `platestream up` started it, which told of its cameras a moment ago."""
    config = pages.data / "cameras.toml"
    for folder in (pages.data / "up", pages.data / "cameras"):
        folder.mkdir(parents=True)
    config.write_text(GATEWAY)
    plan = StartPlan((), cameras=str(config))
    (pages.data / "up" / PLAN).write_bytes(msgspec.json.encode(plan))
    quiet = state.CameraHealth(name="north", kind="folder", up=False, fault="no frame for 60 s")
    well = state.CameraHealth(name="south", kind="folder", up=True, last_frame=NOW)
    result = state.GatewayHealth(at=NOW, waiting=0, waiting_bytes=0, sending="", cameras=(quiet, well))
    state.write(pages.data / "cameras", result)
    return config


def test_each_camera_is_shown_with_the_gateways_word(pages: Pages, lee: Person, gateway: Path) -> None:
    pages.put(CAMERA)
    lee.get("/administration")
    assert "camera north: no frame for 60 s" in text(lee)
    lee.get("/administration/cameras")
    assert "silent: no frame for 60 s" in text(lee)
    assert "Unregistered cameras of the gateway south: sends frames" in text(lee)
    lee.get("/administration/cameras/south")
    assert "No camera of this name is registered" in text(lee)
    lee.send("/administration/cameras", id="south", title="2nd St", latitude="34.5", longitude="-109.4")
    assert record(pages, "camera", "south").name == "2nd St"
    gateway.unlink()
    assert lee.get("/administration/cameras").status_code == 200
    assert "the gateway's configuration cannot be read" in text(lee)


def test_saving_the_first_camera_says_first_which_cameras_stop(
    pages: Pages, lee: Person, gateway: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"id": "north", "new": "yes", "title": "Main St", "latitude": "34.5", "longitude": "-109.4"}
    lee.send("/administration/cameras", **form, approved_by="Chief Yazzie")
    assert "Saving stops the reading of 1 camera" in text(lee)
    assert "camera south: its frames are not read, because the camera is not registered" in text(lee)
    assert "north" not in job.records_of(pages.streams, "camera")
    lee.send("/administration/cameras", **form, approved_by="Chief Yazzie", confirmed="yes")
    assert record(pages, "camera", "north").approved_by == "Chief Yazzie"
    result = "camera south: its frames are not read, because the camera is not registered"
    monkeypatch.setattr(Supervisor, "states", lambda _self: [])
    assert result in status(pages.settings, NOW).wrong
    lee.get("/administration")
    assert result in text(lee)
    assert "All cameras send frames" not in text(lee)


def test_all_cameras_of_the_gateway_are_registered_and_approved_in_one_step(
    pages: Pages, lee: Person, gateway: Path
) -> None:
    lee.get("/administration/cameras")
    assert "Registers and approves north, south where" in text(lee)
    lee.send("/administration/cameras/approve-all", approved_by="Chief Yazzie", approved_at="2026-01-15")
    for name, latitude in (("north", 34.5), ("south", 34.51)):
        one = record(pages, "camera", name)
        assert (one.approved_by, one.latitude) == ("Chief Yazzie", latitude)
        assert one.approved_at == datetime(2026, 1, 15, 7, tzinfo=UTC)
    assert acts(pages, "registry_camera") == [
        ("lee", "allowed", f"camera/{name}") for name in ("north", "south")
    ]
    lee.get("/administration/cameras")
    assert "Registers and approves" not in text(lee)
    lee.get("/administration")
    assert "not read" not in text(lee)


def test_sources_and_categories_are_designated_and_withdrawn(pages: Pages, lee: Person) -> None:
    lee.get("/administration/lists")
    lee.send("/administration/lists/sources", id="repo", title="Repossessions")
    lee.send("/administration/lists/categories", id="stolen_trailer", longest_days="90")
    assert "Repossessions" in text(lee)
    assert "90 days" in text(lee)
    lee.send("/administration/lists/withdraw", kind="category", id="silver_alert")
    lee.send("/administration/lists/withdraw", kind="source", id="ncic")
    assert text(lee).count("withdrawn") == 2
    assert not record(pages, "hotlist_source", "ncic").active
    assert record(pages, "hotlist_category", "stolen_trailer").longest_days == 90
    answer = lee.send("/administration/lists/withdraw", kind="source", id="nobodys")
    assert answer.status_code == 409
    assert ("lee", "refused", "hotlist_source/nobodys") in acts(pages, "registry_source")


def test_the_rules_in_force_are_shown(pages: Pages, lee: Person) -> None:
    lee.get("/administration/rules")
    assert "1 year" in text(lee)
    assert "need an MOU in force" in text(lee)
    assert ("lee", "allowed", "rules") in acts(pages, "registry_show")


def letter(pages: Pages, offset: int, topic: str = "frames", value: bytes | None = b"\xff\xd8JPEG") -> str:
    made = DeadLetter(
        topic=topic, partition=3, offset=offset, reason="future", detail="captured in an hour", key=b"N1",
        value=value, headers={"camera-id": "N1"}, timestamp=datetime(2026, 11, 24, 15, tzinfo=UTC),
    )  # fmt: skip
    pages.streams.writer(topics.DEAD_LETTERS).publish([made])
    return made.origin


def test_a_dead_letter_is_looked_at_and_sent_again(pages: Pages, lee: Person) -> None:
    origin = letter(pages, 7)
    lee.get("/administration")
    assert "1 message was rejected in the last 7 days and not sent again" in text(lee)
    lee.get("/administration/refused")
    assert "1 of frames: future" in text(lee)
    lee.get(f"/administration/refused/{origin}")
    assert "Header camera-id" in text(lee)
    assert "JPEG" not in lee.page
    lee.send("/administration/refused/send-again", letter=origin)
    assert "1 time" in text(lee)
    assert len(list(pages.streams.read_to_end(topics.FRAMES))) == 1
    assert lee.send("/administration/refused/send-again", letter=origin).status_code == 409
    lee.get(f"/administration/refused/{origin}")
    lee.send("/administration/refused/send-again", letter=origin, again="yes")
    assert "2 times" in text(lee)
    assert [outcome for _who, outcome, _about in acts(pages, "dead_letter_resend")] == [
        "allowed", "refused", "allowed",
    ]  # fmt: skip


def test_dead_letters_are_for_the_administrator_alone(pages: Pages, lee: Person) -> None:
    origin = letter(pages, 7)
    chief = pages.browser("maier")
    for path in ("", f"/{origin}"):
        assert chief.get(f"/administration/refused{path}").status_code == 403
        assert "captured in an hour" not in chief.page
    assert {(who, outcome) for who, outcome, _about in acts(pages, "dead_letter_show")} == {
        ("maier", "refused")
    }


def test_what_was_typed_in_a_registry_form_is_text_and_never_a_tag(pages: Pages, lee: Person) -> None:
    evil = "<script>alert(1)</script>"
    lee.get("/administration/people")
    lee.send(
        "/administration/people",
        new="yes",
        id="roe",
        title=evil,
        agency="sjpd",
        employee_number="77",
        role="officer",
    )
    lee.get("/administration/cameras")
    lee.send("/administration/cameras", new="yes", id="a", title=evil, latitude="1", longitude="1")
    lee.send("/administration/agencies", new="yes", id="b", title=evil, approved_by='"><img src=x>')
    for page in ("", "/people", "/people/roe", "/cameras", "/cameras/a", "/agencies", "/agencies/b"):
        assert lee.get(f"/administration{page}").status_code == 200
        assert "<script>alert" not in lee.page
        assert "<img src=x" not in lee.page
    assert lee.get("/administration/people/%3Cscript%3Ealert(1)").status_code == 409
    assert "<script>alert" not in lee.page
