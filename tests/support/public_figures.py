"""Figures of the public page, drawn from counts of two years."""

from datetime import date, datetime

from platestream.reports.public_figures import (
    Estimate,
    MonthSeries,
    PublicFigures,
    PublicTable,
    merge_small,
    protect_months,
    round_table,
    share,
)
from tests.support.clock import NOW

SCANS = [1000 * month for month in range(41, 65)]
ALERTS = [12, 17, 3, 9, 22, 15, 31, 0, 14, 18, 25, 21, 26, 33, 4, 2, 41, 18, 55, 12, 30, 28, 37, 40]
SEARCHES = [60, 72, 88, 71, 95, 64, 83, 77, 90, 66, 58, 79, 91, 85, 102, 76, 88, 94, 110, 97, 81, 73, 99, 120]


def series(title: str, found: list[int]) -> MonthSeries:
    before, sum_before = protect_months(found[:12])
    now, sum_now = protect_months(found[12:])
    return MonthSeries(title, now, before, sum_now, sum_before)


def figures(counted_at: datetime = NOW, *, begun: bool = True) -> PublicFigures:
    scans, alerts, searches = (SCANS, ALERTS, SEARCHES) if begun else ([0] * 24, [0] * 24, [0] * 24)
    return PublicFigures(
        agency="St. Johns Police Department",
        counted_at=counted_at,
        since=date(2025, 11, 1),
        until=date(2026, 11, 1),
        data_kept_days=30,
        cameras_used=14,
        begun=begun,
        series=[
            series("Plates scanned (vehicle passes)", scans),
            series("Alert hits", alerts),
            series("Searches of stored data by people", searches),
        ],
        estimates=[
            Estimate(
                "Hits that were right", "hits compared with the vehicle", share(238, 271), share(90, 104)
            ),
            Estimate(
                "Hits that were misread", "hits compared with the vehicle", share(3, 271), share(9, 104)
            ),
            Estimate(
                "Entries that were current", "entries checked with their source", share(99, 120), share(3, 6)
            ),
        ],
        tables=[
            PublicTable(title, round_table(merge_small(now)), round_table(merge_small(before)))
            for title, now, before in (
                (
                    "What came of the hits",
                    {
                        "plate and state of issue confirmed": 238,
                        "misread": 3,
                        "never compared with the vehicle": 55,
                    },
                    {
                        "plate and state of issue confirmed": 90,
                        "misread": 9,
                        "never compared with the vehicle": 83,
                    },
                ),
                (
                    "Hits by category",
                    {"stolen vehicle": 210, "warrant": 99, "missing person": 4},
                    {"warrant": 187},
                ),
                (
                    "Results",
                    {"none": 280, "arrest": 31, "citation": 7},
                    {"none": 180, "arrest": 5, "warning": 1},
                ),
            )
        ]
        if begun
        else [],
    )
