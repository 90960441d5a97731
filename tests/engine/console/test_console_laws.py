"""What laws of states ask for, in the console: sensitive places, what is due, and what was published."""

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from platestream.access import profiles, rules_in_force
from platestream.access import registry as job
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import door_of, person

RULES = """
[places]
refused = ["school"]
margin_m = 20.0
citation = "section 3"

[rhythms.monthly]
every = "month"
within = "10 days"
publish = "2 days"
citation = "section 6"

[rhythms.yearly-report]
every = "year"
audit = false
publish = "12-01"
citation = "section 7"
"""


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """Of an agency whose law asks for both, and that has been at work for two months and more."""
    order = (Path(profiles.__file__).parent / "st-johns.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(order.replace('second_factor = "everybody"', 'second_factor = "nobody"') + RULES)
    row = {"entry": uuid4(), "inquiry_id": uuid4(), "at": NOW - timedelta(days=70), "who": "vale"}
    row |= {"outcome": "allowed", "kind": "shift_show"}
    database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))
    made = Pages(database, tmp_path / "data", profile=str(own))
    made.staff(person("lee", "administrator"), person("aud", "auditor"), person("vale", "officer"))
    rules_in_force.put_in_force(door_of(database, "lee", data=made.data), str(own), "Chief of Police")
    columns, then = ["set_at", "profile"], NOW - timedelta(days=70)
    database.client().insert("platestream.gate_rules", [[then, str(own)]], column_names=columns)
    return made


def shown(browser: Person) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", browser.page)).split())


PLACE = {"new": "yes", "id": "lincoln", "title": "Lincoln", "place": "school", "approved_by": "County"}
CIRCLE = {"latitude": "34.5", "longitude": "-109.4", "radius_m": "100"}
CORNERS = "34.501, -109.401\n34.501, -109.399\n34.499, -109.4"


def test_an_administrator_adds_changes_and_ends_a_place_and_sees_who_stands_in_it(pages: Pages) -> None:
    pages.put(RegistryRecord(kind="camera", id="north", name="Main St", latitude=34.5, longitude=-109.4))
    lee = pages.browser("lee")
    lee.get("/administration/places")
    assert "schools" not in shown(lee)
    assert "No sensitive places are registered" in shown(lee)
    assert lee.send("/administration/places", **PLACE, **CIRCLE).status_code == 200
    assert "School, 100 m around 34.50000, -109.40000, confirmed by County" in shown(lee)
    assert "Cameras inside: north." in shown(lee)
    again = lee.send("/administration/places", **PLACE, **CIRCLE)
    assert (again.status_code, "already registered" in shown(lee)) == (409, True)
    lee.get("/administration/places")
    changed = {key: value for key, value in PLACE.items() if key != "new"}
    assert lee.send("/administration/places", **changed, outline=CORNERS).status_code == 200
    kept = job.records_of(pages.streams, "place")["lincoln"]
    assert (len(kept.outline), kept.radius_m) == (3, None)
    for corners, says in (("34.5; -109.4", "a corner is degrees north"), ("1, 1\n2, 2", "corners")):
        assert lee.send("/administration/places", **changed, outline=corners).status_code in (400, 409)
        assert says in shown(lee)
        lee.get("/administration/places")
    camera = {"new": "yes", "id": "south", "title": "S", "latitude": "34.5", "longitude": "-109.4"}
    assert lee.send("/administration/cameras", **camera).status_code == 409
    lee.get("/administration/places")
    lee.send("/administration/places/end", id="lincoln")
    assert "Inactive." in shown(lee)
    result = lee.send("/undo", undo=re.findall(r'name="undo" value="([^"]+)"', lee.page)[0])
    assert result.status_code == 200
    assert job.records_of(pages.streams, "place")["lincoln"].active


def test_an_auditor_sees_no_form_and_an_officer_registers_no_place(pages: Pages) -> None:
    officer = pages.browser("vale")
    officer.get("/hits")
    assert officer.send("/administration/places", **PLACE, **CIRCLE).status_code == 403
    assert "lincoln" not in job.records_of(pages.streams, "place")
    refused = pages.database.rows(
        "SELECT who, outcome FROM platestream.inquiry_log WHERE kind = 'registry_place'"
    )
    assert refused == [("vale", "refused")]


def before(months: int) -> str:
    first = NOW.astimezone(ZoneInfo("America/Phoenix")).date().replace(day=1)
    for _each in range(months):
        first = (first - timedelta(days=1)).replace(day=1)
    return f"{first:%Y-%m}"


def test_what_is_due_is_drawn_published_and_shown_with_where_and_which_bytes(pages: Pages) -> None:
    aud = pages.browser("aud")
    aud.get("/audit/due")
    assert "File by the end of" in shown(aud)
    period = before(1)
    assert f'<option value="{period}">' in aud.page
    drawn = aud.send("/audit/due/draws", rhythm="monthly", period=period)
    assert (drawn.status_code, f"Audit of {period} (monthly), draw 1" in shown(aud)) == (200, True)
    aud.get(f"/audit/memo/{NOW.year}?draw=1")
    assert f"Memorandum on the audit of {period} (monthly)" in shown(aud)
    aud.get("/audit/due")
    report = aud.send("/audit/due/report", rhythm="monthly", period=period)
    assert json.loads(report.content)["period"] == period
    assert f'filename="monthly-{period}.json"' in report.headers["content-disposition"]
    aud.get("/audit/due")
    (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', aud.page)
    fields = {
        "csrf": proof,
        "rhythm": "monthly",
        "period": period,
        "where": "https://police.example.gov/alpr",
    }
    doctored = report.content.replace(b'"searches": 0', b'"searches": 9')
    for content, says in ((doctored, "other figures"), (b"x", "no report")):
        wrong = aud.client.post("/audit/due/published", data=fields, files={"file": ("r.json", content)})
        assert (wrong.status_code, says in wrong.text) == (409, True)
    assert aud.client.post("/audit/due/published", data=fields).status_code == 400
    done = aud.client.post("/audit/due/published", data=fields, files={"file": ("r.json", report.content)})
    assert done.status_code == 200
    assert "https://police.example.gov/alpr" in done.text
    assert "SHA-256" in done.text


def test_who_may_not_publish_does_not_and_whoever_is_no_auditor_sees_nothing(pages: Pages) -> None:
    lee = pages.browser("lee")
    lee.get("/audit/due")
    assert "Publication" not in lee.page
    more = {"rhythm": "monthly", "period": before(1), "where": "x"}
    (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', lee.page)
    sent = lee.client.post("/audit/due/published", data={"csrf": proof, **more}, files={"file": ("a", b"x")})
    assert sent.status_code == 403
    officer = pages.browser("vale")
    assert officer.get("/audit/due").status_code == 403
