"""The board Hot lists: age, size, changes and expiring entries of each list."""

from platestream.boards.panel import Board, Panel

_CHANGES = "'hotlist_add', 'hotlist_remove', 'hotlist_import', 'hotlist_force', 'bolo', 'hotlist'"  # the last is the name before the table of acts
_INF = float("-inf")
_DAY = 86400.0

HOT_LISTS = Board(
    "platestream-hotlists",
    "Hot lists",
    "Age, size and precision of each list.",
    24 * 7,
    (
        Panel(
            "Oldest list",
            "figure",
            "Seconds since the list of an active source that was imported longest ago.",
            "over a day: see HotListOld in the runbook.",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', min(refreshed_at), now64(3))) AS age
FROM platestream.hotlist_sources WHERE active AND refreshed_at IS NOT NULL
""",
            unit="s",
            steps=((_INF, "green"), (_DAY, "orange"), (_DAY + 3600, "red")),
            empty="No list was imported",
            width=6,
        ),
        Panel(
            "Sources",
            "figure",
            "Designated sources in use (order, section H.4).",
            "one is missing: platestream registry source.",
            sql="SELECT countIf(active) AS sources FROM platestream.hotlist_sources",
            width=6,
        ),
        Panel(
            "Logged changes",
            "figure",
            "Imports, BOLOs, additions, changes and removals in the inquiry log, of the time shown.",
            "none for days: the list is not maintained.",
            sql=f"""
SELECT countIf(outcome = 'allowed') AS changes FROM platestream.inquiry_log
WHERE $__timeFilter_ms(at) AND kind IN ({_CHANGES})
""",
            width=6,
        ),
        Panel(
            "Lists still loading",
            "figure",
            "Parts of hot list and registry not yet loaded; detections wait for them.",
            "not 0 for minutes: check Kafka and docker compose logs match.",
            promql="sum(platestream_changelog_parts_loading)",
            steps=((_INF, "green"), (1.0, "orange")),
            width=6,
        ),
        Panel(
            "Age by source",
            "table",
            "When each source was last imported completely.",
            "late or old: see HotListFeedLate and HotListOld in the runbook.",
            sql="""
SELECT source, active, refreshed_at AS imported, dateDiff('second', refreshed_at, now64(3)) AS age_s,
    late_after_s, age_s > late_after_s AS late
FROM platestream.hotlist_sources ORDER BY active DESC, refreshed_at LIMIT 100
""",
            empty="No source is designated",
        ),
        Panel(
            "Age of the lists, by match",
            "bars",
            "Seconds since the last complete import, by source.",
            "see HotListOld in the runbook.",
            promql="time() - max by (source) (platestream_hotlist_source_imported_timestamp_seconds)",
            legend="source",
            unit="s",
            steps=((_INF, "green"), (_DAY, "orange"), (_DAY + 3600, "red")),
        ),
        Panel(
            "Late feeds, live",
            "bars",
            "Seconds since the last import of each feed that brought no file for twice its registered time.",
            "see HotListFeedLate in the runbook.",
            promql="time() - max by (source) (platestream_hotlist_source_imported_timestamp_seconds) "
            "> max by (source) (platestream_hotlist_source_late_after_seconds)",
            legend="source",
            unit="s",
            empty="None",
        ),
        Panel(
            "Entries",
            "series",
            "Entries in force, by source.",
            "a fall to nothing: an import of an empty file; import the last good one.",
            promql="sum by (source) (platestream_hotlist_entries)",
            legend="source",
        ),
        Panel(
            "Entries expiring within 7 days",
            "series",
            "By source.",
            "own entries that should go on: platestream hotlist add with a new end.",
            promql="sum by (source) (platestream_hotlist_expiring_entries)",
            legend="source",
        ),
        Panel(
            "Changes",
            "series",
            "Entries added, changed and removed an hour.",
            "many removed at once: a source sent an incomplete file.",
            promql="sum by (change) (increase(platestream_hotlist_changes_total[1h]))",
            legend="change",
        ),
        Panel(
            "Withheld",
            "series",
            "Reads per hour that met an entry and did not alert, by source.",
            "a source or category that is not designated: platestream registry source.",
            promql="sum by (source) (increase(platestream_hits_withheld_total[1h])) > 0",
            legend="source",
            empty="None",
        ),
        Panel(
            "Logged changes by day",
            "series",
            "Changes in the inquiry log by outcome; refused ones came from people without the right, or lacked what section H asks.",
            "refused ones: the person who changes the list gives the reason (order, section H).",
            sql=f"""
SELECT toDateTime(toStartOfDay(at)) AS time, toString(outcome) AS result, count() AS changes
FROM platestream.inquiry_log WHERE $__timeFilter_ms(at) AND kind IN ({_CHANGES})
GROUP BY time, result ORDER BY time, result
""",
        ),
        Panel(
            "Precision of each list",
            "table",
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
