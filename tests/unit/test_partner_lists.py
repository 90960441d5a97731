"""What is kept of lists between agencies, and what may come in of an entry or a hit."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.operators.notify.route import NotifyRegistry, route
from platestream.operators.notify.rules import NotifyRules, Receiver, Route
from platestream.partners.config import PartnersConfig
from platestream.partners.list_store import ListFile, OutgoingOffer
from platestream.partners.received_offers import as_listed
from platestream.partners.remote_hits import receive_hit, report_hit
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import printable
from platestream.schemas.partner_lists import (
    MOST_OFFERS,
    CurrentOffers,
    Offer,
    OfferedEntry,
    RemoteHit,
    offered_fields,
)
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.flows import LISTED, detection
from tests.support.partners import DAY, agency, asker

COUNTY = agency("county")
ENTRY = msgspec.structs.replace(LISTED, expires_at=NOW + DAY, listed_at=NOW - DAY, vehicle=LISTED.vehicle)


def test_what_fails_half_way_leaves_the_file_as_it_was_and_numbers_only_grow(tmp_path: Path) -> None:
    file = ListFile(tmp_path / "accounts")
    with file.reading() as kept:
        assert (kept.offered.all(), file.version) == ([], 0)
    with file.snapshot() as kept:
        assert (kept.offered.all(), file.path.exists()) == ([], False)
    one = OutgoingOffer(agency="county", offer_id=uuid4(), entry=ENTRY, by=asker(), offered_at=NOW)

    def broken() -> None:
        with file.writing() as kept:
            kept.offered.put(one)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with file.writing() as kept:
        assert kept.offered.all() == []
        kept.offered.put(one)
        numbers = [kept.next_number("county", NOW - at * DAY) for at in range(3)]
    assert numbers == sorted(set(numbers)), "also by a clock that is set back"
    with file.writing() as kept:
        assert kept.offered.get("county", one.offer_id) == one
        assert kept.offered.get("city", one.offer_id) is None
        result = [kept.is_newer("county", number, NOW) for number in (5, 5, 4, 6)]
        assert result == [True, False, False, True]
    with file.writing() as kept:
        kept.offered.delete(one)
        with file.snapshot() as copy:
            assert copy.offered.all() == [one], "what is not done yet is not in it, and it does not wait"
    with file.snapshot() as copy:
        assert copy.offered.all() == []
    assert file.path.stat().st_mode & 0o077 == 0
    file.path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    with pytest.raises(OSError, match="partner-lists"), file.writing():
        pass


def test_all_that_may_stand_fits_one_request() -> None:
    result = CurrentOffers(agency="a" * 40, number=1 << 62, offers=tuple(uuid4() for _ in range(MOST_OFFERS)))
    assert len(msgspec.json.encode(result)) < 20_000


def of_county(**changes: Any) -> HotListEntry:
    entry = msgspec.structs.replace(offered_fields(ENTRY), **changes)
    return as_listed(COUNTY, Offer(asker=asker(), number=1, offer_id=UUID(int=1), entry=entry))


TEXT = st.text(max_size=300)


@given(TEXT, TEXT, st.dictionaries(st.text(max_size=80), TEXT))
def test_an_offered_entry_is_one_line_of_what_can_be_printed_or_is_refused(
    reason: str, other: str, marks: dict[str, str]
) -> None:
    vehicle = msgspec.structs.replace(ENTRY.vehicle, other=marks)
    if not printable(reason):
        with pytest.raises(RefusedError, match="reason: nothing is said"):
            of_county(reason=reason)
        return
    made = of_county(reason=reason, other=other, vehicle=vehicle)
    for text in (made.reason, made.other, *made.vehicle.other, *made.vehicle.other.values()):
        assert text.isprintable()
        assert text == text.strip()
    assert made.other.startswith("Entry of County, which answers for it: ask ")


@given(
    st.binary(max_size=400)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    ).map(lambda value: json.dumps(value).encode())
)
def test_a_body_is_read_whole_or_refused_and_nothing_else(body: bytes) -> None:
    for kind in (Offer, CurrentOffers, RemoteHit, OfferedEntry):
        try:
            msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def test_only_what_an_entry_says_and_not_what_is_ours_alone_is_offered() -> None:
    entry = msgspec.structs.replace(ENTRY, silenced_for=("city",), cameras=("main-n",), again_after_s=5)
    result = msgspec.to_builtins(offered_fields(entry))
    assert not {"silenced_for", "cameras", "again_after_s", "entry_id", "source", "listed_at"} & set(result)
    bare = msgspec.structs.replace(entry, source="bolo", case_number="")
    with pytest.raises(msgspec.ValidationError):
        offered_fields(bare)


def hit(plate: str = ENTRY.plate, second: float = -2) -> AlertHit:
    made = AlertHit.from_json(_EXAMPLE)
    return msgspec.structs.replace(made, detection=detection(plate, second), entry=ENTRY, historical=False)


def test_a_hit_that_is_told_is_judged_again_by_whoever_listed_the_vehicle() -> None:
    result = report_hit(hit(), "county", UUID(int=1))
    found = receive_hit(result, "county", ENTRY, NOW)
    assert (found.agency, found.detection.camera_id, found.match) == ("county", "county/cam", "exact")
    assert found.hit_id == receive_hit(result, "county", ENTRY, NOW).hit_id
    assert found.hit_id != receive_hit(result, "city", ENTRY, NOW).hit_id, (
        "nobody writes over another one's hit"
    )
    for wrong in (hit("ZZ99999"), hit(second=-3601), hit(second=301)):
        with pytest.raises(RefusedError):
            receive_hit(report_hit(wrong, "county", UUID(int=1)), "county", ENTRY, NOW)
    with pytest.raises(RefusedError, match="before the entry was listed"):
        receive_hit(result, "county", msgspec.structs.replace(ENTRY, listed_at=NOW), NOW)


def test_what_one_agency_told_us_is_not_told_to_a_third() -> None:
    receivers = (
        Receiver(name="dispatch", apprise="json://localhost"),
        Receiver(name="apache", apprise="json://localhost", agency="apache"),
    )
    rules = NotifyRules(receivers=receivers, routes=(Route(to=("dispatch", "apache")),))
    known = NotifyRegistry()
    known.put(agency("apache"))
    known.put(RegistryRecord(kind="agency", id="sjpd", name="SJPD", own=True))
    own, theirs = hit(), msgspec.structs.replace(hit(), agency="county")

    def outcomes(one: AlertHit) -> list[str]:
        return [getattr(each, "outcome", "told") for each in route(one, rules, known, NOW)]

    assert outcomes(own) == ["told", "told"]
    assert outcomes(theirs) == ["told", "not_shared"]


def test_how_offers_are_taken_is_said_by_partner() -> None:
    fields = {
        "take": "never",
        "lease_minutes": 30,
        "partners": {"county": {"take": "always", "categories": ["stolen_vehicle"]}},
    }
    lists = msgspec.convert({"lists": fields}, PartnersConfig).lists
    assert (lists.of("county").take, lists.of("city").take, lists.lease) == (
        *("always", "never"),
        timedelta(minutes=30),
    )
    with pytest.raises(msgspec.ValidationError, match="take"):
        msgspec.convert({"lists": {"take": "sometimes"}}, PartnersConfig)


_EXAMPLE = bytes(example("alert_hit").accepted)
