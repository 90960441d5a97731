"""Checks of cameras and their detections: sections C.6, D.1, D.5, E.1.f and G.6."""

from datetime import timedelta

from platestream.operators.boundary import within
from platestream.operators.inquiry_checks.reasons import is_contact
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.schemas.pluralize import pluralize

DAY, SETTLED = timedelta(days=1), timedelta(minutes=10)

_SEEN = "SELECT DISTINCT camera_id FROM platestream.detections ORDER BY camera_id"
_REGISTERED = """
SELECT id, active AND approved_at > toDateTime64(0, 3, 'UTC') AND approved_at <= {now:DateTime64(3, 'UTC')},
    approved_by
FROM platestream.registry FINAL WHERE kind = 'camera'
"""
_DETAILED = """
SELECT DISTINCT arrayJoin(cameras), approved_by FROM platestream.deployments WHERE kind = 'detail'
"""
_WITHOUT = """
SELECT rule, arraySort(groupUniqArray(if(detail = '' OR rule = 'sensitive_place', camera_id, detail)))
FROM platestream.deployment_findings FINAL WHERE at > {since:DateTime64(3, 'UTC')} GROUP BY rule ORDER BY rule
"""
_TAKEN = """
SELECT camera_id, round(latitude, 6) AS north, round(longitude, 6) AS east FROM platestream.detections
WHERE NOT (latitude = 0 AND longitude = 0) GROUP BY camera_id, north, east
"""
_COMPARED = """
SELECT (SELECT count() FROM platestream.registry WHERE kind IN ('camera', 'detail')),
    (SELECT count() FROM platestream.detections)
"""
_WHOLE = """
SELECT count(), countIf(latitude = 0 AND longitude = 0), countIf(detection_id NOT IN (
    SELECT detection_id FROM platestream.images
    WHERE captured_at > {since:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR))
FROM platestream.detections
WHERE captured_at > {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
"""
_DAYS = """
SELECT uniqExact(toDate(captured_at)), groupUniqArrayIf(toDate(captured_at),
    toDate(captured_at) NOT IN (SELECT day FROM platestream.utilization))
FROM platestream.detections WHERE captured_at < {before:DateTime64(3, 'UTC')}
"""


def approved(live: CheckData) -> Answer:
    """Check that cameras that deliver are registered and approved. The approver of the place, by a name or a
    number, and the date are on record. Cameras of an approved special detail are covered by that.
    """
    detailed = {name for name, by in live.rows(_DETAILED) if is_contact(by)}
    delivered = [name for (name,) in live.rows(_SEEN) if name not in detailed]
    registered = {name: good and is_contact(by) for name, good, by in live.rows(_REGISTERED, now=live.now)}
    unknown = [name for name in delivered if name not in registered]
    bare = [name for name in delivered if name in registered and not registered[name]]
    return Answer.of(
        f"{len(delivered)} cameras delivered, {len(registered)} are registered",
        fault_of("not registered", unknown),
        fault_of("ended, or without an approval on record", bare),
        _none_delivered(delivered),
    )


def bounded(live: CheckData) -> Answer:
    """Check that fixed cameras are within the agency's boundary. Records and frames are compared. A camera
    that moves may leave the boundary, so it is not compared.
    """
    boundary = live.profile.agency.boundary
    fixed = [one for one in live.registered("camera") if one.active and not one.moves]
    stand = {one.id: (one.latitude, one.longitude) for one in fixed if one.latitude and one.longitude}
    if not boundary:
        return Answer.of(
            "",
            gap_unless(
                False,
                "the rules name no boundary",
                "[agency] boundary in the profile: platestream registry rules --profile",
            ),
        )
    outside = [name for name, at in sorted(stand.items()) if not within(at, boundary)]
    taken = {
        name
        for name, north, east in live.rows(_TAKEN)
        if name in stand and not within((north, east), boundary)
    }
    return Answer.of(
        f"{pluralize(len(stand), 'fixed camera')} and a boundary of {len(boundary)} corners",
        fault_of("registered outside the agency's boundary", outside),
        fault_of("took pictures outside the agency's boundary", sorted(taken)),
        gap_unless(stand, "no fixed camera is registered", "platestream registry camera"),
    )


def deployed(live: CheckData) -> Answer:
    """Check that no camera and no special detail worked without approval. Findings of the retention period
    count, and frames are compared with the approvals only from the first camera or detail in the registry on.
    """
    ((approvals, detections),) = live.rows(_COMPARED)
    found = live.rows(_WITHOUT, since=live.now - live.period)
    told_of = [f"{rule.replace('_', ' ')}: {first_few(names)}" for rule, names in found]
    return Answer.of(
        f"{pluralize(len(found), 'rule')} broken in {live.profile.retention.data}",
        told_of,
        gap_unless(
            approvals,
            "no camera and no special detail is registered",
            "platestream registry camera, with who approved it",
        ),
        _none_delivered(detections or found),
    )


def pictures(live: CheckData) -> Answer:
    """Check that detections have their pictures and their place."""
    times = {"since": live.now - DAY, "until": live.now - SETTLED}
    ((count, placeless, bare),) = live.rows(_WHOLE, **times)
    return Answer.of(
        pluralize(count, "detection") + " of the last day",
        f"{placeless} without a place" if placeless else "",
        f"{bare} without a picture" if bare else "",
        gap_unless(
            count,
            "there was no detection in the last day",
            "once a camera delivers (platestream cameras run)",
        ),
    )


def results(live: CheckData) -> Answer:
    """Check that use of each day is counted and stored. Use is counted without a plate, before its detections
    are deleted.
    """
    ((days, missing),) = live.rows(_DAYS, before=live.now - 2 * DAY)
    return Answer.of(
        pluralize(days, "day"),
        fault_of("not counted", sorted(missing)),
        gap_unless(
            days,
            "no detection is older than two days",
            "once a day with detections is two days over (platestream retention run)",
        ),
    )


def _none_delivered(there: object) -> list[Unchecked]:
    needs = "once a registered camera delivers (platestream cameras run)"
    return gap_unless(there, "no camera has delivered while data is kept", needs)
