"""Rules, routes and words of notifications; the outbox by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.notifications.factory import SENDERS
from platestream.operators.disproof import Disproof, pair_of
from platestream.operators.matching.entry_match import match_entry
from platestream.operators.notify.channels import CHANNELS
from platestream.operators.notify.message import Notice, notice
from platestream.operators.notify.outbox import Outbox
from platestream.operators.notify.route import NOBODY, NotifyRegistry, Router, route
from platestream.operators.notify.rules import NotifyRules, Receiver, parse_rules
from platestream.schemas.alert_hit import NOTICE, AlertHit, Difference
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.catalogue import example
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import EndOfSnapshot, RefusedError
from platestream.schemas.presence import Presence
from platestream.schemas.registry import RegistryRecord

NOW = datetime(2026, 11, 24, 15, 4, 10, tzinfo=UTC)
FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
BASE = """
[[receivers]]
name = "dispatch"
apprise = "json://localhost"
[[receivers]]
name = "vale"
apprise = "json://localhost"
officer = "rvale"
[[receivers]]
name = "sheriff"
apprise = "json://localhost"
agency = "apache-county-so"
"""


def rules(more: str, before: str = "") -> NotifyRules:
    return parse_rules(before + BASE + more)


def hit(number: int = 1, *, camera: str = "", seen: dict[str, Any] | None = None, **told: Any) -> AlertHit:
    entry = msgspec.structs.replace(FOUND.entry, **told.pop("listed", {}))
    detection = msgspec.structs.replace(FOUND.detection, **(seen or {}))
    if camera:
        detection = msgspec.structs.replace(detection, camera_id=camera)
    return msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=detection, entry=entry, **told)


def known(*records: RegistryRecord) -> NotifyRegistry:
    made = NotifyRegistry()
    for record in records:
        made.put(record)
    return made


OWN = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True)


def officer(**told: Any) -> RegistryRecord:
    told = {"agency": "sjpd", "trained_at": NOW - timedelta(days=30), **told}
    return RegistryRecord(kind="user", id="rvale", name="Ofc. Vale", **told)


def shift(user: str, **told: Any) -> RegistryRecord:
    since = NOW - timedelta(hours=2)
    period = {"since": since, "until": since + timedelta(hours=12), **told}
    return RegistryRecord(kind="shift", id=f"{user}@{since:%H}", name=user, user=user, **period)


def agency(**told: Any) -> RegistryRecord:
    return RegistryRecord(kind="agency", id="apache-county-so", name="Apache County SO", **told)


def outcomes(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.receiver, "told" if isinstance(one, Notice) else one.outcome) for one in found]


def told(hit: AlertHit, by: NotifyRules, *records: RegistryRecord) -> list[tuple[str, str]]:
    return outcomes(list(route(hit, by, known(*records), NOW)))


@pytest.mark.parametrize(
    ("limit", "matches"),
    [
        ('categories = ["stolen_vehicle"]', True),
        ('categories = ["amber_alert"]', False),
        ('sources = ["sjpd"]', True),
        ('sources = ["ncic"]', False),
        ("priorities = [3]", True),
        ("priorities = [1, 2]", False),
        ('cameras = ["white-mountain-dr-n"]', True),
        ('cameras = ["other"]', False),
        ("areas = [{latitude = 34.5059, longitude = -109.361, radius_m = 100}]", True),
        ("areas = [{latitude = 35.0, longitude = -109.361, radius_m = 100}]", False),
    ],
)
def test_a_route_is_by_category_source_priority_camera_and_area(limit: str, matches: bool) -> None:
    found = told(hit(), rules(f'\n[[routes]]\nto = ["dispatch"]\n{limit}\n'))
    assert found == ([("dispatch", "told")] if matches else [("", "nobody")])


ON_SHIFT = '\n[[routes]]\nto = ["on_shift", "dispatch"]\n'


def test_who_is_on_shift_is_told_and_who_logged_out_is_not() -> None:
    found = told(hit(), rules(ON_SHIFT), OWN, officer(), shift("rvale"))
    assert found == [("dispatch", "told"), ("vale", "told")]
    for ended in ({"active": False}, {"until": NOW}, {"since": NOW + timedelta(hours=1)}):
        found = told(hit(), rules(ON_SHIFT), OWN, officer(), shift("rvale", **ended))
        assert found == [("dispatch", "told"), ("", "nobody")]


CAR = hit().detection.camera_id


def test_a_hit_of_a_car_goes_to_its_officer_first_and_at_once_to_the_others() -> None:
    by = rules(ON_SHIFT + '\n[[receivers]]\nname = "ana"\napprise = "json://localhost"\nofficer = "ana"\n')
    ana = msgspec.structs.replace(officer(), id="ana", name="Ofc. Ana")
    people = (OWN, officer(), ana, shift("rvale"), shift("ana", cameras=(CAR,)))
    found = [one for one in route(hit(), by, known(*people), NOW) if isinstance(one, Notice)]
    assert [one.receiver for one in found] == ["ana", "dispatch", "vale"]
    mine, desk, other = (one.text for one in found)
    assert "A camera of your car read it." in mine
    assert "car" not in desk.splitlines()[1]
    assert "Read in the car of ana, who is on shift there." in other
    for elsewhere in (
        (*people[:4], shift("ana", cameras=("car-2",))),
        (*people[:4], shift("ana", cameras=(CAR,), active=False)),
    ):
        texts = [one.text for one in route(hit(), by, known(*elsewhere), NOW) if isinstance(one, Notice)]
        assert not any("car of" in one or "your car" in one for one in texts)
    foreign = route(hit(agency="apache-county-so"), by, known(*people), NOW)
    assert not any("your car" in one.text for one in foreign if isinstance(one, Notice)), "a camera of theirs"


DAY = timedelta(days=1)
NOT_ENTITLED = {
    "who was never registered": None,
    "whose access has ended": officer(active=False),
    "who was never trained": officer(trained_at=None),
    "who is trained tomorrow": officer(trained_at=NOW + DAY),
    "whose training lapsed in mid-shift": officer(trained_at=NOW - 365 * DAY - timedelta(seconds=1)),
    "who is another agency's": officer(agency="apache-county-so"),
    "who is of an agency that nobody registered": officer(agency="nowhere-pd"),
}


@pytest.mark.parametrize("person", NOT_ENTITLED.values(), ids=NOT_ENTITLED)
def test_nobody_is_told_who_is_not_registered_trained_and_ours_though_on_shift_or_named(
    person: RegistryRecord | None,
) -> None:
    records = [OWN, agency(mou_from=NOW - DAY), shift("rvale"), *([person] if person else [])]
    found = told(hit(), rules(ON_SHIFT), *records)
    assert found == [("dispatch", "told"), ("vale", "not_entitled"), ("", "nobody")]
    assert told(hit(), rules('\n[[routes]]\nto = ["vale"]\n'), *records) == [("vale", "not_entitled")]


def test_what_stands_against_telling_a_person_is_on_record_as_a_code() -> None:
    (decided,) = route(
        hit(), rules('\n[[routes]]\nto = ["vale"]\n'), known(OWN, officer(trained_at=None)), NOW
    )
    assert isinstance(decided, Delivery)
    assert (decided.outcome, decided.reason) == ("not_entitled", "untrained")


def test_another_agency_s_officer_is_told_where_the_rules_name_the_agency_and_its_mou_is_in_force() -> None:
    partner = "apache-county-so"
    by = parse_rules(BASE.replace('officer = "rvale"', f'officer = "rvale"\nagency = "{partner}"')
                     + '\n[[routes]]\nto = ["vale"]\n')  # fmt: skip
    theirs = officer(agency=partner)
    assert told(hit(), by, agency(mou_from=NOW - DAY), theirs) == [("vale", "told")]
    assert told(hit(), by, agency(), theirs) == [("vale", "not_shared")]
    assert told(hit(), by, agency(mou_from=NOW - DAY), OWN, officer()) == [("vale", "not_entitled")]


def test_with_nobody_on_shift_the_ones_named_for_it_are_told_and_told_so() -> None:
    by = rules('\n[[routes]]\nto = ["on_shift"]\n', before='nobody = ["dispatch"]\n')
    found = list(route(hit(), by, known(), NOW))
    assert outcomes(found) == [("dispatch", "told"), ("", "nobody")]
    assert isinstance(found[0], Notice)
    assert NOBODY in found[0].text


QUIET = '\n[[routes]]\nto = ["dispatch"]\n[[quiet]]\nhours = [{start = "07:00", end = "09:00"}]\n'


def test_quiet_hours_hold_back_all_but_the_top_priority_and_are_on_record() -> None:
    assert told(hit(), rules(QUIET)) == [("dispatch", "quiet")], "15:04 UTC is 08:04 in Arizona"
    assert told(hit(listed={"category": "amber_alert"}), rules(QUIET)) == [("dispatch", "told")]


@given(
    st.sampled_from(["amber_alert", "blue_alert", "terrorist_activity"]),
    st.lists(st.sampled_from(["receivers = ['dispatch']", "categories = ['amber_alert']", ""]), max_size=3),
)
def test_no_quiet_rule_ever_silences_the_top_priority(category: str, quiet: list[str]) -> None:
    hours = 'hours = [{start = "00:00", end = "00:00"}]'
    text = "".join(f"\n[[quiet]]\n{hours}\n{limit}\n" for limit in quiet)
    by = rules('\n[[routes]]\nto = ["dispatch"]\n' + text)
    assert told(hit(listed={"category": category}), by) == [("dispatch", "told")]


SHERIFF = '\n[[routes]]\nto = ["sheriff"]\n'


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (None, "not_shared"),
        (agency(), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9)), "told"),
        (agency(mou_from=NOW + timedelta(days=1)), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), mou_until=NOW), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), active=False), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), shares_cameras=("other",)), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), shares_cameras=("white-mountain-dr-n",)), "told"),
    ],
)
def test_another_agency_is_told_only_by_an_mou_in_force(record: RegistryRecord | None, outcome: str) -> None:
    assert told(hit(), rules(SHERIFF), *([record] if record else [])) == [("sheriff", outcome)]


def test_an_entry_that_does_not_alert_an_agency_is_not_sent_there() -> None:
    silenced = hit(listed={"silenced_for": ("apache-county-so",)})
    assert told(silenced, rules(SHERIFF), agency(mou_from=NOW)) == [("sheriff", "silenced")]


def test_what_was_captured_long_ago_is_no_alert_any_more() -> None:
    late = hit(seen={"captured_at": NOW - timedelta(hours=13)})
    assert told(late, rules('\n[[routes]]\nto = ["dispatch"]\n')) == [("dispatch", "stale")]


def test_finds_of_a_look_back_are_sent_only_where_a_route_asks_for_them() -> None:
    old = hit(historical=True, seen={"captured_at": NOW - timedelta(days=20)})
    assert told(old, rules('\n[[routes]]\nto = ["dispatch"]\n')) == []
    wanted = rules('\n[[routes]]\nto = ["dispatch"]\nhistorical = true\n')
    (found,) = route(old, wanted, known(), NOW)
    assert isinstance(found, Notice)
    assert "HISTORICAL" in found.text


SECRET = ("AST3087", "26-001234", "P/C for arrest", "928-555-0114")


def message(shows: str, **told: Any) -> Notice:
    receiver = Receiver(name="dispatch", apprise="json://localhost", shows=shows)  # type: ignore[arg-type]
    by = NotifyRules(link="https://alpr.example/hits/{hit_id}", time_zone="America/Phoenix")
    return notice(hit(**told), receiver, by, "White Mountain Drive", NOW)


def test_by_default_only_a_link_leaves_the_network() -> None:
    assert NotifyRules().shows == "link"
    sent = message("link")
    whole = sent.text + sent.subject + sent.body.decode()
    assert not [word for word in SECRET if word in whole]
    assert sent.pictures == {}
    assert "https://alpr.example/hits/00000000-0000-0000-0000-000000000001" in sent.text
    assert NOTICE in sent.text


def test_a_message_carries_all_that_is_to_be_known_before_acting() -> None:
    sent = message(
        "picture",
        match="look_alike",
        differences=(Difference(3, "3", "8"),),
        listed={"plate": "AST8087"},
    )
    for wanted in (
        *("AST3087 AZ", "AST8087 AZ", "Look-alike", "character 4 read 3, listed 8", "the state is the same"),
        *SECRET[1:],
        *("White Mountain Drive", "2026-11-24 08:04:05 MST", "34.50590, -109.36100", NOTICE),
    ):
        assert wanted in sent.text, wanted
    assert sent.pictures == {"plate": FOUND.detection.crop, "vehicle": FOUND.detection.picture}
    assert "AST" not in sent.subject, "subjects are seen on locked screens"
    body = msgspec.json.decode(sent.body)
    assert (body["plate"], body["instructions"]) == ("AST3087", FOUND.entry.instructions)


def test_a_program_of_dispatch_gets_the_link_and_the_vehicle_in_codes_of_ncic() -> None:
    body = msgspec.json.decode(message("plate").body)
    assert body["link"].endswith(body["hit_id"])
    assert body["listed_vehicle_codes"] == {"color": "WHI", "make": "FORD", "style": "PK"}
    assert "listed_vehicle_codes" not in msgspec.json.decode(message("link").body)


def test_a_message_says_that_camera_and_reader_differ() -> None:
    camera = CameraRead(format="axis", plate="A8T3087")
    sent = message("text", seen={"opinion": "disagree", "camera_read": camera})
    assert "THE READS DIFFER: the camera read A8T3087, the reader AST3087" in sent.text
    assert "DIFFER" not in message("text", seen={"opinion": "agree", "camera_read": camera}).text
    assert "A8T3087" not in message("link", seen={"opinion": "disagree", "camera_read": camera}).body.decode()


def test_a_listed_o_that_was_read_as_0_is_to_be_compared() -> None:
    entry = msgspec.structs.replace(FOUND.entry, plate="ASTO87", state=None)
    found = match_entry(msgspec.structs.replace(FOUND.detection, plate="AST087", state="AZ"), entry)
    assert found is not None
    text = message(
        "plate",
        seen={"plate": "AST087"},
        listed={"plate": "ASTO87", "state": None},
        **{name: getattr(found, name) for name in ("match", "differences", "state_check", "likelihood")},
    ).text
    assert "Differs: character 4 read 0, listed O" in text
    assert "Read as listed, except for O and 0: compare them; the entry lists no state" in text


@pytest.mark.parametrize(
    ("read", "listed", "words"),
    [
        ("AZ", "AZ", "the state is the same"),
        (None, "AZ", "the state was not read"),
        ("AZ", None, "the entry lists no state"),
        (None, None, "the entry lists no state, and none was read"),
        ("NM", "AZ", "ANOTHER STATE"),
    ],
)
def test_a_message_says_which_side_lacks_the_state(read: str | None, listed: str | None, words: str) -> None:
    sent = message("plate", seen={"state": read}, listed={"state": listed})
    assert f"; {words}\n" in sent.text


@pytest.mark.parametrize(
    ("told", "figure"),
    [
        ({"match": "exact", "likelihood": 1.0}, "this is the listed plate: 97 %"),
        ({"match": "look_alike", "likelihood": 0.002}, "this is the listed plate: less than 1 %"),
        ({"match": "alternative", "likelihood": 0.12}, "this is the listed plate: 12 %"),
        ({"match": "partial", "likelihood": None}, "the characters as read: 97 %"),
    ],
)
def test_a_message_has_one_figure_of_confidence(told: dict[str, Any], figure: str) -> None:
    text = message("plate", seen={"confidence": 0.97}, **told).text
    assert figure in text
    assert text.count("%") == 1


DISPROOF = Disproof("misread", "rvale", NOW - timedelta(minutes=2), UUID(int=9))
TO_DISPATCH = '\n[[routes]]\nto = ["dispatch"]\n'


@pytest.mark.parametrize(
    ("seen", "listed"),
    [
        ({"plate": "AST3O87"}, {"plate": "AST3087"}),
        ({"plate": "AST3D87"}, {"plate": "AST3087"}),
        ({"plate": "AST3087", "state": None}, {"plate": "AST3087", "state": "AZ"}),
        ({"plate": "AST3087", "state": "NM"}, {"plate": "AST3087", "state": "AZ"}),
    ],
)
def test_a_pair_that_was_found_wrong_is_sent_to_nobody_and_that_is_recorded(
    seen: dict[str, Any], listed: dict[str, Any]
) -> None:
    again = hit(seen=seen, listed=listed)
    (one,) = route(again, rules(TO_DISPATCH), known(), NOW, DISPROOF)
    assert isinstance(one, Delivery)
    assert (one.receiver, one.outcome, one.reason) == ("", "disproved", "misread")


@pytest.mark.parametrize("state", ["AZ", None])
def test_where_plate_and_state_match_exactly_it_alerts_and_says_what_was_found_before(
    state: str | None,
) -> None:
    true = hit(seen={"plate": "AST3087", "state": "AZ"}, listed={"plate": "AST3087", "state": state})
    (sent,) = route(true, rules(TO_DISPATCH, 'shows = "plate"\n'), known(), NOW, DISPROOF)
    assert isinstance(sent, Notice)
    assert sent.text.splitlines()[1] == (
        "FOUND WRONG BEFORE, 2026-11-24 15:02 by rvale: the vehicle had another plate. "
        "Plate and state match exactly."
    )
    assert msgspec.json.decode(sent.body)["disproved"]["hit_id"] == str(UUID(int=9))
    (link,) = route(true, rules(TO_DISPATCH), known(), NOW, DISPROOF)
    assert isinstance(link, Notice)
    assert "rvale" not in link.text + link.body.decode()


def test_a_disproof_is_of_the_pair_and_asked_for_again_after_a_restart() -> None:
    seen = {"plate": "AST3D87"}
    pair = pair_of("AST3D87", FOUND.entry.entry_id, FOUND.entry.plate)
    asked: list[datetime] = []

    def disproofs(now: datetime) -> dict[str, Disproof]:
        asked.append(now)
        return {pair: DISPROOF}

    first = Router(None, rules(TO_DISPATCH), lambda: NOW, disproofs)
    assert list(first.on_batch([hit(1, seen=seen)])[0]) == []
    again = Router(first.snapshot(), rules(TO_DISPATCH), lambda: NOW, disproofs)
    others = [
        hit(2, seen={"plate": "AST3Q87"}),
        hit(3, seen=seen, listed={"entry_id": "sjpd:2"}),
        hit(9, seen=seen),
    ]
    marks = [EndOfSnapshot(name, 0, 1) for name in ("registry", "presence")]
    found = again.on_batch([*marks, *others])[0]
    assert outcomes(list(found)) == [("", "disproved"), *[("dispatch", "told")] * 3]
    assert asked == [NOW] * 4


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("receivers = 1", "receivers"),
        ("shows = 'all'", "shows"),
        ("link = 'https://x'", "{hit_id}"),
        ("oldest = 'ever'", "oldest"),
        ("nobody = ['x']", "no receiver"),
        ("[[routes]]\nto = ['x']", "route 1"),
        ("[[receivers]]\nname = 'a'", "one of `webhook`"),
        ("[[receivers]]\nname = 'a'\nwebhook = 'https://x'", "secret_file"),
        ("[[receivers]]\nname = 'a'\nwebhook = 'http://x.example'\nsecret_file = 'f'", "unencrypted"),
        ("[[receivers]]\nname = 'a'\nmail = 'x@y'", "[mail]"),
        ("[[receivers]]\nname = 'a'\napprise = 'mailto://u:p@x'", "Message-ID"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://x.example/alpr/hits'", "`purpose` is needed"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtt://x.example/alpr'\npurpose = 'p'", "mqtts:// is needed"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://u:p@x.example/a'\npurpose = 'p'", "holds a user"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://x.example/a/#'\npurpose = 'p'", "topic"),
        ("[[receivers]]\nname = 'a'\nmqtt = 'mqtts://x.example:99999/a'\npurpose = 'p'", "no URL"),
        ("[[receivers]]\nname = 'on_shift'\napprise = 'json://x'", "stands for"),
        ("[mail]\nserver = 'mx.example:25'\nsender = 'a'\ndomain = 'b'\nsecurity = 'none'", "unencrypted"),
        ("what = 1", "what"),
        ("= 1", "TOML"),
    ],
)
def test_rules_that_are_wrong_are_refused_with_the_place_named(text: str, because: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_rules(text)
    assert because in str(refused.value)


def test_every_channel_has_its_field_and_its_sender() -> None:
    assert set(SENDERS) == set(CHANNELS) <= set(Receiver.__struct_fields__)


def test_hits_wait_until_the_registry_is_read_over_a_restart_too() -> None:
    by = rules(ON_SHIFT)
    first = Router(None, by, lambda: NOW)
    assert list(first.on_batch([hit()])[0]) == []
    again = Router(first.snapshot(), by, lambda: NOW)
    marks = [EndOfSnapshot(name, 0, 1) for name in ("registry", "presence")]
    assert list(again.on_batch([OWN, officer(), shift("rvale"), marks[0]])[0]) == []
    found = again.on_batch([marks[1]])[0]
    assert outcomes(list(found)) == [("dispatch", "told"), ("vale", "told")]


FALLBACK = """
nobody = ["dispatch"]
[[receivers]]
name = "vale-sms"
apprise = "json://localhost"
officer = "rvale"
fallback = true
[[receivers]]
name = "dispatch"
apprise = "json://localhost"
[[routes]]
to = ["on_shift"]
"""


def present(seconds: float = 45, who: str = "rvale") -> Presence:
    at = NOW - timedelta(seconds=5)
    return Presence(user=who, at=at, since=at, until=NOW + timedelta(seconds=seconds))


def test_an_officer_on_shift_who_is_not_connected_is_reached_by_the_next_channel() -> None:
    by = parse_rules(FALLBACK)
    there = known(OWN, officer(), shift("rvale"))
    assert outcomes(list(route(hit(), by, there, NOW))) == [("vale-sms", "told")]
    for device, outcome in ((present(), "connected"), (present(-1), "told"), (present(who="other"), "told")):
        router = Router(None, by, lambda: NOW)
        marks = [EndOfSnapshot(name, 0, 1) for name in ("registry", "presence")]
        found = router.on_batch([OWN, officer(), shift("rvale"), device, *marks, hit()])[0]
        assert outcomes(list(found)) == [("vale-sms", outcome)]
    # Nobody on shift: the device does not count.
    off = known(OWN, officer())
    off.devices["rvale"] = present()
    assert outcomes(list(route(hit(), by, off, NOW))) == [("dispatch", "told"), ("", "nobody")]


def test_a_fallback_is_an_officers() -> None:
    with pytest.raises(RefusedError, match="name the `officer`"):
        rules("", '[[receivers]]\nname = "x"\napprise = "json://localhost"\nfallback = true\n')


class Desk:
    """A post that does what the test says."""

    def __init__(self) -> None:
        self.submitted: list[Notice] = []
        self.done: list[Delivery] = []

    def submit(self, notice: Notice) -> None:
        self.submitted.append(notice)

    def finished(self, box: str) -> list[Delivery]:
        found, self.done = self.done, []
        return found

    def knows(self, receiver: str) -> bool:
        return receiver == "dispatch"

    def drain(self, receiver: str) -> None:
        """Nothing waits."""


def came_of(sent: Notice, outcome: str = "delivered") -> Delivery:
    return Delivery(
        delivery_id=sent.delivery_id,
        hit_id=sent.hit_id,
        receiver=sent.receiver,
        priority=sent.priority,
        outcome=outcome,  # type: ignore[arg-type]
        at=NOW,
        captured_at=NOW,
        attempts=1,
    )


def test_nothing_is_sent_before_the_ledger_was_read_nor_what_is_in_it() -> None:
    desk, one, two = Desk(), message("link"), message("link", number=2)
    box = Outbox(None, desk, lambda: NOW)
    box.on_batch([one, two, came_of(one)])
    assert desk.submitted == []
    box.on_batch([EndOfSnapshot("deliveries", 0, 1)])
    assert desk.submitted == [two]


def test_a_notice_that_comes_again_is_not_sent_again() -> None:
    desk, one = Desk(), message("link")
    box = Outbox(None, desk, lambda: NOW)
    box.on_batch([EndOfSnapshot("deliveries", 0, 1), one, one])
    desk.done = [came_of(one)]
    assert list(box.on_notify()[0]) == [came_of(one)]
    box.on_batch([one])
    assert desk.submitted == [one]
    assert box.snapshot() == Outbox(None, desk, lambda: NOW).snapshot(), "nothing of it is kept"


def test_what_waits_survives_a_restart_unless_the_ledger_has_it() -> None:
    desk, one, two = Desk(), message("link"), message("link", number=2)
    box = Outbox(None, Desk(), lambda: NOW)
    box.on_batch([EndOfSnapshot("deliveries", 0, 1), one, two])
    again = Outbox(box.snapshot(), desk, lambda: NOW)
    again.on_batch([came_of(two), EndOfSnapshot("deliveries", 0, 1)])
    assert desk.submitted == [one]


def test_what_waits_for_a_receiver_that_is_gone_from_the_rules_does_not_stay_in_the_store() -> None:
    one = msgspec.structs.replace(message("link"), receiver="gone")
    desk = Desk()
    box = Outbox(msgspec.msgpack.encode([one]), desk, lambda: NOW)
    assert box.notify_at() is not None
    box.on_notify()
    assert desk.submitted == [one], "the post gives it up"


def test_what_is_given_up_is_on_record_and_a_dead_letter() -> None:
    desk, one = Desk(), message("link")
    box = Outbox(None, desk, lambda: NOW)
    box.on_batch([EndOfSnapshot("deliveries", 0, 1), one])
    desk.done = [came_of(one, "failed")]
    delivery, letter = box.on_notify()[0]
    assert delivery == came_of(one, "failed")
    assert isinstance(letter, DeadLetter)
    assert (letter.topic, letter.value, letter.reason) == ("notify/dispatch", one.body, "undelivered")


@given(
    st.lists(st.tuples(st.sampled_from(["notice", "crash", "done", "load"]), st.integers(0, 3)), max_size=30)
)
def test_every_notice_is_sent_until_it_is_done_and_never_after(course: list[tuple[str, int]]) -> None:
    notices = [message("link", number=number + 1) for number in range(4)]
    ledger: list[Delivery] = []
    desk, asked = Desk(), set[UUID]()
    box = Outbox(None, desk, lambda: NOW)
    sent: list[UUID] = []
    for what, number in [*course, ("crash", 0), ("load", 0)]:
        if what == "notice":
            asked.add(notices[number].delivery_id)
            box.on_batch([notices[number]])
        elif what == "load":
            box.on_batch([*ledger, EndOfSnapshot("deliveries", 0, 1)])
        elif what == "crash":
            desk = Desk()
            box = Outbox(box.snapshot(), desk, lambda: NOW)
        elif desk.submitted:
            done = came_of(desk.submitted.pop(0))
            assert done.delivery_id not in sent, "sent again after it was delivered"
            sent.append(done.delivery_id)
            ledger.append(done)
            desk.done.append(done)
            box.on_notify()
    waiting = {one.delivery_id for one in desk.submitted}
    assert waiting | set(sent) == asked
    assert not waiting & set(sent)
