"""Tables from which the retention job deletes rows (`platestream.retention.service`).

A table that is added here also needs the grants of `platestream_retention` in `clickhouse/roles.xml`.
"""

from dataclasses import dataclass
from datetime import timedelta

from platestream.schemas import topics

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True)
class ExpiringTable:
    """A table with expiring rows.

    `age` is the time that counts, in SQL, and `grain` the length of a partition (None: there is only one).
    `partition` is the id of a row's partition, in SQL, by the time `placed`, which is at most little later
    than `age`. `keep` is the table's own
    retention, where it is less than that of the profile; without `plates` it counts alone.
    """

    name: str
    age: str = "least(captured_at, ingested_at)"
    grain: timedelta | None = DAY
    partition: str = "toString(toYYYYMMDD(captured_at))"
    keep: timedelta | None = None
    placed: str = "captured_at"
    plates: bool = True

    def retention_of(self, period: timedelta) -> timedelta:
        """Return how long the table keeps its rows where data is kept for `period`."""
        if self.keep is None:
            return period
        return min(period, self.keep) if self.plates else self.keep


EXPIRING_TABLES = (
    ExpiringTable("detections"),
    ExpiringTable("alert_hits"),
    ExpiringTable("images", grain=HOUR, partition="toString(toUnixTimestamp(toStartOfHour(captured_at)))"),
    ExpiringTable("tallied", age="least(captured_at, tallied_at)"),
    ExpiringTable(
        "frames_counted",
        "counted_at",
        partition="toString(toYYYYMMDD(counted_at))",
        keep=2 * DAY,
        placed="counted_at",
        plates=False,
    ),
    ExpiringTable("expired_counts", "at", None, "'all'", 2 * DAY, placed="at", plates=False),
    ExpiringTable(
        "dead_letters", "received_at", None, "'all'", topics.DEAD_LETTERS.keep, placed="received_at"
    ),
)
