"""Operations: is everything that should be read being read, and in time?"""

from services.boards.panel import Board, Panel

_INF = float("-inf")

OPERATIONS = Board(
    "platestream-operations",
    "Operations",
    "What cameras send, how fast it is read, and what waits or was refused.",
    24,
    (
        Panel(
            "Vehicle passes",
            "figure",
            "Vehicles detected in the time shown.",
            "none though cameras run: see Time since the last pass, then Frames and Refused.",
            sql="""
SELECT uniqCombined64Merge(passes) AS passes FROM platestream.traffic WHERE $__timeFilter(step)
""",
            width=6,
        ),
        Panel(
            "Time since the last pass",
            "figure",
            "Age of the newest detection of any camera.",
            "minutes at a busy hour: is recognize up, do frames wait (Messages that wait), do cameras send?",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', max(latest), now64(3))) AS age
FROM platestream.camera_hours WHERE hour >= toStartOfHour($__fromTime)
""",
            unit="s",
            steps=((_INF, "green"), (900.0, "orange"), (3600.0, "red")),
            empty="No pass in this time",
            width=6,
        ),
        Panel(
            "Cameras seen",
            "figure",
            "Cameras with a pass in the time shown.",
            "fewer than you have: the table Cameras has the silent ones first.",
            sql="SELECT uniqExact(camera_id) AS cameras FROM platestream.camera_hours WHERE $__timeFilter(hour)",
            width=6,
        ),
        Panel(
            "Refused messages",
            "figure",
            "Dead letters of the time shown; they are kept for 7 days.",
            "more than a few: Refused by reason says what is wrong with them.",
            sql="SELECT count() AS refused FROM platestream.dead_letters WHERE $__timeFilter_ms(received_at)",
            steps=((_INF, "green"), (10.0, "orange"), (1000.0, "red")),
            width=6,
        ),
        Panel(
            "Vehicle passes by time",
            "series",
            "Vehicles detected, by step of time.",
            "a hole: nothing was sent, or nothing was read. Compare with Frames.",
            sql="""
SELECT $__timeInterval(step) AS time, uniqCombined64Merge(passes) AS passes
FROM platestream.traffic WHERE $__timeFilter(step) GROUP BY time ORDER BY time
""",
        ),
        Panel(
            "From capture to the table",
            "series",
            "Seconds from the first frame of a pass until the detection is stored, half and 95 % of them.",
            "over some seconds: frames wait (Messages that wait), reading is slow (Time in each stage), or a "
            "camera sent late what it had kept.",
            sql="""
SELECT $__timeInterval(step) AS time,
    quantilesTDigestMerge(0.5, 0.95)(delay)[1] AS half, quantilesTDigestMerge(0.5, 0.95)(delay)[2] AS most
FROM platestream.traffic WHERE $__timeFilter(step) GROUP BY time ORDER BY time
""",
            unit="s",
        ),
        Panel(
            "How sure the reads are",
            "series",
            "Mean confidence, and the mean share of a pass's frames that read the very plate published.",
            "a fall: dirt, aim, light or focus of cameras, or another model.",
            sql="""
SELECT $__timeInterval(step) AS time, avgMerge(confidence) AS confidence, avgMerge(agreement) AS agreement
FROM platestream.traffic WHERE $__timeFilter(step) GROUP BY time ORDER BY time
""",
            unit="percentunit",
        ),
        Panel(
            "Refused by reason",
            "bars",
            "Dead letters by topic and reason.",
            "docs/runbook.md, DeadLettersRising, has what each reason tells of.",
            sql="""
SELECT concat(topic, ': ', reason) AS why, count() AS refused
FROM platestream.dead_letters WHERE $__timeFilter_ms(received_at) GROUP BY why ORDER BY refused DESC LIMIT 10
""",
            empty="Nothing was refused",
        ),
        Panel(
            "Cameras on the map",
            "map",
            "Where cameras are, and the seconds since their last pass.",
            "a red one has been silent for an hour: power, network, gateway, clock.",
            sql="""
SELECT camera_id AS camera, anyLast(latitude) AS latitude, anyLast(longitude) AS longitude,
    dateDiff('second', max(latest), now64(3)) AS age
FROM platestream.camera_hours WHERE $__timeFilter(hour) GROUP BY camera ORDER BY camera LIMIT 500
""",
            unit="s",
            steps=((_INF, "green"), (900.0, "orange"), (3600.0, "red")),
            empty="No camera in this time",
        ),
        Panel(
            "Cameras",
            "table",
            "Cameras of the last 7 days, the longest silent first.",
            "a camera at the top that should run: power, network, gateway, clock; then the alert CameraSilent.",
            sql="""
SELECT camera_id AS camera, max(latest) AS last_pass, dateDiff('second', last_pass, now64(3)) AS age_s,
    uniqCombined64MergeIf(passes, $__timeFilter(hour)) AS passes
FROM platestream.camera_hours WHERE hour > now() - INTERVAL 7 DAY GROUP BY camera ORDER BY last_pass LIMIT 50
""",
            empty="No camera in 7 days",
        ),
        Panel(
            "Frames",
            "series",
            "Frames a second, by camera.",
            "a line at zero: that camera. All at zero: gateways, network, Kafka, recognize (alert NoFrames).",
            promql="sum by (camera) (rate(platestream_frames_total[$__rate_interval]))",
            legend="camera",
        ),
        Panel(
            "Age of the last frame",
            "bars",
            "Seconds since the newest frame of each camera, by its capture time.",
            "minutes: that camera is silent, its clock is behind, or frames wait.",
            promql="time() - max by (camera) (platestream_camera_last_frame_timestamp_seconds)",
            legend="camera",
            unit="s",
            steps=((_INF, "green"), (900.0, "orange"), (3600.0, "red")),
        ),
        Panel(
            "Frames with a plate",
            "series",
            "Frames read a second, with a plate and with nothing, and plates read in them.",
            "only nothing: the camera's aim or light, or the model.",
            promql="sum by (found) (rate(platestream_frames_read_total[$__rate_interval]))",
            legend="found",
        ),
        Panel(
            "Plates read and passes published",
            "series",
            "Reads a second before they are merged, and detections a second.",
            "many reads a pass: a vehicle stands in view; none: see Frames with a plate.",
            promql='label_replace(sum(rate(platestream_reads_total[$__rate_interval])), "what", "reads", "", "") '
            "or label_replace(sum(rate(platestream_detections_total[$__rate_interval])), "
            '"what", "passes", "", "")',
            legend="what",
        ),
        Panel(
            "Frames at the gateways",
            "series",
            "Pictures a second that reached the gateways, by what became of them.",
            "spooled without sent: the broker is away. refused, too_fast: docs/runbook.md, FramesRefused.",
            promql="sum by (outcome) (rate(platestream_gateway_frames_total[$__rate_interval]))",
            legend="outcome",
            empty="No gateway is scraped",
        ),
        Panel(
            "Age of the last picture at the gateway",
            "bars",
            "Seconds since the gateway got a picture from each camera, changed or not.",
            "minutes: docs/runbook.md, GatewayCameraSilent. Short here and long in Age of the last frame: frames wait.",
            promql="time() - max by (camera) (platestream_gateway_last_frame_timestamp_seconds)",
            legend="camera",
            unit="s",
            steps=((_INF, "green"), (60.0, "orange"), (900.0, "red")),
            empty="No gateway is scraped",
        ),
        Panel(
            "Waiting at the gateways",
            "figure",
            "How full the fullest spool is.",
            "over a half: docs/runbook.md, SpoolFilling.",
            promql="max(platestream_gateway_spool_bytes / platestream_gateway_spool_limit_bytes)",
            unit="percentunit",
            steps=((_INF, "green"), (0.1, "orange"), (0.5, "red")),
            empty="No gateway is scraped",
        ),
        Panel(
            "Lost at the gateways",
            "series",
            "Frames of an hour that were lost after they were acknowledged, by camera.",
            "anything: docs/runbook.md, FramesDropped and FramesUndeliverable.",
            promql='sum by (camera) (increase(platestream_gateway_frames_total{outcome=~"full|expired|undeliverable"}[1h]))',
            legend="camera",
            empty="No gateway is scraped",
        ),
        Panel(
            "Cameras' clocks",
            "bars",
            "Seconds by which each camera's clock is off, behind or ahead.",
            "over 5 s: docs/runbook.md, CameraClockWrong.",
            promql="abs(max by (camera) (platestream_gateway_clock_drift_seconds))",
            legend="camera",
            unit="s",
            steps=((_INF, "green"), (2.0, "orange"), (5.0, "red")),
            empty="No camera tells the time, or no gateway is scraped",
        ),
        Panel(
            "Dropped by topics that were full",
            "series",
            "Messages of an hour that went unread because a topic's file held its most bytes.",
            "anything: docs/runbook.md, TopicDropped.",
            promql="sum by (topic) (increase(platestream_topic_dropped_total[1h]))",
            legend="topic",
        ),
        Panel(
            "Time in each stage",
            "series",
            "Seconds, 95th percentile: decode and recognize a frame; insert and publish a batch.",
            "recognize over 2 s: docs/runbook.md, OcrSlow. insert: ClickHouse or its disk. publish: Kafka.",
            promql="histogram_quantile(0.95, sum by (le, stage) "
            "(rate(platestream_stage_seconds_bucket[$__rate_interval])))",
            legend="stage",
            unit="s",
        ),
        Panel(
            "From capture to reading and publishing",
            "series",
            "Seconds, 95th percentile: until a frame is read, and until its pass is published.",
            "reading is late: frames wait. Publishing is later than reading by over 5 s: a vehicle stands in view.",
            promql="label_replace(histogram_quantile(0.95, sum by (le) "
            '(rate(platestream_frame_delay_seconds_bucket[$__rate_interval]))), "what", "read", "", "") '
            "or label_replace(histogram_quantile(0.95, sum by (le) "
            '(rate(platestream_detection_delay_seconds_bucket[$__rate_interval]))), "what", "published", "", "")',
            legend="what",
            unit="s",
        ),
        Panel(
            "Messages that wait",
            "series",
            "Messages of each topic that its flow has not read (Kafka).",
            "a line that rises: docs/runbook.md, LagGrowing.",
            promql="sum by (topic) (platestream_topic_lag_messages)",
            legend="topic",
            empty="No lag is known: topics are files here, or no flow runs",
        ),
        Panel(
            "Since the last message",
            "bars",
            "Seconds since a flow got a message of each topic.",
            "frames or detections silent for minutes at a busy hour: who writes that topic?",
            promql="time() - max by (topic) (platestream_topic_last_message_timestamp_seconds)",
            legend="topic",
            unit="s",
        ),
        Panel(
            "Confidence and agreement, by the flows",
            "series",
            "Median confidence of detections and median agreement of their frames.",
            "a fall: dirt, aim, light or focus of cameras, or another model.",
            promql="label_replace(histogram_quantile(0.5, sum by (le) "
            '(rate(platestream_detection_confidence_ratio_bucket[$__rate_interval]))), "what", "sure", "", "") '
            "or label_replace(histogram_quantile(0.5, sum by (le) "
            '(rate(platestream_detection_agreement_ratio_bucket[$__rate_interval]))), "what", "agree", "", "")',
            legend="what",
            unit="percentunit",
        ),
        Panel(
            "Refused, as it happens",
            "series",
            "Messages refused in 5 minutes, by reason.",
            "docs/runbook.md, DeadLettersRising.",
            promql="sum by (reason) (increase(platestream_dead_letters_total[5m])) > 0",
            legend="reason",
            empty="Nothing was refused",
        ),
        Panel(
            "Inserts tried again",
            "series",
            "Inserts of 5 minutes that failed for a passing reason, by table.",
            "ClickHouse is down, busy or full; flows wait 5 minutes and then restart, nothing is lost.",
            promql="sum by (table) (increase(platestream_sink_retries_total[5m])) > 0",
            legend="table",
            empty="None",
        ),
        Panel(
            "Recovery stores",
            "series",
            "Bytes of each flow's recovery store.",
            "growth without end: more cameras or buckets than it should have; tell the maintainers.",
            promql="max by (flow) (platestream_recovery_store_bytes)",
            legend="flow",
            unit="bytes",
        ),
        Panel(
            "Free disk",
            "bars",
            "Free share of the disks that flows write to.",
            "under a tenth: docs/runbook.md, DiskFilling.",
            promql="min by (folder) (platestream_disk_free_ratio)",
            legend="folder",
            unit="percentunit",
            steps=((_INF, "red"), (0.1, "orange"), (0.2, "green")),
        ),
        Panel(
            "Flows",
            "bars",
            "1: the process answers, 0: it does not.",
            "0: docs/runbook.md, FlowDown.",
            promql='max by (flow) (up{job=~"flows|retention|cameras"})',
            legend="flow",
            steps=((_INF, "red"), (1.0, "green")),
        ),
        Panel(
            "Memory",
            "series",
            "Bytes that each flow's process holds.",
            "growth over days: restart the flow, tell the maintainers.",
            promql="max by (flow) (process_resident_memory_bytes)",
            legend="flow",
            unit="bytes",
        ),
        Panel(
            "Items through the steps",
            "series",
            "Items a second out of each step of the flows, by Bytewax.",
            "a step that gives nothing while the one before it does: that one is stuck.",
            promql="sum by (step_id) (rate(bytewax_item_out_count_total[$__rate_interval])) > 0",
            legend="step_id",
            empty="No flow runs under bytewax.run here",
        ),
        Panel(
            "Models in use",
            "bars",
            "What reads plates, detector and recogniser.",
            "not what was meant: PLATESTREAM_MODELS of recognize.",
            promql="max by (model) (platestream_model_info)",
            legend="model",
        ),
    ),
)
