"""Declarations of all metrics: name, type, labels and meaning. `docs/reference/metrics.md` is made from this.

A label takes values from a bounded set and never a plate, a person or free text; a value outside the set is
counted as `other`. Names are `platestream_<subject>_<unit>`, counters end in `_total`. Times are in seconds.
Timestamps are seconds since 1970 (UTC), so that an age continues to grow when the process that measures it
has stopped. Metrics are created in `platestream.runtime.metrics` only.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from platestream.schemas.acts import ACTS
from platestream.schemas.camera_read import OPINIONS
from platestream.schemas.delivery import Outcome
from platestream.schemas.deployment import Rule
from platestream.schemas.expiring_tables import EXPIRING_TABLES
from platestream.schemas.hit_action import ActionKind
from platestream.schemas.tables import TABLES
from platestream.schemas.topics import TOPICS

Kind = Literal["counter", "gauge", "histogram"]
OTHER = "other"
FLOWS = ("recognize", "match", "notify", "audit")


@dataclass(frozen=True)
class Label:
    """A label of a metric.

    `values` are all values that it can take, `described` is a short text where they are many. If they are not
    known in advance, the label takes the first `most` values that occur.
    """

    name: str
    values: tuple[str, ...] = ()
    most: int = 0
    described: str = ""


@dataclass(frozen=True)
class Metric:
    """A metric. `shown_by`: flows and jobs that serve it.

    `debugging`: for diagnosis only; it is on no board.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    shown_by: tuple[str, ...] = ()
    debugging: bool = False

    @property
    def series(self) -> str:
        """The name of the series in a query: the buckets of a histogram, else the metric itself."""
        return f"{self.name}_bucket" if self.kind == "histogram" else self.name


REASONS = (
    *(
        "empty",
        "headers",
        "expired",
        "future",
        "bytes",
        "small",
        "pixels",
        "scans",
        "truncated",
        "not_a_picture",
    ),
    *("corrupt", "engine", "crop", "schema", "not_json", "key", "source", "category", "expiry"),
    *("rules", "undelivered", "unapproved", "sensitive_place", "push", "hit"),
)
INQUIRY_KINDS = tuple(act.name for act in ACTS)
FINDING_RULES = (
    *("unknown_act", "documented", "purpose", "violation", "legal_basis", "automatic", "started"),
    *("registered", "trained", "roles", "agency", "shared"),
    *("unlogged", "denied", "refusals", "hours", "volume", "no_action"),
)
CAMERA = Label("camera", most=500)
SOURCE = Label("source", most=100)
TOPIC = Label("topic", tuple(topic.name for topic in TOPICS), described="the topics")
EXPIRING = Label("table", tuple(table.name for table in EXPIRING_TABLES))
TABLE = Label("table", tuple(table.name for table in TABLES), described="the tables that flows write")
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DELAYS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 86400.0)

# Reading
FRAMES = Metric(
    "platestream_frames_total",
    "counter",
    "Accepted frames: complete headers, not too old.",
    (CAMERA,),
    shown_by=("recognize",),
)
CAMERA_LAST_FRAME = Metric(
    "platestream_camera_last_frame_timestamp_seconds",
    "gauge",
    "Capture time of the newest frame of a camera.",
    (CAMERA,),
    shown_by=("recognize",),
)
FRAMES_READ = Metric(
    "platestream_frames_read_total",
    "counter",
    "Frames read by the engine, by whether a plate was in them.",
    (Label("found", ("plate", "nothing")),),
    shown_by=("recognize",),
)
FRAMES_DOUBLED = Metric(
    "platestream_frames_doubled_total",
    "counter",
    "Frames that came again, as after a kill of the gateway: the first one counted.",
    (CAMERA,),
    shown_by=("recognize",),
    debugging=True,
)
READS = Metric(
    "platestream_reads_total",
    "counter",
    "Plates read in frames, before they become passes.",
    shown_by=("recognize",),
)
STAGE_SECONDS = Metric(
    "platestream_stage_seconds",
    "histogram",
    "Time that one item takes in a stage: a frame in decode and recognize, a write in insert and publish "
    "(a batch).",
    (Label("stage", ("decode", "recognize", "insert", "publish")),),
    SECONDS,
    shown_by=FLOWS,
)
FRAME_DELAY = Metric(
    "platestream_frame_delay_seconds",
    "histogram",
    "From the capture of a frame to its reading.",
    buckets=DELAYS,
    shown_by=("recognize",),
)
DETECTIONS = Metric(
    "platestream_detections_total", "counter", "Vehicle passes published.", shown_by=("recognize",)
)
DETECTION_DELAY = Metric(
    "platestream_detection_delay_seconds",
    "histogram",
    "From the first frame of a vehicle pass to its publication.",
    buckets=DELAYS,
    shown_by=("recognize",),
)
CONFIDENCE = Metric(
    "platestream_detection_confidence_ratio",
    "histogram",
    "Confidence of detections.",
    buckets=SHARES,
    shown_by=("recognize",),
)
AGREEMENT = Metric(
    "platestream_detection_agreement_ratio",
    "histogram",
    "Share of a pass's frames that read the very plate published.",
    buckets=SHARES,
    shown_by=("recognize",),
)
CAMERA_OPINIONS = Metric(
    "platestream_camera_opinions_total",
    "counter",
    "Vehicle passes of cameras that read by themselves, by how their read compares with the reader's.",
    (CAMERA, Label("opinion", OPINIONS)),
    shown_by=("recognize",),
)
MODEL = Metric(
    "platestream_model_info",
    "gauge",
    "1 for each model that reads.",
    (Label("model", most=10),),
    shown_by=("recognize",),
)

# The camera gateway
TAKEN = ("spooled", "unchanged", "too_fast", "refused")
GATEWAY_OUTCOMES = (*TAKEN, "sent", "full", "expired", "undeliverable")
GATEWAY_FRAMES = Metric(
    "platestream_gateway_frames_total",
    "counter",
    "Frames that reached the gateway, by what became of them; spooled ones are sent, or lost and counted so.",
    (
        CAMERA,
        Label(
            "outcome",
            GATEWAY_OUTCOMES,
        ),
    ),
    shown_by=("gateway",),
)
GATEWAY_LAST_FRAME = Metric(
    "platestream_gateway_last_frame_timestamp_seconds",
    "gauge",
    "When the gateway last got a picture from a camera, changed or not; ahead of the first, its start.",
    (CAMERA,),
    shown_by=("gateway",),
)
GATEWAY_MOVES = Metric(
    "platestream_gateway_camera_moves_info",
    "gauge",
    "1 for a camera that moves and may be without a network: it is not reported as silent.",
    (CAMERA,),
    shown_by=("gateway",),
    debugging=True,
)
GATEWAY_DRIFT = Metric(
    "platestream_gateway_clock_drift_seconds",
    "gauge",
    "By how much a camera's clock is behind ours; negative where it is ahead.",
    (CAMERA,),
    shown_by=("gateway",),
)
GATEWAY_PICTURE_FAULT = Metric(
    "platestream_gateway_picture_fault_info",
    "gauge",
    "1 while a camera's picture has the fault.",
    (CAMERA, Label("fault", ("moved", "blurred", "dark", "covered"))),
    shown_by=("gateway",),
)
GATEWAY_SPOOL = Metric(
    "platestream_gateway_spool_bytes",
    "gauge",
    "Frames that wait for the broker.",
    shown_by=("gateway",),
)
GATEWAY_SPOOL_LIMIT = Metric(
    "platestream_gateway_spool_limit_bytes",
    "gauge",
    "What the spool holds at most; beyond it the oldest frames are dropped.",
    shown_by=("gateway",),
)

# The hot list and its hits
HOTLIST_ENTRIES = Metric(
    "platestream_hotlist_entries",
    "gauge",
    "Entries in force, as the match flow holds them.",
    (SOURCE,),
    shown_by=("match",),
)
HOTLIST_EXPIRING = Metric(
    "platestream_hotlist_expiring_entries",
    "gauge",
    "Of these, entries that end within 7 days.",
    (SOURCE,),
    shown_by=("match",),
)
HOTLIST_CHANGES = Metric(
    "platestream_hotlist_changes_total",
    "counter",
    "Entries added, changed and removed since the list was loaded.",
    (SOURCE, Label("change", ("added", "changed", "removed"))),
    shown_by=("match",),
)
HOTLIST_IMPORTED = Metric(
    "platestream_hotlist_source_imported_timestamp_seconds",
    "gauge",
    "When the list of a source was last imported completely.",
    (SOURCE,),
    shown_by=("match",),
)
HOTLIST_LATE_AFTER = Metric(
    "platestream_hotlist_source_late_after_seconds",
    "gauge",
    "Time without an import after which the feed of a source is late, where one is registered.",
    (SOURCE,),
    shown_by=("match",),
)
LOADING = Metric(
    "platestream_changelog_parts_loading",
    "gauge",
    "Parts of hot list and registry not yet loaded: reads wait.",
    shown_by=("match", "notify", "audit"),
)
ALERT_HITS = Metric(
    "platestream_alert_hits_total",
    "counter",
    "Alert hits published, by how read and entry met; historical: captured before the entry was listed.",
    (
        Label("match", ("exact", "look_alike", "alternative", "partial", "description")),
        Label("historical", ("yes", "no")),
    ),
    shown_by=("match",),
)
HITS_WITHHELD = Metric(
    "platestream_hits_withheld_total",
    "counter",
    "Reads that met an entry and did not alert, because its source or category is not designated.",
    (SOURCE,),
    shown_by=("match",),
)
ALERT_DELAY = Metric(
    "platestream_alert_delay_seconds",
    "histogram",
    "From capture to the alert hit's publication; without historical ones.",
    buckets=DELAYS,
    shown_by=("match",),
)

NOTIFICATIONS = Metric(
    "platestream_notifications_total",
    "counter",
    "Decisions about one hit and one receiver: delivered, given up (failed), or not to be notified and why.",
    (
        Label("outcome", get_args(Outcome)),
        Label("priority", ("1", "2", "3", "4", "5")),
    ),
    shown_by=("notify",),
)
NOTIFICATION_DELAY = Metric(
    "platestream_notification_delay_seconds",
    "histogram",
    "From the capture of a vehicle to the delivery of the notification.",
    buckets=DELAYS,
    shown_by=("notify",),
)

NOTIFICATION_SECONDS = Metric(
    "platestream_notification_sending_seconds",
    "histogram",
    "From when the notify flow took a hit to its delivery; what waited for a dead receiver is in it.",
    buckets=DELAYS,
    shown_by=("notify",),
)
ON_SHIFT = Metric(
    "platestream_open_shifts",
    "gauge",
    "Officers who are logged in for their shift; 0: no officer hears of an alert hit.",
    shown_by=("notify",),
)
HIT_PRECISION = Metric(
    "platestream_hit_precision_ratio",
    "gauge",
    "Of the hits of 90 days that officers compared with the vehicle, the share that was right, low and high.",
    (SOURCE, Label("bound", ("share", "low", "high"))),
    shown_by=("retention",),
)

DEPLOYMENT_FINDINGS = Metric(
    "platestream_deployment_findings_total",
    "counter",
    "Cameras and special details found to work without approval, and cameras in sensitive places, once for "
    "each camera, rule and day.",
    (Label("rule", get_args(Rule)),),
    shown_by=("recognize",),
)

# Acts of people
HIT_ACTIONS = Metric(
    "platestream_hit_actions_total",
    "counter",
    "Steps of verification and disposition recorded.",
    (Label("kind", get_args(ActionKind)),),
    shown_by=("audit",),
)
INQUIRIES = Metric(
    "platestream_inquiries_total",
    "counter",
    "Inquiries and other acts sealed, by kind and outcome, of people and of the machine by itself.",
    (
        Label("kind", INQUIRY_KINDS),
        Label("outcome", ("allowed", "refused")),
        Label("by", ("person", "machine")),
    ),
    shown_by=("audit",),
)
FINDINGS = Metric(
    "platestream_inquiry_findings_total",
    "counter",
    "What the checks of inquiries found.",
    (Label("rule", FINDING_RULES), Label("grade", ("breach", "unusual", "note"))),
    shown_by=("audit",),
)
SEALED_UNTIL = Metric(
    "platestream_inquiries_sealed_timestamp_seconds",
    "gauge",
    "When every inquiry of the log had its seal.",
    shown_by=("audit",),
)

# Lists between agencies
PARTNER_UNTOLD = Metric(
    "platestream_partner_untold_timestamp_seconds",
    "gauge",
    "Since when an agency was not notified of something: an entry that is offered, has changed or ended, "
    "or a hit on one of its own; while there is nothing, now.",
    (Label("agency", most=100),),
    shown_by=("partners",),
    debugging=True,
)

# The published log
LOG_PUBLISHED = Metric(
    "platestream_log_published_timestamp_seconds",
    "gauge",
    "When the published head last had every sealed inquiry.",
    shown_by=("publish",),
)
LOG_ENTRIES = Metric(
    "platestream_log_entries",
    "gauge",
    "Entries under the published head.",
    shown_by=("publish",),
    debugging=True,
)
LOG_REFUSED = Metric(
    "platestream_log_refused",
    "gauge",
    "1 while nothing may be signed, because what is here does not go on from what was published; else 0.",
    shown_by=("publish",),
)
LOG_COSIGNED = Metric(
    "platestream_log_cosigned_timestamp_seconds",
    "gauge",
    "When a witness last cosigned a head; before the first, when this process first asked.",
    (Label("witness", most=20),),
    shown_by=("publish",),
)
LOG_STAMPED = Metric(
    "platestream_log_stamped_timestamp_seconds",
    "gauge",
    "When the newest head last had a time stamp (RFC 3161), where an authority is named.",
    shown_by=("publish",),
    debugging=True,
)

# Retention
OLDEST_ROW = Metric(
    "platestream_retention_oldest_row_timestamp_seconds",
    "gauge",
    "The time from which the oldest row left in a table counts its age; of an empty table, now.",
    (EXPIRING,),
    shown_by=("retention",),
)
RETENTION_PERIOD = Metric(
    "platestream_retention_period_seconds",
    "gauge",
    "Retention period of the profile, which RetentionLate compares with.",
    shown_by=("retention",),
    debugging=True,
)
RETENTION_RUN = Metric(
    "platestream_retention_last_run_timestamp_seconds",
    "gauge",
    "When the retention job last ended well: with a receipt without faults.",
    shown_by=("retention",),
)
RETENTION_STOPPED = Metric(
    "platestream_retention_clock_stopped_info",
    "gauge",
    "1 while the retention job deletes nothing because the database's clock may be wrong.",
    shown_by=("retention",),
    debugging=True,
)
RETENTION_DELETED = Metric(
    "platestream_retention_rows_deleted_total",
    "counter",
    "Rows that the retention job deleted.",
    (EXPIRING,),
    shown_by=("retention",),
)
AUDIT_DUE = Metric(
    "platestream_audit_due_timestamp_seconds",
    "gauge",
    "By when the next audit is to be filed, or figures are to be published: the yearly audit, and those that "
    "the profile asks for besides.",
    (Label("rhythm", most=20), Label("step", ("file", "publish"))),
    shown_by=("retention",),
    debugging=True,
)

# State of the flows
DEAD_LETTERS = Metric(
    "platestream_dead_letters_total",
    "counter",
    "Messages refused, by topic and reason.",
    (TOPIC, Label("reason", REASONS)),
    shown_by=FLOWS,
)
TOPIC_LAG = Metric(
    "platestream_topic_lag_messages",
    "gauge",
    "Messages of a partition that the flow has not read yet (Kafka).",
    (TOPIC, Label("partition", most=64)),
    shown_by=FLOWS,
)
TOPIC_LAST_MESSAGE = Metric(
    "platestream_topic_last_message_timestamp_seconds",
    "gauge",
    "When the flow last got a message of a topic.",
    (TOPIC,),
    shown_by=FLOWS,
)
SINK_RETRIES = Metric(
    "platestream_sink_retries_total",
    "counter",
    "Inserts that failed for a passing reason and were tried again.",
    (TABLE,),
    shown_by=FLOWS,
)
ROWS_WRITTEN = Metric(
    "platestream_rows_written_total",
    "counter",
    "Rows inserted, replays included.",
    (TABLE,),
    debugging=True,
    shown_by=FLOWS,
)
RECORDS_WRITTEN = Metric(
    "platestream_records_written_total",
    "counter",
    "Records that the broker or the topic's file acknowledged, replays included.",
    (TOPIC,),
    debugging=True,
    shown_by=FLOWS,
)
TOPIC_DROPPED = Metric(
    "platestream_topic_dropped_total",
    "counter",
    "Oldest messages that had to go because the topic's file held its most bytes.",
    (TOPIC,),
    shown_by=FLOWS,
)
RECOVERY_BYTES = Metric(
    "platestream_recovery_store_bytes", "gauge", "Size of the flow's recovery store.", shown_by=FLOWS
)
DISK_FREE = Metric(
    "platestream_disk_free_ratio",
    "gauge",
    "Free share of the disk that holds the folder.",
    (Label("folder", ("recovery", "data")),),
    shown_by=FLOWS,
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
