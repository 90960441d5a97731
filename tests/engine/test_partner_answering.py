"""What another agency's request is answered: by this agency's own gate, or not at all."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from platestream.access.profiles import load
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.edge import Edge
from platestream.edges.files import FileTopics
from platestream.flows import audit_flow
from platestream.partners.answer_check import fault_in
from platestream.partners.signing import sign_request
from platestream.runtime.clock import utc_now
from platestream.schemas import tables
from platestream.schemas.gate_rules import of_profile
from platestream.schemas.partner import INQUIRIES, PICTURES, PictureOf, Reads
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import read, set_rules, user
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import OWN
from tests.support.flows import run
from tests.support.nightly import nightly
from tests.support.partners import (
    ADDRESS,
    COUNTYS,
    DAY,
    STRANGERS,
    Answering,
    agency,
    asker,
    day,
    inquiry,
    own_key,
    put,
)

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
CITYS, OLD, NEW = own_key(4), own_key(5), own_key(6)


@pytest.fixture
def answering(database: Database) -> Answering:
    """An agency with a partner, the county, and three reads."""
    people = (OWN, user("chief"), user("of-city", agency="city"))
    put(database, database.data, *people, agency("county", COUNTYS), agency("city", CITYS))
    seen = ((HOUR, "north", "ABC123"), (2 * HOUR, "south", "ABC123"), (HOUR, "north", "XYZ789"))
    reads = [read(age, camera, plate=plate) for age, camera, plate in seen]
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)
    return Answering(database)


def test_a_partner_hears_what_was_read_and_it_is_on_record_as_of_their_person(answering: Answering) -> None:
    result = answering.ask(inquiry(), ident=UUID(int=9))
    assert result.status_code == 200
    found = result.json()
    assert (found["found"], [one["camera_id"] for one in found["reads"]]) == (2, ["north", "south"])
    assert "set-cookie" not in result.headers
    assert result.headers["cache-control"] == "no-store"
    columns = "inquiry_id, who, agency, partner, trained_on, tool, kind, outcome, case_number, pattern"
    assert answering.log(columns) == [
        (
            *(UUID(int=9), "county/jones", "county", "county", day(40).isoformat(), "partners", "search"),
            *("allowed", "26-001234", "ABC123"),
        )
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"plate": "ABC123"}, 2),
        ({"plate": "abc-1*"}, 4),
        ({"plate": "A?0123"}, 1),
        ({"plate": "*0123"}, 1),
        ({"plate": "", "since": NOW - 6 * DAY}, 10),
        ({"plate": "ABC123", "way": "fuzzy"}, 8),
        ({"plate": "A8C123", "way": "fuzzy"}, 3),
        ({"plate": "ABO123", "way": "fuzzy"}, 3),
        ({"plate": "", "way": "sightings", "cameras": ("south",), "since": NOW - 2 * HOUR}, 1),
    ],
)
def test_what_the_gate_finds_is_an_answer_by_the_check_of_who_asks(
    answering: Answering, asked: dict[str, Any], found: int
) -> None:
    alike = ("A8C123", "ABC12", "ABO123", "ACB123", "GBC123", "ABC1234", "LEAD123")
    answering.database.put(tables.DETECTIONS, *(read(HOUR, "north", plate=one) for one in alike))
    sent = inquiry(**asked)
    answer = msgspec.json.decode(answering.ask(sent).content, type=Reads)
    assert (fault_in(sent, answer, utc_now()), answer.found) == ("", found)


def test_a_picture_is_a_look_of_its_own(answering: Answering) -> None:
    (one, *_more) = answering.ask(inquiry()).json()["reads"]
    wanted = PictureOf(asker=asker(), detection_id=UUID(one["detection_id"]), captured_at=one["captured_at"])
    result = answering.ask(msgspec.json.encode(wanted), path=PICTURES)
    assert result.status_code == 200
    assert set(result.json()) == {"crop", "vehicle"}
    bare = msgspec.structs.replace(wanted, asker=asker(case_number=""))
    assert answering.ask(bare, path=PICTURES).status_code == 403
    done = [("search", "allowed"), ("picture", "allowed"), ("picture", "refused")]
    assert answering.log("kind, outcome") == done


MOUS: dict[str, dict[str, Any]] = {
    "in force": {"mou_from": NOW - 30 * DAY},
    "ended": {"mou_from": NOW - 30 * DAY, "mou_until": NOW - DAY},
    "none": {"mou_from": None},
}
VIRGINIAS = "criminal investigation with reasonable suspicion"
PEOPLE: dict[str, dict[str, Any]] = {
    "trained": {"trained_on": day(40)},
    "lapsed": {"trained_on": day(400)},
    "not trained yet": {"trained_on": day(-2)},
    "without a reason": {"case_number": ""},
    "of a prohibited purpose": {"reason": "personal interest", "purpose": "personal interest"},
    "of one that nobody lists": {"purpose": "because"},
}
KINDS: dict[str, list[tuple[str, bool]]] = {  # of partners: state, and whether it declared what it looks for
    "st-johns": [("NM", False)],
    "virginia": [("VA", False), ("AZ", True)],
    "new-jersey": [("AZ", True), ("AZ", False), ("NJ", False)],
}


def may(mou: str, profile: str, state: str, declared: bool, person: str) -> bool:
    """By the order and the two laws, in their own words."""
    if mou != "in force" or person in (
        "lapsed",
        "not trained yet",
        "without a reason",
        "of a prohibited purpose",
    ):
        return False
    if profile == "virginia":  # no sharing out of the state, and its four purposes only
        return state == "VA" and person != "of one that nobody lists"
    return profile != "new-jersey" or declared or state == "NJ"  # other states certify in writing


@pytest.mark.parametrize("profile", ["st-johns", *nightly("virginia", "new-jersey")])
def test_who_may_ask_is_what_the_answering_agencys_own_rules_say(
    migrated: Path, tmp_path: Path, profile: str
) -> None:
    with copied(migrated, tmp_path) as database:
        set_rules(database, of_profile(profile, load(profile)))
        put(database, database.data, OWN, user("chief"))
        answering, wrong = Answering(database), []
        mous = [(mou, *kind) for mou in MOUS for kind in KINDS[profile]]
        names = [f"agency-{number}" for number in range(len(mous))]
        theirs = [own_key(20 + number) for number in range(len(mous))]
        for name, key, (mou, state, declared) in zip(names, theirs, mous, strict=True):
            fields = {**MOUS[mou], "state": state, "declared_at": NOW - DAY if declared else None}
            put(database, database.data, agency(name, key, **fields))
        purpose = {"purpose": VIRGINIAS} if profile == "virginia" else {}
        for name, key, kind in zip(names, theirs, mous, strict=True):
            for person, said in PEOPLE.items() if kind[0] == "in force" else [("trained", PEOPLE["trained"])]:
                answer = answering.ask(inquiry(**{**purpose, **said, "agency": name}), key)
                expected = 200 if may(kind[0], profile, *kind[1:], person) else 403
                if answer.status_code != expected:
                    wrong.append((kind, person, answer.status_code, answer.text))
        assert wrong == []
        assert {"allowed", "refused"} == {outcome for (outcome,) in answering.log("outcome")}


def test_the_violation_goes_with_the_request_where_the_answering_agencys_law_asks_for_one(
    migrated: Path, tmp_path: Path
) -> None:
    law = load("oregon")
    with copied(migrated, tmp_path) as database:
        set_rules(database, of_profile("oregon", law))
        put(database, database.data, OWN, user("chief"), agency("county", COUNTYS, state="OR"))
        answering, crime = Answering(database), law.purposes.violation_for[0]
        refused = answering.ask(inquiry(purpose=crime))
        assert (refused.status_code, "violation" in refused.json()["detail"]) == (403, True), refused.text
        allowed = answering.ask(inquiry(purpose=crime, violation=law.purposes.violations[0]))
        assert allowed.status_code == 200, allowed.text
        assert answering.log("violation, outcome")[-1] == (law.purposes.violations[0], "allowed")


def test_a_refusal_says_the_rule_and_the_same_whether_the_plate_was_seen_or_not(answering: Answering) -> None:
    put(answering.database, answering.data, agency("county", COUNTYS, mou_until=NOW - DAY))
    seen, unseen = (answering.ask(inquiry(plate)) for plate in ("ABC123", "NVR0000"))
    assert seen.status_code == unseen.status_code == 403
    assert seen.json() == unseen.json()
    assert "MOU with this agency has ended" in seen.json()["detail"]
    assert [row[1:3] for row in answering.log()] == [("county", "refused")] * 2


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"agency": "city"}, "of another agency"),
        ({"agency": "sjpd"}, "of another agency"),
    ],
)
def test_another_agencys_name_under_ones_own_signature_is_refused(
    answering: Answering, fields: dict[str, str], rule: str
) -> None:
    answer = answering.ask(inquiry(**fields))
    assert (answer.status_code, rule in answer.json()["detail"]) == (403, True)


def test_a_person_named_like_one_of_ours_is_theirs_all_the_same(answering: Answering) -> None:
    assert answering.ask(inquiry(person="chief")).status_code == 200
    put(answering.database, answering.data, user("county/smith"))
    answer = answering.ask(inquiry(person="smith"))
    assert (answer.status_code, "nobody has here" in answer.json()["detail"]) == (403, True)
    assert [row[0] for row in answering.log()] == ["county/chief", "county/smith"]


def test_our_own_key_is_no_partners(answering: Answering) -> None:
    ours = own_key(8)
    put(answering.database, answering.data, msgspec.structs.replace(OWN, keys=(ours.public,)))
    assert answering.ask(inquiry(agency="sjpd"), ours).status_code == 401
    inquired = answering.database.ask(partner="sjpd", trained_on=day(3).isoformat(), on_behalf_of="chief")
    assert "no partner of itself" in answering.database.logged(inquired)["refusal"]


@pytest.mark.parametrize("kind", ["hits", "partner_search", "hotlist_show", "registry_user", "audit_export"])
def test_partners_do_nothing_else_even_if_the_server_were_wrong(answering: Answering, kind: str) -> None:
    fields = {"partner": "county", "trained_on": day(3).isoformat(), "on_behalf_of": "jones", "kind": kind}
    row = answering.database.logged(answering.database.ask(**fields))
    assert (row["outcome"] == "allowed") == (kind == "hits"), row["refusal"]  # no path asks for hits


def test_what_the_mou_shares_is_all_that_is_seen(answering: Answering) -> None:
    put(answering.database, answering.data, agency("county", COUNTYS, shares_cameras=("south",)))
    found = answering.ask(inquiry()).json()
    assert [one["camera_id"] for one in found["reads"]] == ["south"]
    assert "some cameras only" in answering.ask(inquiry(cameras=("north",))).json()["detail"]
    put(answering.database, answering.data, agency("county", COUNTYS, shares_kinds=("fuzzy",)))
    answering.again()
    assert "does not share this kind" in answering.ask(inquiry()).json()["detail"]
    assert answering.ask(inquiry(way="fuzzy")).status_code == 200


def test_a_civil_agency_names_its_legal_basis(answering: Answering) -> None:
    put(answering.database, answering.data, agency("county", COUNTYS, law_enforcement=False))
    assert "legal basis" in answering.ask(inquiry()).json()["detail"]
    assert answering.ask(inquiry(legal_basis="Court order CV-26-11")).status_code == 200


def test_an_open_pattern_is_refused_as_to_anybody(answering: Answering) -> None:
    for asked in (
        inquiry("*"),
        inquiry("%"),
        inquiry("ABC*", way="fuzzy"),
        inquiry(way="sightings"),
    ):
        assert answering.ask(asked).status_code == 403, asked


def test_a_request_that_is_sent_again_is_not_answered_not_even_by_a_server_that_was_started_anew(
    answering: Answering,
) -> None:
    body = msgspec.json.encode(inquiry())
    request = sign_request(COUNTYS, ADDRESS + INQUIRIES, body, uuid4(), answering.clock())

    def send() -> int:
        return int(answering.client.post(INQUIRIES, content=body, headers=request.headers).status_code)

    assert (send(), send()) == (200, 401)
    answering.again()
    assert send() == 401
    assert len(answering.log()) == 1
    answering.by = timedelta(minutes=5)
    assert send() == 401


def test_who_is_not_known_hears_nothing_and_leaves_no_row(answering: Answering) -> None:
    other = msgspec.json.encode(inquiry("XYZ789"))
    for result in (
        answering.ask(inquiry(), STRANGERS),
        answering.ask(inquiry(), CITYS, sent=other),
        answering.ask(inquiry(), change=lambda headers: {**headers, "Signature": "platestream=:AAAA:"}),
        answering.ask(inquiry(), change=lambda _headers: {"Content-Type": "application/json"}),
        answering.ask(
            inquiry(),
            change=lambda headers: {name: one for name, one in headers.items() if name != "Content-Digest"},
        ),
    ):
        assert result.status_code == 401
        assert result.json() == {"detail": "not signed by a partner, or replayed"}
        assert "signature" not in result.headers
    assert answering.log() == []


def test_a_request_for_another_server_or_path_is_not_taken_here(answering: Answering) -> None:
    body = msgspec.json.encode(inquiry())
    for url in (
        "https://alpr.city.example:8444" + INQUIRIES,
        ADDRESS + PICTURES,
        ADDRESS + INQUIRIES + "?x=1",
    ):
        request = sign_request(COUNTYS, url, body, uuid4(), answering.clock())
        assert answering.client.post(INQUIRIES, content=body, headers=request.headers).status_code == 401


def test_while_keys_change_both_hold_and_the_old_one_ends_with_its_record(answering: Answering) -> None:
    put(answering.database, answering.data, agency("county", OLD, NEW))
    answering.again()
    assert [answering.ask(inquiry(), key).status_code for key in (OLD, NEW, COUNTYS)] == [200, 200, 401]
    put(answering.database, answering.data, agency("county", NEW))
    answering.by = timedelta(seconds=3)  # who is known is read again after two
    assert [answering.ask(inquiry(), key).status_code for key in (OLD, NEW)] == [401, 200]


def test_too_many_in_a_minute_wait_and_others_do_not(answering: Answering) -> None:
    few = Answering(answering.database, a_minute=3)
    assert [few.ask(inquiry()).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert few.ask(inquiry(agency="city"), CITYS).status_code == 200
    few.by = timedelta(seconds=61)
    assert few.ask(inquiry()).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b'{"way":"hits"}',
        b"{" * 9000,
        b'{"asker":{"person":"<b>"},"way":"search"}',
    ],
)
def test_garbage_that_is_signed_is_refused_by_its_field(answering: Answering, body: bytes) -> None:
    result = answering.ask(body)
    assert result.status_code == 422
    assert "<b>" not in result.text
    assert answering.log() == []


def test_bodies_without_an_end_are_not_read(answering: Answering) -> None:
    assert answering.ask(inquiry(), sent=b"x" * 20_001).status_code == 413
    assert answering.client.post(INQUIRIES, content=iter([b"{}"])).status_code == 413
    assert answering.client.get(INQUIRIES).status_code == 405
    assert answering.client.get("/").status_code == 404


def test_the_audit_flow_finds_nothing_in_what_the_gate_allowed_and_seals_who_it_was(
    answering: Answering,
) -> None:
    answering.ask(inquiry())
    answering.ask(inquiry(trained_on=day(400)))
    streams = FileTopics(answering.data, follow=False)
    run(audit_flow.build(Edge(streams, ClickHouseTables(answering.database.dsn, follow=False))))
    breaches = answering.database.rows("SELECT rule FROM platestream.inquiry_findings WHERE grade = 'breach'")
    assert breaches == []
    assert answering.database.value("SELECT count() FROM platestream.inquiry_seals") == 2


def test_a_row_that_got_past_the_gate_is_a_breach(answering: Answering) -> None:
    """The second opinion comes to the same without the gate."""
    from datetime import datetime

    from platestream.operators.inquiry_checks.order import RULES, check_order
    from platestream.operators.people import People
    from tests.support.flows import INQUIRY

    records: list[RegistryRecord] = [OWN, user("chief"), agency("county", mou_until=NOW + 300 * DAY)]
    people = People(records)
    at: datetime = NOW
    one = msgspec.structs.replace(
        INQUIRY,
        at=at,
        who="county/jones",
        agency="county",
        partner="county",
        trained_on=day(40).isoformat(),
        kind="search",
    )
    assert list(check_order(one, people, RULES)) == []
    for changed, rule in (
        ({"trained_on": day(400).isoformat()}, "trained"),
        ({"trained_on": "never"}, "trained"),
        ({"at": NOW + 301 * DAY, "trained_on": (NOW + 300 * DAY).date().isoformat()}, "agency"),
        ({"partner": "nowhere"}, "agency"),
        ({"kind": "audit_export", "reason": "for the court"}, "roles"),
    ):
        found = {each.rule for each in check_order(msgspec.structs.replace(one, **changed), people, RULES)}
        assert rule in found, (changed, found)
