"""Each alert fires when it should and is quiet when it should not, by promtool."""

import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from platestream.schemas.metrics import METRICS
from tests.support.prometheus import tool

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "platestream.rules.yml"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
# Ahead of these nothing is named: Prometheus's own.
FOREIGN = {"up", "process_start_time_seconds"}

Series = dict[str, str]
CAMERA = 'platestream_camera_last_frame_timestamp_seconds{camera="N1"}'
LAG = 'platestream_topic_lag_messages{flow="recognize",topic="frames",partition="0"}'
LETTERS = 'platestream_dead_letters_total{topic="frames",reason="corrupt"}'
OLDEST = 'platestream_retention_oldest_row_timestamp_seconds{table="detections"}'
PERIOD = "platestream_retention_period_seconds"
UNTOLD = 'platestream_partner_untold_timestamp_seconds{agency="county"}'
AUDIT_DUE = 'platestream_audit_due_timestamp_seconds{rhythm="monthly",step="file"}'
OCR = 'platestream_stage_seconds_bucket{stage="recognize",le="%s"}'
HITS = 'platestream_alert_hits_total{match="exact",historical="no"}'
TOLD = 'platestream_notifications_total{outcome="%s",priority="1"}'
FREE = 'platestream_disk_free_ratio{instance="match:3030",folder="recovery"}'
STARTED = 'process_start_time_seconds{job="flows",instance="match:3030"}'
REFUSED = 'platestream_inquiries_total{kind="search",outcome="refused",by="person"}'
MOVES = 'platestream_gateway_camera_moves_info{camera="N1"}'
GOT = 'platestream_gateway_last_frame_timestamp_seconds{camera="N1"}'
PICTURE = 'platestream_gateway_picture_fault_info{camera="N1",fault="moved"}'
SPOOL, HELD = "platestream_gateway_spool_bytes", "platestream_gateway_spool_limit_bytes"
GATEWAY = 'platestream_gateway_frames_total{camera="N1",outcome="%s"}'
DRIFT = 'platestream_gateway_clock_drift_seconds{camera="N1"}'
COSIGNED = 'platestream_log_cosigned_timestamp_seconds{witness="auditor.example"}'
DROPPED = 'platestream_topic_dropped_total{topic="frames_quarantine"}'


class Case(NamedTuple):
    """Series of a minute a step, and the minute at which the alert fires or not."""

    alert: str
    fires: bool
    minute: int
    series: Series


CASES = [
    Case("NoFrames", True, 20, {'platestream_frames_total{camera="N1"}': "0+5x3 15x30"}),
    Case("NoFrames", True, 20, {}),
    Case("NoFrames", False, 20, {'platestream_frames_total{camera="N1"}': "0+5x30"}),
    Case("CameraSilent", True, 25, {CAMERA: "0+60x4 240x40"}),
    Case("CameraSilent", True, 40, {CAMERA: "0+60x4 _x40"}),
    Case("CameraSilent", False, 25, {CAMERA: "0+60x40"}),
    Case("CameraSilent", False, 18, {CAMERA: "0+60x4 240x40"}),
    Case("CameraSilent", False, 25, {CAMERA: "0+60x4 240x40", MOVES: "1x50"}),
    Case("CameraSilent", True, 25, {CAMERA: "0+60x4 240x40", MOVES: "0x50"}),
    Case("OcrSlow", True, 30, {OCR % "2.5": "0+1x40", OCR % "5.0": "0+10x40", OCR % "+Inf": "0+10x40"}),
    Case("OcrSlow", False, 30, {OCR % "0.5": "0+10x40", OCR % "5.0": "0+10x40", OCR % "+Inf": "0+10x40"}),
    Case("GatewayCameraSilent", True, 25, {GOT: "0+60x4 240x40"}),
    Case("GatewayCameraSilent", True, 40, {GOT: "0+60x4 _x40"}),
    Case("GatewayCameraSilent", True, 20, {GOT: "0x40"}),
    Case("GatewayCameraSilent", False, 25, {GOT: "0+60x40"}),
    Case("GatewayCameraSilent", False, 18, {GOT: "0+60x4 240x40"}),
    Case("GatewayCameraSilent", False, 25, {GOT: "0+60x4 240x40", MOVES: "1x50"}),
    Case("CameraPictureFault", True, 10, {PICTURE: "0x5 1x20"}),
    Case("CameraPictureFault", False, 20, {PICTURE: "0x5 1x5 0x20"}),
    Case("SpoolFilling", True, 15, {SPOOL: "600x30", HELD: "1000x30"}),
    Case("SpoolFilling", True, 20, {SPOOL: "0+20x40", HELD: "1000x40"}),
    Case("SpoolFilling", False, 30, {SPOOL: "400x40", HELD: "1000x40"}),
    Case("SpoolFilling", False, 30, {SPOOL: "0 90 0 90 10 0x40", HELD: "1000x40"}),
    Case("FramesDropped", True, 10, {GATEWAY % "full": "0x5 1x20"}),
    Case("FramesDropped", True, 10, {GATEWAY % "expired": "0x5 1x20"}),
    Case("FramesDropped", False, 10, {GATEWAY % "full": "7x20", GATEWAY % "sent": "0+9x20"}),
    Case("FramesUndeliverable", True, 10, {GATEWAY % "undeliverable": "0x5 1x20"}),
    Case("FramesUndeliverable", False, 10, {GATEWAY % "undeliverable": "0x20", GATEWAY % "full": "0+1x20"}),
    Case("FramesRefused", True, 20, {GATEWAY % "refused": "0+2x30"}),
    Case("FramesRefused", True, 20, {GATEWAY % "too_fast": "0+2x30"}),
    Case("FramesRefused", False, 20, {GATEWAY % "refused": "0x10 3x20", GATEWAY % "unchanged": "0+9x30"}),
    Case("CameraClockWrong", True, 15, {DRIFT: "8x20"}),
    Case("CameraClockWrong", True, 15, {DRIFT: "-8x20"}),
    Case("CameraClockWrong", False, 15, {DRIFT: "3x20"}),
    Case("TopicDropped", True, 10, {DROPPED: "0x5 16x20"}),
    Case("TopicDropped", False, 10, {DROPPED: "0x20"}),
    Case("FlowDown", True, 5, {'up{job="gateways",instance="gateway:9105"}': "1 0x10"}),
    Case("FlowDown", True, 5, {'up{job="flows",instance="match:3030"}': "1 0x10"}),
    Case("FlowDown", False, 5, {'up{job="flows",instance="match:3030"}': "1x10"}),
    Case("FlowRestartedOften", True, 20, {STARTED: "0+60x20"}),
    Case("FlowRestartedOften", False, 20, {STARTED: "0 0 0 180x20"}),
    Case("LagGrowing", True, 30, {LAG: "0+20x40"}),
    Case("LagGrowing", False, 30, {LAG: "1000-20x40"}),
    Case("LagGrowing", False, 30, {LAG: "0 5 0 9 0 3x40"}),
    Case("DeadLettersRising", True, 20, {LETTERS: "0+2x30"}),
    Case("DeadLettersRising", False, 20, {LETTERS: "0x10 3x20"}),
    Case("DiskFilling", True, 20, {FREE: "0.08x30"}),
    Case("DiskFilling", True, 120, {FREE: "0.5-0.002x120"}),
    Case("DiskFilling", False, 120, {FREE: "0.5x120"}),
    Case("HitNotDelivered", True, 10, {TOLD % "failed": "0x5 1x20"}),
    Case("HitNotDelivered", True, 10, {TOLD % "nobody": "0x5 1x20"}),
    Case("HitNotDelivered", True, 20, {HITS: "0x5 1x30", TOLD % "delivered": "0x40"}),
    Case("HitNotDelivered", True, 20, {HITS: "0x5 1x30"}),
    Case("HitNotDelivered", False, 20, {HITS: "0x5 1x30", TOLD % "delivered": "0x6 1x30"}),
    Case("HitNotDelivered", False, 20, {HITS: "0x40", TOLD % "delivered": "0x40"}),
    Case(
        "HotListOld",
        True,
        1600,
        {'platestream_hotlist_source_imported_timestamp_seconds{source="ncic"}': "0x2000"},
    ),
    Case(
        "HotListOld",
        False,
        1440,
        {'platestream_hotlist_source_imported_timestamp_seconds{source="ncic"}': "0x2000"},
    ),
    Case(
        "HotListFeedLate",
        True,
        140,
        {
            'platestream_hotlist_source_imported_timestamp_seconds{source="ncic"}': "0x200",
            'platestream_hotlist_source_late_after_seconds{source="ncic"}': "7200x200",
        },
    ),
    Case(
        "HotListFeedLate",
        False,
        115,
        {
            'platestream_hotlist_source_imported_timestamp_seconds{source="ncic"}': "0x200",
            'platestream_hotlist_source_late_after_seconds{source="ncic"}': "7200x200",
        },
    ),
    Case(
        "HotListFeedLate",
        False,
        500,
        {
            'platestream_hotlist_source_imported_timestamp_seconds{source="ncic"}': "0x600",
            'platestream_hotlist_source_late_after_seconds{source="ncic"}': "1e15x600",
        },
    ),
    Case("HotListWithheld", True, 5, {'platestream_hits_withheld_total{source="acic"}': "_ _ 1x60"}),
    Case("HotListWithheld", False, 100, {'platestream_hits_withheld_total{source="acic"}': "1x200"}),
    # Now is minute 0, so a moment of 30 days and an hour ago is negative.
    Case("RetentionLate", True, 10, {OLDEST: "-2595600x20"}),
    Case("RetentionLate", False, 10, {OLDEST: "-2594400x20"}),
    Case("RetentionLate", True, 10, {OLDEST: "-1818000x20", PERIOD: "1814400x20"}),
    Case("RetentionLate", False, 10, {OLDEST: "-1816800x20", PERIOD: "1814400x20"}),
    Case("RetentionLate", False, 10, {OLDEST: "-2595600x20", PERIOD: "12960000x20"}),
    Case("RetentionNotRun", True, 70, {"platestream_retention_last_run_timestamp_seconds": "0x80"}),
    Case("RetentionNotRun", True, 10, {}),
    Case("RetentionNotRun", False, 70, {"platestream_retention_last_run_timestamp_seconds": "0+60x80"}),
    Case("RetentionStopped", True, 20, {"platestream_retention_clock_stopped_info": "1x30"}),
    Case("RetentionStopped", False, 20, {"platestream_retention_clock_stopped_info": "0x30"}),
    # Now is minute 0: due in a day, in a week, an hour ago; after 20 minutes.
    Case("AuditDue", True, 20, {AUDIT_DUE: "86400x30"}),
    Case("AuditDue", False, 20, {AUDIT_DUE: "604800x30"}),
    Case("AuditDue", False, 20, {AUDIT_DUE: "-3600x30"}),
    Case("AuditOverdue", True, 20, {AUDIT_DUE: "-3600x30"}),
    Case("AuditOverdue", False, 20, {AUDIT_DUE: "86400x30"}),
    Case("AuditOverdue", False, 20, {}),
    Case("SealLate", True, 15, {"platestream_inquiries_sealed_timestamp_seconds": "0x30"}),
    Case("SealLate", True, 15, {}),
    Case("SealLate", False, 15, {"platestream_inquiries_sealed_timestamp_seconds": "0+60x30"}),
    Case("PartnerNotTold", True, 5, {UNTOLD: "0+60x2 60x10"}),
    Case("PartnerNotTold", True, 5, {UNTOLD: "0+60x2 _x10"}),
    Case("PartnerNotTold", False, 10, {UNTOLD: "0+60x20"}),
    Case("LogNotPublished", True, 70, {"platestream_log_published_timestamp_seconds": "0x80"}),
    Case("LogNotPublished", True, 10, {}),
    Case("LogNotPublished", False, 70, {"platestream_log_published_timestamp_seconds": "0+60x80"}),
    Case("LogRefused", True, 10, {"platestream_log_refused": "0x5 1x10"}),
    Case("LogRefused", False, 10, {"platestream_log_refused": "0x20"}),
    Case("WitnessSilent", True, 1470, {COSIGNED: "0x1500"}),
    Case("WitnessSilent", False, 1450, {COSIGNED: "0+60x1500"}),
    Case(
        "UndocumentedQuery",
        True,
        10,
        {'platestream_inquiry_findings_total{rule="unlogged",grade="breach"}': "0x5 1x20"},
    ),
    Case(
        "UndocumentedQuery",
        False,
        10,
        {'platestream_inquiry_findings_total{rule="volume",grade="unusual"}': "0x5 1x20"},
    ),
    Case("RefusedInquiries", True, 70, {REFUSED: "0+1x90"}),
    Case("RefusedInquiries", False, 70, {REFUSED: "0x30 3x60"}),
]


def test_an_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    """One run of promtool for each interval, which names the cases that fail."""
    for interval, cases in (
        ("1m", [one for one in CASES if one.minute < 1000]),
        ("10m", [one for one in CASES if one.minute >= 1000]),  # a day minute by minute takes five seconds
    ):
        test = {
            "rule_files": [str(RULES)],
            "evaluation_interval": interval,
            "tests": [tried(one) for one in cases],
        }
        (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
        done = subprocess.run(
            [tool("promtool"), "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def tried(case: Case) -> dict[str, Any]:
    """The test of a case, in promtool's words."""
    return {
        "name": f"{case.alert} {'fires' if case.fires else 'is quiet'} at {case.minute} min: {case.series}",
        "interval": "1m",
        "input_series": [{"series": name, "values": result} for name, result in case.series.items()],
        "promql_expr_test": [
            {
                "expr": f'group(ALERTS{{alertname="{case.alert}",alertstate="firing"}})',
                "eval_time": f"{case.minute}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if case.fires else [],
            }
        ],
    }


def test_every_alert_is_tried_both_ways() -> None:
    assert {(case.alert, case.fires) for case in CASES} == {
        (name, way) for name in ALERTS for way in (True, False)
    }


def test_every_alert_has_its_section_in_the_runbook_and_the_other_way_round() -> None:
    page = (ROOT / "docs/how-to/operator/runbook.md").read_text()
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/how-to/operator/runbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_every_metric_of_an_alert_is_declared() -> None:
    known = {metric.series for metric in METRICS} | FOREIGN
    for rule in ALERTS.values():
        named = set(re.findall(r"\b(?:platestream|process)_[a-z_]+|\bup\b", rule["expr"]))
        assert named
        assert named - known == set()
