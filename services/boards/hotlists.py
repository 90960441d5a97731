"""Hot lists: how old, how large, what changes, what ends soon."""

from services.boards.panel import Board, Panel

_CHANGES = "'hotlist_add', 'hotlist_remove', 'hotlist_import', 'hotlist_force', 'bolo', 'hotlist'"  # the last: rows of before the acts
_INF = float("-inf")
_DAY = 86400.0

HOT_LISTS = Board(
    "platestream-hotlists",
    "Hot lists",
    "How old and how large each list is, and what it is good for.",
    24 * 7,
    (
        Panel(
            "Oldest list",
            "figure",
            "Seconds since the list of an active source that was imported longest ago.",
            "over a day: docs/runbook.md, HotListOld.",
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
            "Changes on record",
            "figure",
            "Imports, BOLOs, additions, changes and removals in the inquiry log, of the time shown.",
            "none for days: nobody keeps the list.",
            sql=f"""
SELECT countIf(outcome = 'allowed') AS changes FROM platestream.inquiry_log
WHERE $__timeFilter_ms(at) AND kind IN ({_CHANGES})
""",
            width=6,
        ),
        Panel(
            "Lists that still load",
            "figure",
            "Parts of hot list and registry not yet loaded; detections wait for them.",
            "not 0 for minutes: is Kafka well? docker compose logs match.",
            promql="sum(platestream_changelog_parts_loading)",
            steps=((_INF, "green"), (1.0, "orange")),
            width=6,
        ),
        Panel(
            "Age by source",
            "table",
            "When each source was last imported whole.",
            "old: docs/runbook.md, HotListOld.",
            sql="""
SELECT source, active, refreshed_at AS imported, dateDiff('second', refreshed_at, now64(3)) AS age_s
FROM platestream.hotlist_sources ORDER BY active DESC, refreshed_at LIMIT 100
""",
            empty="No source is designated",
        ),
        Panel(
            "Age of the lists, as match knows it",
            "bars",
            "Seconds since the last whole import, by source.",
            "docs/runbook.md, HotListOld.",
            promql="time() - max by (source) (platestream_hotlist_source_imported_timestamp_seconds)",
            legend="source",
            unit="s",
            steps=((_INF, "green"), (_DAY, "orange"), (_DAY + 3600, "red")),
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
            "Entries that end within 7 days",
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
            "many removed at once: a source sent half a file.",
            promql="sum by (change) (increase(platestream_hotlist_changes_total[1h]))",
            legend="change",
        ),
        Panel(
            "Withheld",
            "series",
            "Reads per hour that met an entry and alerted nobody, by source.",
            "a source or category that is not designated: platestream registry source.",
            promql="sum by (source) (increase(platestream_hits_withheld_total[1h])) > 0",
            legend="source",
            empty="None",
        ),
        Panel(
            "Changes on record by day",
            "series",
            "Changes in the inquiry log by outcome; refused ones were by somebody who may not, or lacked what section H asks.",
            "refused ones: who changes the list says why (order, section H).",
            sql=f"""
SELECT toDateTime(toStartOfDay(at)) AS time, toString(outcome) AS result, count() AS changes
FROM platestream.inquiry_log WHERE $__timeFilter_ms(at) AND kind IN ({_CHANGES})
GROUP BY time, result ORDER BY time, result
""",
        ),
        Panel(
            "What each list is good for",
            "table",
            "Hits of each source, and how many were right of those that officers looked at.",
            "many hits, few right: ask the source, or do without it.",
            sql="""
SELECT source, sum(hits) AS hits, sum(verified) AS compared, sum(confirmed) AS right
FROM platestream.hit_precision WHERE month >= toStartOfMonth($__fromTime) GROUP BY source ORDER BY hits DESC LIMIT 50
""",
            empty="No hit yet",
        ),
    ),
)
