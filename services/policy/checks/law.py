"""What the laws of other states ask beyond the order: checks that the table of a law names."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from math import cos, hypot, radians
from typing import Any

from operators.people import PeopleRules, declared
from operators.sensitive_places import around
from schemas.acts import ACTS, BROWSING
from schemas.counted import counted
from schemas.gate_rules import of_profile
from schemas.registry import RegistryRecord
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless
from services.rules import gate_rules

SEARCHES = tuple(act.name for act in ACTS if act.searches)
FAR_KM = 500.0  # an agency's places are near its cameras; north and east swapped are far away
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


def span_of_law(most: timedelta) -> Callable[[Live], Answer]:
    """Data is kept no longer than the law allows: by the profile, and by the rules in force."""

    def check(live: Live) -> Answer:
        kept, ruled = live.period, gate_rules.in_force(live.client).retention
        limit = f"{most / DAY:g} days"
        return answer(
            f"{kept / DAY:g} days by the profile, {ruled / DAY:g} in force; the law allows {limit}",
            f"the profile keeps data {kept / DAY:g} days, the law allows {limit}" if kept > most else "",
            f"the rules in force keep data {ruled / DAY:g} days, the law allows {limit}"
            if ruled > most
            else "",
        )

    return check


def kept_less(asked: str) -> Callable[[Live], Answer]:
    """A law that asks for data to be kept longer than this software keeps anything."""

    def check(live: Live) -> Answer:
        why = f"{asked} is reported to be asked for; this software keeps data 150 days at most"
        needs = "counsel's word on whether the agency may keep less"
        return answer(f"{live.period / DAY:g} days by the profile", Gap(why, needs))

    return check


def trail(least: timedelta, most: timedelta | None = None) -> Callable[[Live], Answer]:
    """The inquiry log and its seals are kept for as long as the law asks; `most`: and then purged."""

    def check(live: Live) -> Answer:
        found = {name: _YEARS.search(made) for name, made in live.rows(_LOG_TTL)}
        years = {name: int(match[1]) for name, match in found.items() if match}
        short = [name for name, kept in years.items() if kept * 365 * DAY < least]
        gaps = unless(
            len(found) == 2,
            "the tables of the log are not seen by this account",
            "platestream policy check by an account with the auditor's role",
        )
        if most is not None:
            gaps += [
                Gap(
                    f"a purge after {most / DAY / 365:g} years is reported to be asked for; "
                    "the log is kept longer",
                    "counsel's word on what is to be purged",
                )
            ]
        said = ", ".join(f"{name} {years.get(name, 'for ever')}" for name in sorted(found))
        return answer(f"years kept: {said}", f"kept shorter: {named(short)}" if short else "", gaps)

    return check


def searched(live: Live) -> Answer:
    """Searches have the case number and the violation that the profile asks for."""
    rules = live.profile
    asked: dict[str, Any] = {"asked": rules.purposes.violation_for, "kinds": list(SEARCHES)}
    ((count, caseless, bare),) = live.rows(_SEARCHED, since=_since(live), **asked)
    return answer(
        f"{count} searches since this profile is in force",
        f"{caseless} without a case number" if caseless and rules.inquiries.case_required else "",
        f"{bare} without the violation that the purpose asks for" if bare else "",
        live.found("violation"),
        unless(
            count,
            "nobody has searched since this profile is in force",
            "once somebody searches (platestream search)",
        ),
        live.unfound,
    )


def declarations(live: Live) -> Answer:
    """Other agencies look by a declaration in force, and each of their inquiries has it with it."""
    rules = PeopleRules.of(of_profile(live.profile_name, live.profile))
    users = {one.agency for one in live.registered("user") if one.active}
    others = [one for one in live.registered("agency") if one.active and not one.own and one.id in users]
    asked = [one for one in others if not (rules.declaration_outside and one.state == rules.own_state)]
    wrong = [(one.id, said) for one in asked if (said := declared(one, live.now, rules))]
    looked = live.rows(_FOREIGN, since=_since(live), kinds=list(BROWSING), agencies=[one.id for one in asked])
    bare = [f"{agency} ({count})" for agency, _all, count in looked if count]
    return answer(
        f"{counted(len(asked), 'agency')} that must declare, {sum(row[1] for row in looked)} looks of theirs",
        [f"{agency}: {said.said}" for agency, said in wrong],
        f"looks without a declaration on record: {named(bare)}" if bare else "",
        live.found("agency"),
        unless(
            asked,
            "no other agency has to declare here",
            "once such an agency has users here (platestream registry agency)",
        ),
        live.unfound,
    )


def places(live: Live) -> Answer:
    """No camera stands in a sensitive place, by its record or by where its pictures were taken.

    Frames that were refused there are told of and are no fault: nothing was read, and a camera that moves has
    passed.
    """
    rules = live.profile.places
    known = [one for one in live.registered("place") if one.active and one.place in rules.refused]
    cameras = [one for one in live.registered("camera") if one.active and one.latitude is not None]
    stand = [
        f"{one.id} in {found[0].id}"
        for one in cameras
        if (found := around(_north(one), _east(one), known, rules.refused, rules.margin_m))
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
    return answer(
        f"{counted(len(known), 'place')}, {counted(len(cameras), 'camera')}"
        + (f"; frames from inside were refused unread: {named(refused)}" if refused else ""),
        f"cameras registered inside: {named(stand)}" if stand else "",
        f"pictures were taken inside: {named(took)}" if took else "",
        f"far from every camera, as if north and east were swapped: {named(lost)}" if lost else "",
        unless(
            known,
            "no sensitive place is registered, so it is not known where they are",
            "platestream registry place",
        ),
        unless(cameras or seen, "no camera is registered", "platestream registry camera"),
    )


def refreshed(live: Live) -> Answer:
    """Lists that were imported were imported within the last 24 hours."""
    lists = [one for one in live.registered("hotlist_source") if one.active and one.refreshed_at]
    old = [one.id for one in lists if one.refreshed_at and live.now - one.refreshed_at > DAY]
    return answer(
        f"{counted(len(lists), 'list')} imported",
        f"last imported over 24 hours ago: {named(sorted(old))}" if old else "",
        unless(lists, "no hot list was imported yet", "platestream hotlist import"),
    )


def outcomes(live: Live) -> Answer:
    """Of hits that were acted on it is known by which list the notice came, and what came of them."""
    ((count, unknown, open_, stops),) = live.rows(_ACTED, since=live.year)
    return answer(
        f"{counted(count, 'hit')} acted on in a year, {counted(stops, 'stop')}, {open_} without a result",
        f"{unknown} of which the reason of the notice is not on record" if unknown else "",
        unless(
            count, "no hit was acted on in a year", "once an officer acts on a hit (platestream hits dispose)"
        ),
    )


def _since(live: Live) -> datetime:
    """A year back, and never before this profile was in force: rules of before were other rules."""
    ((ruled, changes),) = live.rows(_RULED, profile=live.profile_name)
    since: datetime = max(live.year, ruled) if changes else live.year
    return since


def _first(points: Any, known: list[RegistryRecord], live: Live) -> str:
    rules = live.profile.places
    for _camera, north, east in points:
        if found := around(north, east, known, rules.refused, rules.margin_m):
            return found[0].id
    return ""


def _north(one: RegistryRecord) -> float:
    return one.outline[0][0] if one.outline else one.latitude or 0.0


def _east(one: RegistryRecord) -> float:
    return one.outline[0][1] if one.outline else one.longitude or 0.0


def _km(one: RegistryRecord, other: RegistryRecord) -> float:
    """Roughly."""
    turn = (_east(one) - _east(other) + 180) % 360 - 180
    return 111.2 * hypot(_north(one) - _north(other), turn * cos(radians(_north(other))))
