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


@dataclass(frozen=True)
class _Servers:
    """Flows and jobs that serve the same metrics, which these methods declare."""

    names: tuple[str, ...]

    def counter(self, name: str, meaning: str, *labels: Label, debugging: bool = False) -> Metric:
        return Metric(name, "counter", meaning, labels, shown_by=self.names, debugging=debugging)

    def gauge(self, name: str, meaning: str, *labels: Label, debugging: bool = False) -> Metric:
        return Metric(name, "gauge", meaning, labels, shown_by=self.names, debugging=debugging)

    def histogram(self, name: str, meaning: str, *labels: Label, buckets: tuple[float, ...]) -> Metric:
        return Metric(name, "histogram", meaning, labels, buckets, self.names)


_RECOGNIZE, _MATCH, _NOTIFY, _AUDIT = (_Servers((flow,)) for flow in FLOWS)
_FLOWS = _Servers(FLOWS)
_FOLLOWERS = _Servers(("match", "notify", "audit"))
_GATEWAY, _PARTNERS, _PUBLISH, _RETENTION = (
    _Servers((job,)) for job in ("gateway", "partners", "publish", "retention")
)

REASONS = (
    *("empty", "headers", "expired", "future", "bytes", "small", "pixels", "scans", "truncated"),
    "not_a_picture",
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
FRAMES = _RECOGNIZE.counter(
    "platestream_frames_total", "Accepted frames: complete headers, not too old.", CAMERA
)
CAMERA_LAST_FRAME = _RECOGNIZE.gauge(
    "platestream_camera_last_frame_timestamp_seconds", "Capture time of the newest frame of a camera.", CAMERA
)
FRAMES_READ = _RECOGNIZE.counter(
    "platestream_frames_read_total",
    "Frames read by the engine, by whether a plate was in them.",
    Label("found", ("plate", "nothing")),
)
FRAMES_DOUBLED = _RECOGNIZE.counter(
    "platestream_frames_doubled_total",
    "Frames that came again, as after a kill of the gateway: the first one counted.",
    CAMERA,
    debugging=True,
)
READS = _RECOGNIZE.counter("platestream_reads_total", "Plates read in frames, before they become passes.")
STAGE_SECONDS = _FLOWS.histogram(
    "platestream_stage_seconds",
    "Time that one item takes in a stage: a frame in decode and recognize, a write in insert and publish "
    "(a batch).",
    Label("stage", ("decode", "recognize", "insert", "publish")),
    buckets=SECONDS,
)
FRAME_DELAY = _RECOGNIZE.histogram(
    "platestream_frame_delay_seconds", "From the capture of a frame to its reading.", buckets=DELAYS
)
DETECTIONS = _RECOGNIZE.counter("platestream_detections_total", "Vehicle passes published.")
DETECTION_DELAY = _RECOGNIZE.histogram(
    "platestream_detection_delay_seconds",
    "From the first frame of a vehicle pass to its publication.",
    buckets=DELAYS,
)
CONFIDENCE = _RECOGNIZE.histogram(
    "platestream_detection_confidence_ratio", "Confidence of detections.", buckets=SHARES
)
AGREEMENT = _RECOGNIZE.histogram(
    "platestream_detection_agreement_ratio",
    "Share of a pass's frames that read the very plate published.",
    buckets=SHARES,
)
CAMERA_OPINIONS = _RECOGNIZE.counter(
    "platestream_camera_opinions_total",
    "Vehicle passes of cameras that read by themselves, by how their read compares with the reader's.",
    CAMERA,
    Label("opinion", OPINIONS),
)
MODEL = _RECOGNIZE.gauge("platestream_model_info", "1 for each model that reads.", Label("model", most=10))

# The camera gateway
TAKEN = ("spooled", "unchanged", "too_fast", "refused")
GATEWAY_OUTCOMES = (*TAKEN, "sent", "full", "expired", "undeliverable")
GATEWAY_FRAMES = _GATEWAY.counter(
    "platestream_gateway_frames_total",
    "Frames that reached the gateway, by what became of them; spooled ones are sent, or lost and counted so.",
    CAMERA,
    Label("outcome", GATEWAY_OUTCOMES),
)
GATEWAY_LAST_FRAME = _GATEWAY.gauge(
    "platestream_gateway_last_frame_timestamp_seconds",
    "When the gateway last got a picture from a camera, changed or not; ahead of the first, its start.",
    CAMERA,
)
GATEWAY_MOVES = _GATEWAY.gauge(
    "platestream_gateway_camera_moves_info",
    "1 for a camera that moves and may be without a network: it is not reported as silent.",
    CAMERA,
    debugging=True,
)
GATEWAY_DRIFT = _GATEWAY.gauge(
    "platestream_gateway_clock_drift_seconds",
    "By how much a camera's clock is behind ours; negative where it is ahead.",
    CAMERA,
)
GATEWAY_PICTURE_FAULT = _GATEWAY.gauge(
    "platestream_gateway_picture_fault_info",
    "1 while a camera's picture has the fault.",
    CAMERA,
    Label("fault", ("moved", "blurred", "dark", "covered")),
)
GATEWAY_SPOOL = _GATEWAY.gauge("platestream_gateway_spool_bytes", "Frames that wait for the broker.")
GATEWAY_SPOOL_LIMIT = _GATEWAY.gauge(
    "platestream_gateway_spool_limit_bytes",
    "What the spool holds at most; beyond it the oldest frames are dropped.",
)

# The hot list and its hits
HOTLIST_ENTRIES = _MATCH.gauge(
    "platestream_hotlist_entries", "Entries in force, as the match flow holds them.", SOURCE
)
HOTLIST_EXPIRING = _MATCH.gauge(
    "platestream_hotlist_expiring_entries", "Of these, entries that end within 7 days.", SOURCE
)
HOTLIST_CHANGES = _MATCH.counter(
    "platestream_hotlist_changes_total",
    "Entries added, changed and removed since the list was loaded.",
    SOURCE,
    Label("change", ("added", "changed", "removed")),
)
HOTLIST_IMPORTED = _MATCH.gauge(
    "platestream_hotlist_source_imported_timestamp_seconds",
    "When the list of a source was last imported completely.",
    SOURCE,
)
HOTLIST_LATE_AFTER = _MATCH.gauge(
    "platestream_hotlist_source_late_after_seconds",
    "Time without an import after which the feed of a source is late, where one is registered.",
    SOURCE,
)
LOADING = _FOLLOWERS.gauge(
    "platestream_changelog_parts_loading", "Parts of hot list and registry not yet loaded: reads wait."
)
ALERT_HITS = _MATCH.counter(
    "platestream_alert_hits_total",
    "Alert hits published, by how read and entry met; historical: captured before the entry was listed.",
    Label("match", ("exact", "look_alike", "alternative", "partial", "description")),
    Label("historical", ("yes", "no")),
)
HITS_WITHHELD = _MATCH.counter(
    "platestream_hits_withheld_total",
    "Reads that met an entry and did not alert, because its source or category is not designated.",
    SOURCE,
)
ALERT_DELAY = _MATCH.histogram(
    "platestream_alert_delay_seconds",
    "From capture to the alert hit's publication; without historical ones.",
    buckets=DELAYS,
)

NOTIFICATIONS = _NOTIFY.counter(
    "platestream_notifications_total",
    "Decisions about one hit and one receiver: delivered, given up (failed), or not to be notified and why.",
    Label("outcome", get_args(Outcome)),
    Label("priority", ("1", "2", "3", "4", "5")),
)
NOTIFICATION_DELAY = _NOTIFY.histogram(
    "platestream_notification_delay_seconds",
    "From the capture of a vehicle to the delivery of the notification.",
    buckets=DELAYS,
)

NOTIFICATION_SECONDS = _NOTIFY.histogram(
    "platestream_notification_sending_seconds",
    "From when the notify flow took a hit to its delivery; what waited for a dead receiver is in it.",
    buckets=DELAYS,
)
ON_SHIFT = _NOTIFY.gauge(
    "platestream_open_shifts",
    "Officers who are logged in for their shift; 0: no officer hears of an alert hit.",
)
HIT_PRECISION = _RETENTION.gauge(
    "platestream_hit_precision_ratio",
    "Of the hits of 90 days that officers compared with the vehicle, the share that was right, low and high.",
    SOURCE,
    Label("bound", ("share", "low", "high")),
)

DEPLOYMENT_FINDINGS = _RECOGNIZE.counter(
    "platestream_deployment_findings_total",
    "Cameras and special details found to work without approval, and cameras in sensitive places, once for "
    "each camera, rule and day.",
    Label("rule", get_args(Rule)),
)

# Acts of people
HIT_ACTIONS = _AUDIT.counter(
    "platestream_hit_actions_total",
    "Steps of verification and disposition recorded.",
    Label("kind", get_args(ActionKind)),
)
INQUIRIES = _AUDIT.counter(
    "platestream_inquiries_total",
    "Inquiries and other acts sealed, by kind and outcome, of people and of the machine by itself.",
    Label("kind", INQUIRY_KINDS),
    Label("outcome", ("allowed", "refused")),
    Label("by", ("person", "machine")),
)
FINDINGS = _AUDIT.counter(
    "platestream_inquiry_findings_total",
    "What the checks of inquiries found.",
    Label("rule", FINDING_RULES),
    Label("grade", ("breach", "unusual", "note")),
)
SEALED_UNTIL = _AUDIT.gauge(
    "platestream_inquiries_sealed_timestamp_seconds", "When every inquiry of the log had its seal."
)

# Lists between agencies
PARTNER_UNTOLD = _PARTNERS.gauge(
    "platestream_partner_untold_timestamp_seconds",
    "Since when an agency was not notified of something: an entry that is offered, has changed or ended, "
    "or a hit on one of its own; while there is nothing, now.",
    Label("agency", most=100),
    debugging=True,
)

# The published log
LOG_PUBLISHED = _PUBLISH.gauge(
    "platestream_log_published_timestamp_seconds", "When the published head last had every sealed inquiry."
)
LOG_ENTRIES = _PUBLISH.gauge("platestream_log_entries", "Entries under the published head.", debugging=True)
LOG_REFUSED = _PUBLISH.gauge(
    "platestream_log_refused",
    "1 while nothing may be signed, because what is here does not go on from what was published; else 0.",
)
LOG_COSIGNED = _PUBLISH.gauge(
    "platestream_log_cosigned_timestamp_seconds",
    "When a witness last cosigned a head; before the first, when this process first asked.",
    Label("witness", most=20),
)
LOG_STAMPED = _PUBLISH.gauge(
    "platestream_log_stamped_timestamp_seconds",
    "When the newest head last had a time stamp (RFC 3161), where an authority is named.",
    debugging=True,
)

# Retention
OLDEST_ROW = _RETENTION.gauge(
    "platestream_retention_oldest_row_timestamp_seconds",
    "The time from which the oldest row left in a table counts its age; of an empty table, now.",
    EXPIRING,
)
RETENTION_PERIOD = _RETENTION.gauge(
    "platestream_retention_period_seconds",
    "Retention period of the profile, which RetentionLate compares with.",
    debugging=True,
)
RETENTION_RUN = _RETENTION.gauge(
    "platestream_retention_last_run_timestamp_seconds",
    "When the retention job last ended well: with a receipt without faults.",
)
RETENTION_STOPPED = _RETENTION.gauge(
    "platestream_retention_clock_stopped_info",
    "1 while the retention job deletes nothing because the database's clock may be wrong.",
    debugging=True,
)
RETENTION_DELETED = _RETENTION.counter(
    "platestream_retention_rows_deleted_total", "Rows that the retention job deleted.", EXPIRING
)
AUDIT_DUE = _RETENTION.gauge(
    "platestream_audit_due_timestamp_seconds",
    "By when the next audit is to be filed, or figures are to be published: the yearly audit, and those that "
    "the profile asks for besides.",
    Label("rhythm", most=20),
    Label("step", ("file", "publish")),
    debugging=True,
)

# State of the flows
DEAD_LETTERS = _FLOWS.counter(
    "platestream_dead_letters_total",
    "Messages refused, by topic and reason.",
    TOPIC,
    Label("reason", REASONS),
)
TOPIC_LAG = _FLOWS.gauge(
    "platestream_topic_lag_messages",
    "Messages of a partition that the flow has not read yet (Kafka).",
    TOPIC,
    Label("partition", most=64),
)
TOPIC_LAST_MESSAGE = _FLOWS.gauge(
    "platestream_topic_last_message_timestamp_seconds", "When the flow last got a message of a topic.", TOPIC
)
SINK_RETRIES = _FLOWS.counter(
    "platestream_sink_retries_total", "Inserts that failed for a passing reason and were tried again.", TABLE
)
ROWS_WRITTEN = _FLOWS.counter(
    "platestream_rows_written_total", "Rows inserted, replays included.", TABLE, debugging=True
)
RECORDS_WRITTEN = _FLOWS.counter(
    "platestream_records_written_total",
    "Records that the broker or the topic's file acknowledged, replays included.",
    TOPIC,
    debugging=True,
)
TOPIC_DROPPED = _FLOWS.counter(
    "platestream_topic_dropped_total",
    "Oldest messages that had to go because the topic's file held its most bytes.",
    TOPIC,
)
RECOVERY_BYTES = _FLOWS.gauge("platestream_recovery_store_bytes", "Size of the flow's recovery store.")
DISK_FREE = _FLOWS.gauge(
    "platestream_disk_free_ratio",
    "Free share of the disk that holds the folder.",
    Label("folder", ("recovery", "data")),
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
