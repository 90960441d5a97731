"""The board Hot lists: age, size, changes and expiring entries of each list."""

from platestream.boards.panel import Board, bars, figure, series, table

_CHANGES = "'hotlist_add', 'hotlist_remove', 'hotlist_import', 'hotlist_force', 'bolo', 'hotlist'"  # the last is the name before the table of acts
_INF = float("-inf")
_DAY = 86400.0

HOT_LISTS = Board(
    "platestream-hotlists",
    "Hot lists",
    "Age, size and precision of each list.",
    24 * 7,
    (
        figure(
            "Oldest list",
            "Seconds since the list of an active source that was imported longest ago.",
            "over a day: see HotListOld in the runbook.",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', min(refreshed_at), now64(3))) AS age
FROM platestream.hotlist_sources WHERE active AND refreshed_at IS NOT NULL
""",
            unit="s",
            steps=((_INF, "green"), (_DAY, "orange"), (_DAY + 3600, "red")),
            empty="No list was imported",
        ),
        figure(
            "Sources",
            "Designated sources in use (order, section H.4).",
            "one is missing: platestream registry source.",
            sql="SELECT countIf(active) AS sources FROM platestream.hotlist_sources",
        ),
        figure(
            "Logged changes",
            "Imports, BOLOs, additions, changes and removals in the inquiry log, of the time shown.",
            "none for days: the list is not maintained.",
            sql=f"""
SELECT countIf(outcome = 'allowed') AS changes FROM platestream.inquiry_log
WHERE $__timeFilter_ms(at) AND kind IN ({_CHANGES})
""",
        ),
        figure(
            "Lists still loading",
            "Parts of hot list and registry not yet loaded; detections wait for them.",
            "not 0 for minutes: check Kafka and docker compose logs match.",
            promql="sum(platestream_changelog_parts_loading)",
            steps=((_INF, "green"), (1.0, "orange")),
        ),
        table(
            "Age by source",
            "When each source was last imported completely.",
            "late or old: see HotListFeedLate and HotListOld in the runbook.",
            sql="""
SELECT source, active, refreshed_at AS imported, dateDiff('second', refreshed_at, now64(3)) AS age_s,
    late_after_s, age_s > late_after_s AS late
FROM platestream.hotlist_sources ORDER BY active DESC, refreshed_at LIMIT 100
""",
            empty="No source is designated",
        ),
        bars(
            "Age of the lists, by match",
            "Seconds since the last complete import, by source.",
            "see HotListOld in the runbook.",
            promql="time() - max by (source) (platestream_hotlist_source_imported_timestamp_seconds)",
            legend="source",
            unit="s",
            steps=((_INF, "green"), (_DAY, "orange"), (_DAY + 3600, "red")),
        ),
        bars(
            "Late feeds, live",
            "Seconds since the last import of each feed that brought no file for twice its registered time.",
            "see HotListFeedLate in the runbook.",
            promql="time() - max by (source) (platestream_hotlist_source_imported_timestamp_seconds) "
            "> max by (source) (platestream_hotlist_source_late_after_seconds)",
            legend="source",
            unit="s",
            empty="None",
        ),
        series(
            "Entries",
            "Entries in force, by source.",
            "a fall to nothing: an import of an empty file; import the last good one.",
            promql="sum by (source) (platestream_hotlist_entries)",
            legend="source",
        ),
        series(
            "Entries expiring within 7 days",
            "By source.",
            "own entries that should go on: platestream hotlist add with a new end.",
            promql="sum by (source) (platestream_hotlist_expiring_entries)",
            legend="source",
        ),
        series(
            "Changes",
            "Entries added, changed and removed an hour.",
            "many removed at once: a source sent an incomplete file.",
            promql="sum by (change) (increase(platestream_hotlist_changes_total[1h]))",
            legend="change",
        ),
        series(
            "Withheld",
            "Reads per hour that met an entry and did not alert, by source.",
            "a source or category that is not designated: platestream registry source.",
            promql="sum by (source) (increase(platestream_hits_withheld_total[1h])) > 0",
            legend="source",
            empty="None",
        ),
        series(
            "Logged changes by day",
            "Changes in the inquiry log by outcome; refused ones came from people without the right, or lacked what section H asks.",
            "refused ones: the person who changes the list gives the reason (order, section H).",
            sql=f"""
SELECT toDateTime(toStartOfDay(at)) AS time, toString(outcome) AS result, count() AS changes
FROM platestream.inquiry_log WHERE $__timeFilter_ms(at) AND kind IN ({_CHANGES})
GROUP BY time, result ORDER BY time, result
""",
        ),
        table(
            "Precision of each list",
            "Hits of each source, and the share of compared hits that were right.",
            "many hits, few right: ask the source, or withdraw it.",
            sql="""
SELECT source, sum(hits) AS hits, sum(verified) AS compared, sum(confirmed) AS right
FROM platestream.hit_precision WHERE month >= toStartOfMonth($__fromTime) GROUP BY source ORDER BY hits DESC LIMIT 50
""",
            empty="No hit yet",
        ),
    ),
)
