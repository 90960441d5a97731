"""Checks that other states' laws require beyond the order."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from math import cos, hypot, radians
from typing import Any

from platestream.access import gate_rules
from platestream.operators.people import PeopleRules, declaration_objection
from platestream.operators.sensitive_places import places_around
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, gap_unless
from platestream.policy.checks.hits import none_acted
from platestream.schemas.acts import ACTS, BROWSING
from platestream.schemas.gate_rules import of_profile
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

SEARCHES = tuple(act.name for act in ACTS if act.searches)
FAR_KM = 500.0  # an agency's places are near its cameras; swapped coordinates are far away
DAY = timedelta(days=1)

_RULED = "SELECT min(set_at), count() FROM platestream.gate_rules WHERE profile = {profile:String}"
_SEARCHED = """
SELECT count(), countIf(case_number = ''), countIf(purpose IN {asked:Array(String)} AND violation = '')
FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND outcome = 'allowed' AND NOT automatic
  AND kind IN {kinds:Array(String)}
"""
_FOREIGN = """
SELECT agency, count(), countIf(declaration = '') FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND outcome = 'allowed' AND kind IN {kinds:Array(String)}
  AND agency IN {agencies:Array(String)} GROUP BY agency ORDER BY agency
"""
_SEEN_AT = """
SELECT camera_id, round(latitude, 6) AS north, round(longitude, 6) AS east FROM platestream.detections
WHERE NOT (latitude = 0 AND longitude = 0) GROUP BY camera_id, north, east ORDER BY camera_id, north, east
"""
_REFUSED_AT = """
SELECT DISTINCT camera_id, detail FROM platestream.deployment_findings FINAL
WHERE rule = 'sensitive_place' AND at > {since:DateTime64(3, 'UTC')} ORDER BY camera_id, detail
"""
_LOG_TTL = """
SELECT name, create_table_query FROM system.tables
WHERE database = 'platestream' AND name IN ('inquiry_log', 'inquiry_seals')
"""
_ACTED = """
SELECT count(), countIf(source = ''), countIf(result = ''), countIf(stop) FROM (
    SELECT hit_id, max(result) AS result, max(stopped) AS stop FROM platestream.hit_actions FINAL
    WHERE at > {since:DateTime64(3, 'UTC')} GROUP BY hit_id
    HAVING countIf(kind = 'action_taken') > 0) AS acted
LEFT JOIN (SELECT hit_id, source FROM platestream.hit_facts FINAL) AS fact ON acted.hit_id = fact.hit_id
"""
_YEARS = re.compile(r" TTL .*toIntervalYear\((\d+)\)")


def span_of_law(most: timedelta) -> Callable[[CheckData], Answer]:
    """Return a check that the retention period, by the profile and by the rules in force, is within the law's
    maximum.
    """

    def check(live: CheckData) -> Answer:
        retained, ruled = live.period, gate_rules.in_force(live.client).retention
        limit = f"{most / DAY:g} days"
        return Answer.of(
            f"{retained / DAY:g} days by the profile, {ruled / DAY:g} in force; the law allows {limit}",
            f"the profile keeps data {retained / DAY:g} days, the law allows {limit}"
            if retained > most
            else "",
            f"the rules in force keep data {ruled / DAY:g} days, the law allows {limit}"
            if ruled > most
            else "",
        )

    return check


def retention_too_short(asked: str) -> Callable[[CheckData], Answer]:
    """Return a check for a law that requires longer retention than this software supports."""

    def check(live: CheckData) -> Answer:
        why = f"{asked} is reported to be asked for; this software keeps data 150 days at most"
        needs = "counsel's word on whether the agency may keep less"
        return Answer.of(f"{live.period / DAY:g} days by the profile", Unchecked(why, needs))

    return check


def trail(least: int, most: int | None = None) -> Callable[[CheckData], Answer]:
    """Return a check that the log and its seals are retained `least` years, and purged after `most`."""

    def check(live: CheckData) -> Answer:
        found = {name: _YEARS.search(made) for name, made in live.rows(_LOG_TTL)}
        years = {name: int(match[1]) for name, match in found.items() if match}
        short = [name for name, retained in years.items() if retained < least]
        gaps = gap_unless(
            len(found) == 2,
            "the tables of the log are not seen by this account",
            "platestream policy check by an account with the auditor's role",
        )
        if most is not None:
            gaps += [
                Unchecked(
                    f"a purge after {most} years is reported to be asked for; the log is kept longer",
                    "counsel's word on what is to be purged",
                )
            ]
        text = ", ".join(f"{name} {years.get(name, 'for ever')}" for name in sorted(found))
        return Answer.of(f"years kept: {text}", fault_of("kept shorter", short), gaps)

    return check


def searched(live: CheckData) -> Answer:
    """Check that searches have the case number and the violation that the profile requires."""
    rules = live.profile
    asked: dict[str, Any] = {"asked": rules.purposes.violation_for, "kinds": list(SEARCHES)}
    ((count, caseless, bare),) = live.rows(_SEARCHED, since=_since(live), **asked)
    return Answer.of(
        f"{count} searches since this profile is in force",
        f"{caseless} without a case number" if caseless and rules.inquiries.case_required else "",
        f"{bare} without the violation that the purpose asks for" if bare else "",
        live.flow_breaches("violation"),
        gap_unless(
            count,
            "nobody has searched since this profile is in force",
            "once somebody searches (platestream search)",
        ),
        live.missing_findings,
    )


def declarations(live: CheckData) -> Answer:
    """Check that other agencies search under a declaration in force, and that each of their inquiries has
    it.
    """
    rules = PeopleRules.of(of_profile(live.profile_name, live.profile))
    users = {one.agency for one in live.registered("user") if one.active}
    others = [one for one in live.registered("agency") if one.active and not one.own and one.id in users]
    asked = [one for one in others if not (rules.declaration_outside and one.state == rules.own_state)]
    wrong = [(one.id, fault) for one in asked if (fault := declaration_objection(one, live.now, rules))]
    looked = live.rows(_FOREIGN, since=_since(live), kinds=list(BROWSING), agencies=[one.id for one in asked])
    bare = [f"{agency} ({count})" for agency, _all, count in looked if count]
    return Answer.of(
        f"{pluralize(len(asked), 'agency')} that must declare, "
        f"{sum(row[1] for row in looked)} looks of theirs",
        [f"{agency}: {fault.text}" for agency, fault in wrong],
        fault_of("looks without a declaration on record", bare),
        live.flow_breaches("agency"),
        gap_unless(
            asked,
            "no other agency has to declare here",
            "once such an agency has users here (platestream registry agency)",
        ),
        live.missing_findings,
    )


def places(live: CheckData) -> Answer:
    """Check that no camera is in a sensitive place, by its record or by the place of its pictures.

    Frames that were refused there are reported but are no fault: nothing was read, and a moving camera has
    passed by.
    """
    rules = live.profile.places
    known = [one for one in live.registered("place") if one.active and one.place in rules.refused]
    cameras = [one for one in live.registered("camera") if one.active and one.latitude is not None]
    stand = [
        f"{one.id} in {found[0].id}"
        for one in cameras
        if (found := places_around(_north(one), _east(one), known, rules.refused, rules.margin_m))
    ]
    seen = live.rows(_SEEN_AT) if known else []
    took = [
        f"{camera} in {hit}"
        for camera, points in groupby(seen, key=lambda row: row[0])
        if (hit := _first(points, known, live))
    ]
    refused = [
        f"{camera} in {place}" for camera, place in live.rows(_REFUSED_AT, since=live.now - live.period)
    ]
    lost = [one.id for one in known if cameras and min(_km(one, camera) for camera in cameras) > FAR_KM]
    return Answer.of(
        f"{pluralize(len(known), 'place')}, {pluralize(len(cameras), 'camera')}"
        + (fault_of("; frames from inside were refused unread", refused)),
        fault_of("cameras registered inside", stand),
        fault_of("pictures were taken inside", took),
        fault_of("far from every camera, as if north and east were swapped", lost),
        gap_unless(
            known,
            "no sensitive place is registered, so it is not known where they are",
            "platestream registry place",
        ),
        gap_unless(cameras or seen, "no camera is registered", "platestream registry camera"),
    )


def refreshed(live: CheckData) -> Answer:
    """Check that imported lists were imported within the last 24 hours."""
    lists = [one for one in live.registered("hotlist_source") if one.active and one.refreshed_at]
    old = [one.id for one in lists if one.refreshed_at and live.now - one.refreshed_at > DAY]
    return Answer.of(
        f"{pluralize(len(lists), 'list')} imported",
        fault_of("last imported over 24 hours ago", sorted(old)),
        gap_unless(lists, "no hot list was imported yet", "platestream hotlist import"),
    )


def outcomes(live: CheckData) -> Answer:
    """Check that hits that were acted on have the list of their notice, and count those without an
    outcome.
    """
    ((count, unknown, open_, stops),) = live.rows(_ACTED, since=live.year)
    return Answer.of(
        f"{pluralize(count, 'hit')} acted on in a year, {pluralize(stops, 'stop')}, {open_} without a result",
        f"{unknown} of which the reason of the notice is not on record" if unknown else "",
        none_acted(count),
    )


def _since(live: CheckData) -> datetime:
    """Return the time a year ago, but not before this profile was in force: earlier rules were different."""
    ((ruled, changes),) = live.rows(_RULED, profile=live.profile_name)
    since: datetime = max(live.year, ruled) if changes else live.year
    return since


def _first(points: Any, known: list[RegistryRecord], live: CheckData) -> str:
    rules = live.profile.places
    for _camera, north, east in points:
        if found := places_around(north, east, known, rules.refused, rules.margin_m):
            return found[0].id
    return ""


def _north(one: RegistryRecord) -> float:
    return one.outline[0][0] if one.outline else one.latitude or 0.0


def _east(one: RegistryRecord) -> float:
    return one.outline[0][1] if one.outline else one.longitude or 0.0


def _km(one: RegistryRecord, other: RegistryRecord) -> float:
    """Return the approximate distance in kilometers."""
    turn = (_east(one) - _east(other) + 180) % 360 - 180
    return 111.2 * hypot(_north(one) - _north(other), turn * cos(radians(_north(other))))
