"""The board Alert hits: matches, notifications, and precision in the field."""

from platestream.boards.panel import Board, bars, figure, series, table

_INF = float("-inf")

HITS = Board(
    "platestream-hits",
    "Alert hits",
    "Matches with the hot list, notifications, and the findings of officers. A hit is a lead.",
    24 * 7,
    (
        figure(
            "Alert hits",
            "Fresh hits of the time shown; what was captured before its entry was listed is not counted.",
            "none for days: is the hot list loaded (Hot lists)? Far more than usual: Hits by category and match.",
            sql="""
SELECT uniqExact(hit_id) AS hits FROM platestream.hit_facts WHERE $__timeFilter_ms(captured_at) AND NOT historical
""",
        ),
        figure(
            "Not yet compared",
            "Fresh hits of the time shown that no officer has compared with the vehicle.",
            "many: platestream hits list shows them; who is on shift?",
            sql="""
SELECT countIf(status = 'unverified') AS waiting FROM platestream.hit_states
WHERE $__timeFilter_ms(captured_at) AND NOT historical AND source != ''
""",
            steps=((_INF, "green"), (5.0, "orange"), (50.0, "red")),
        ),
        figure(
            "Field precision",
            "Of the hits that an officer compared with the vehicle, the share that was right.",
            "under 90 %: Precision by match shows the cause; allow fewer look-alikes, clean the cameras.",
            sql="""
SELECT if(countIf(visual != '') = 0, NULL, countIf(visual = 'confirmed') / countIf(visual != '')) AS precision
FROM platestream.hit_states WHERE $__timeFilter_ms(captured_at) AND source != '' AND NOT historical
""",
            unit="percentunit",
            steps=((_INF, "red"), (0.7, "orange"), (0.9, "green")),
            empty="No hit was compared with its vehicle",
        ),
        figure(
            "Time to verify",
            "Median seconds from capture to the officer's comparison.",
            "long: see Time to notify; then check who is on shift.",
            sql="""
SELECT if(count() = 0, NULL, quantileExact(0.5)(dateDiff('second', captured_at, looked_at))) AS seconds
FROM platestream.hit_states
WHERE $__timeFilter_ms(captured_at) AND visual != '' AND source != '' AND NOT historical
""",
            unit="s",
            empty="No hit was compared with its vehicle",
        ),
        series(
            "Hits by category",
            "Hits by step of time and category of the entry.",
            "a jump of one category: a new list, or an entry that matches too much.",
            sql="""
SELECT $__timeInterval(captured_at) AS time, category, uniqExact(hit_id) AS hits
FROM platestream.hit_facts WHERE $__timeFilter_ms(captured_at) AND NOT historical
GROUP BY time, category ORDER BY time, category
""",
        ),
        bars(
            "Hits by match",
            "Ways of matching: exact, look-alike, another reading, partial plate, description.",
            "many look-alikes or partial ones: entries that are too open.",
            sql="""
SELECT match, uniqExact(hit_id) AS hits FROM platestream.hit_facts
WHERE $__timeFilter_ms(captured_at) AND NOT historical GROUP BY match ORDER BY hits DESC
""",
        ),
        bars(
            "Hits by source",
            "Hits by the hot list that the entry is of.",
            "none of a source that used to hit: see Hot lists, its age and size.",
            sql="""
SELECT source, uniqExact(hit_id) AS hits FROM platestream.hit_facts
WHERE $__timeFilter_ms(captured_at) AND NOT historical GROUP BY source ORDER BY hits DESC LIMIT 20
""",
        ),
        table(
            "Precision by match",
            "Hits compared with the vehicle and how many were right, with the 95 % interval by Wilson, by month.",
            "a low one: tighten that way of matching. A wide interval means that few were compared.",
            sql="""
SELECT month, match, sum(hits) AS hits, sum(verified) AS compared, sum(confirmed) AS right,
    if(compared = 0, NULL, round(right / compared, 3)) AS precision
FROM platestream.hit_precision WHERE month >= toStartOfMonth($__fromTime) GROUP BY month, match
ORDER BY month DESC, match LIMIT 50
""",
            empty="No hit yet",
        ),
        table(
            "Camera and reader",
            "Hits of cameras that read by themselves, compared with the vehicle: whose read was right, by month.",
            "the camera is wrong more often than the reader: aim, focus and firmware, or alerts.camera_reads.",
            sql="""
SELECT month, camera_id AS camera, sum(compared) AS compared, sum(reader_right) AS reader_right,
    sum(reader_wrong) AS reader_wrong, sum(camera_right) AS camera_right, sum(camera_wrong) AS camera_wrong
FROM platestream.camera_verdicts WHERE month >= toStartOfMonth($__fromTime) GROUP BY month, camera
ORDER BY month DESC, camera LIMIT 50
""",
            empty="No hit of such a camera was compared with its vehicle",
        ),
        bars(
            "Hits by status",
            "Hits of the time shown by status.",
            "many unverified or plate_confirmed: steps are left out (order, section G).",
            sql="""
SELECT status, count() AS hits FROM platestream.hit_states
WHERE $__timeFilter_ms(captured_at) AND source != '' AND NOT historical GROUP BY status ORDER BY hits DESC
""",
        ),
        figure(
            "Finds of look-backs",
            "Hits on reads of before their entry was listed, which no other panel here counts.",
            "many of one entry: it matches too much.",
            sql="""
SELECT uniqExact(hit_id) AS finds FROM platestream.hit_facts WHERE $__timeFilter_ms(captured_at) AND historical
""",
            width=12,
        ),
        bars(
            "Notifications",
            "Outcome for each hit and receiver.",
            "failed or nobody: see HitNotDelivered in the runbook.",
            sql="""
SELECT outcome, uniqExact(delivery_id) AS notifications FROM platestream.deliveries
WHERE $__timeFilter_ms(captured_at) GROUP BY outcome ORDER BY notifications DESC
""",
            empty="No notification was sent",
        ),
        series(
            "Time to notify",
            "Seconds from capture to delivery, half and 95 % of them.",
            "over 10 s: a receiver is slow, or detections came late (Operations).",
            sql="""
SELECT $__timeInterval(at) AS time, quantileExact(0.5)(delay) AS half, quantileExact(0.95)(delay) AS most
FROM
(
    SELECT at, dateDiff('millisecond', captured_at, at) / 1000 AS delay FROM platestream.deliveries
    WHERE $__timeFilter_ms(captured_at) AND outcome = 'delivered' ORDER BY ingested_at DESC LIMIT 1 BY delivery_id
)
GROUP BY time ORDER BY time
""",
            unit="s",
            empty="Nothing was delivered",
        ),
        table(
            "Misread characters",
            "Characters that the reader confused, as officers recorded them.",
            "one pair that leads: platestream report confusions.",
            sql="""
SELECT actual, read, sum(hits) AS times FROM platestream.hit_confusions
WHERE month >= toStartOfMonth($__fromTime) GROUP BY actual, read ORDER BY times DESC LIMIT 20
""",
            empty="No misread character was recorded",
        ),
        series(
            "Hits, live",
            "Hits an hour by match, historical ones too.",
            "nothing while detections come: is match up, and has it loaded the list?",
            promql="sum by (match) (increase(platestream_alert_hits_total[1h])) > 0",
            legend="match",
        ),
        series(
            "From capture to the hit",
            "Seconds until the hit is published, 95th percentile.",
            "over some seconds: Operations, Waiting messages.",
            promql="histogram_quantile(0.95, sum by (le) "
            "(rate(platestream_alert_delay_seconds_bucket[$__rate_interval])))",
            unit="s",
        ),
        series(
            "Notifications, live",
            "Notifications an hour by outcome.",
            "failed: see HitNotDelivered in the runbook.",
            promql="sum by (outcome) (increase(platestream_notifications_total[1h])) > 0",
            legend="outcome",
        ),
        series(
            "From capture to the receiver",
            "Seconds until the notification was taken by its receiver, 95th percentile.",
            "a slow receiver: see the guide to notifications.",
            promql="histogram_quantile(0.95, sum by (le) "
            "(rate(platestream_notification_delay_seconds_bucket[$__rate_interval])))",
            unit="s",
        ),
        series(
            "From the hit to the receiver",
            "Seconds from when the notify flow took a hit until its receiver had it, 95th percentile.",
            "a slow or unreachable receiver: see the guide to notifications.",
            promql="histogram_quantile(0.95, sum by (le) "
            "(rate(platestream_notification_sending_seconds_bucket[$__rate_interval])))",
            unit="s",
        ),
        figure(
            "Officers on shift",
            "Officers who are logged in for their shift.",
            "0: no officer is notified of hits; see Shifts in the guide to hits.",
            promql="max(platestream_open_shifts)",
            steps=((_INF, "red"), (1.0, "green")),
            width=12,
        ),
        series(
            "Field precision by source, 90 days",
            "Share of hits that were right of those that officers compared, by source.",
            "a low one: Precision of each list (Hot lists).",
            promql='max by (source) (platestream_hit_precision_ratio{bound="share"})',
            legend="source",
            unit="percentunit",
        ),
        series(
            "Recorded steps",
            "Steps of verification and disposition an hour, by kind.",
            "none while hits come: the steps are left out.",
            promql="sum by (kind) (increase(platestream_hit_actions_total[1h])) > 0",
            legend="kind",
        ),
    ),
)
