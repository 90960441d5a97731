"""The board Retention: the age of the oldest data, and the work of the retention job."""

from platestream.boards.panel import Board, Step, bars, figure, series, table
from platestream.schemas.topics import TOPICS

_INF = float("-inf")
_DAY = 86400.0
_AGES: tuple[Step, ...] = ((_INF, "green"), (30 * _DAY, "orange"), (30 * _DAY + 3600, "red"))


def _expiring_tables() -> str:
    rows = ", ".join(
        f"('{topic.name}', '{'until replaced' if topic.keep is None else f'{topic.keep.days} days'}')"
        for topic in TOPICS
    )
    return f"SELECT * FROM values('topic String, kept String', {rows})"


RETENTION = Board(
    "platestream-retention",
    "Retention",
    "Age of the oldest data, and the deletions of the retention job (order, F.8.b and J).",
    24 * 30,
    (
        figure(
            "Oldest detection",
            "Age of the oldest detection on the disk.",
            "over 30 days: see RetentionLate in the runbook.",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', min(captured_at), now64(3))) AS age FROM platestream.detections
""",
            unit="s",
            steps=_AGES,
            empty="No detection is stored",
        ),
        figure(
            "Oldest picture",
            "Age of the oldest picture on the disk; the hour of its end may pass.",
            "over 30 days and an hour: see RetentionLate in the runbook.",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', min(captured_at), now64(3))) AS age FROM platestream.images
""",
            unit="s",
            steps=_AGES,
            empty="No picture is stored",
        ),
        figure(
            "Oldest alert hit",
            "Age of the oldest hit that still names a plate.",
            "over 30 days: see RetentionLate in the runbook.",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', min(captured_at), now64(3))) AS age FROM platestream.alert_hits
""",
            unit="s",
            steps=_AGES,
            empty="No hit is stored",
        ),
        figure(
            "Since the last run",
            "Seconds since the retention job's last receipt.",
            "over an hour: see RetentionNotRun in the runbook.",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', max(at), now64(6))) AS age FROM platestream.retention_figures
""",
            unit="s",
            steps=((_INF, "green"), (1800.0, "orange"), (3600.0, "red")),
            empty="The job has not run yet",
        ),
        series(
            "Rows by day of capture",
            "Detections by day; nothing older than 30 days may be left.",
            "a day before the 30: see RetentionLate in the runbook.",
            sql="""
SELECT toDateTime(toStartOfDay(step)) AS time, uniqCombined64Merge(passes) AS detections
FROM platestream.traffic GROUP BY time ORDER BY time
""",
        ),
        table(
            "Receipts",
            "Deletions of the last runs.",
            "no new one for an hour: see RetentionNotRun in the runbook. platestream retention log has all of it.",
            sql="""
SELECT at, sumMap(map(name, rows_deleted)) AS deleted, any(took_ms) AS took_ms
FROM platestream.retention_figures WHERE $__timeFilter_ms(at) GROUP BY at ORDER BY at DESC LIMIT 20
""",
            empty="The job has not run yet",
        ),
        series(
            "Deleted",
            "Rows deleted by day and table.",
            "nothing for days though data is old enough: see RetentionNotRun in the runbook.",
            sql="""
SELECT toDateTime(toStartOfDay(at)) AS time, name, sum(rows_deleted) AS deleted
FROM platestream.retention_figures WHERE $__timeFilter_ms(at) GROUP BY time, name ORDER BY time, name
""",
        ),
        bars(
            "Oldest rows, by the job",
            "Age of the oldest row that its last run left, by table.",
            "over 30 days and an hour: see RetentionLate in the runbook.",
            promql="time() - max by (table) (platestream_retention_oldest_row_timestamp_seconds)",
            legend="table",
            unit="s",
            steps=_AGES,
        ),
        figure(
            "Since the last successful run",
            "Seconds since its last run, reported by its process.",
            "over an hour: see RetentionNotRun in the runbook.",
            promql="time() - max(platestream_retention_last_run_timestamp_seconds)",
            unit="s",
            steps=((_INF, "green"), (1800.0, "orange"), (3600.0, "red")),
            width=12,
        ),
        series(
            "Deleted, live",
            "Rows deleted an hour, by table.",
            "nothing for days: see RetentionNotRun in the runbook.",
            promql="sum by (table) (increase(platestream_retention_rows_deleted_total[1h]))",
            legend="table",
        ),
        table(
            "Retention of topics",
            "Time for which each topic stores its messages; topics --check compares the broker's settings.",
            "platestream topics --check names the differences.",
            sql=_expiring_tables(),
        ),
    ),
)
