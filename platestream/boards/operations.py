"""The board Operations: frames, passes, delays, and rejected messages."""

from platestream.boards.panel import Board, bars, figure, map_, series, table

_INF = float("-inf")

OPERATIONS = Board(
    "platestream-operations",
    "Operations",
    "Frames of cameras, speed of reading, and waiting or rejected messages.",
    24,
    (
        figure(
            "Vehicle passes",
            "Vehicles detected in the time shown.",
            "none though cameras run: see Time since the last pass, then Frames and Rejected messages.",
            sql="""
SELECT uniqCombined64Merge(passes) AS passes FROM platestream.traffic WHERE $__timeFilter(step)
""",
        ),
        figure(
            "Time since the last pass",
            "Age of the newest detection of any camera.",
            "minutes at a busy hour: is recognize up, do frames wait (Waiting messages), do cameras send?",
            sql="""
SELECT if(count() = 0, NULL, dateDiff('second', max(latest), now64(3))) AS age
FROM platestream.camera_hours WHERE hour >= toStartOfHour($__fromTime)
""",
            unit="s",
            steps=((_INF, "green"), (900.0, "orange"), (3600.0, "red")),
            empty="No pass in this time",
        ),
        figure(
            "Cameras seen",
            "Cameras with a pass in the time shown.",
            "fewer than you have: the table Cameras has the silent ones first.",
            sql="SELECT uniqExact(camera_id) AS cameras FROM platestream.camera_hours WHERE $__timeFilter(hour)",
        ),
        figure(
            "Rejected messages",
            "Dead letters of the time shown; they are stored for 7 days.",
            "more than a few: Rejected by reason says what is wrong with them.",
            sql="SELECT count() AS refused FROM platestream.dead_letters WHERE $__timeFilter_ms(received_at)",
            steps=((_INF, "green"), (10.0, "orange"), (1000.0, "red")),
        ),
        series(
            "Vehicle passes by time",
            "Vehicles detected, by step of time.",
            "a hole: nothing was sent, or nothing was read. Compare with Frames.",
            sql="""
SELECT $__timeInterval(step) AS time, uniqCombined64Merge(passes) AS passes
FROM platestream.traffic WHERE $__timeFilter(step) GROUP BY time ORDER BY time
""",
        ),
        series(
            "From capture to the table",
            "Seconds from the first frame of a pass until the detection is stored, half and 95 % of them.",
            "over some seconds: frames wait (Waiting messages), reading is slow (Time in each stage), or a "
            "camera sent stored frames late.",
            sql="""
SELECT $__timeInterval(step) AS time,
    quantilesTDigestMerge(0.5, 0.95)(delay)[1] AS half, quantilesTDigestMerge(0.5, 0.95)(delay)[2] AS most
FROM platestream.traffic WHERE $__timeFilter(step) GROUP BY time ORDER BY time
""",
            unit="s",
        ),
        series(
            "Confidence of reads",
            "Mean confidence, and the mean share of a pass's frames that read the published plate.",
            "a fall: dirt, aim, light or focus of cameras, or another model.",
            sql="""
SELECT $__timeInterval(step) AS time, avgMerge(confidence) AS confidence, avgMerge(agreement) AS agreement
FROM platestream.traffic WHERE $__timeFilter(step) GROUP BY time ORDER BY time
""",
            unit="percentunit",
        ),
        bars(
            "Rejected by reason",
            "Dead letters by topic and reason.",
            "DeadLettersRising in the runbook explains each reason.",
            sql="""
SELECT concat(topic, ': ', reason) AS why, count() AS refused
FROM platestream.dead_letters WHERE $__timeFilter_ms(received_at) GROUP BY why ORDER BY refused DESC LIMIT 10
""",
            empty="Nothing was rejected",
        ),
        map_(
            "Cameras on the map",
            "Locations of cameras, and the seconds since their last pass.",
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
        table(
            "Cameras",
            "Cameras of the last 7 days, the longest silent first.",
            "a camera at the top that should run: power, network, gateway, clock; then the alert CameraSilent.",
            sql="""
SELECT camera_id AS camera, max(latest) AS last_pass, dateDiff('second', last_pass, now64(3)) AS age_s,
    uniqCombined64MergeIf(passes, $__timeFilter(hour)) AS passes
FROM platestream.camera_hours WHERE hour > now() - INTERVAL 7 DAY GROUP BY camera ORDER BY last_pass LIMIT 50
""",
            empty="No camera in 7 days",
        ),
        series(
            "Frames",
            "Frames a second, by camera.",
            "a line at zero: that camera. All at zero: gateways, network, Kafka, recognize (alert NoFrames).",
            promql="sum by (camera) (rate(platestream_frames_total[$__rate_interval]))",
            legend="camera",
        ),
        bars(
            "Age of the last frame",
            "Seconds since the newest frame of each camera, by its capture time.",
            "minutes: that camera is silent, its clock is behind, or frames wait.",
            promql="time() - max by (camera) (platestream_camera_last_frame_timestamp_seconds)",
            legend="camera",
            unit="s",
            steps=((_INF, "green"), (900.0, "orange"), (3600.0, "red")),
        ),
        series(
            "Frames with a plate",
            "Frames read a second, with a plate and with nothing, and plates read in them.",
            "only nothing: the camera's aim or light, or the model.",
            promql="sum by (found) (rate(platestream_frames_read_total[$__rate_interval]))",
            legend="found",
        ),
        series(
            "Plates read and passes published",
            "Reads a second before they are merged, and detections a second.",
            "many reads a pass: a vehicle remains in view; none: see Frames with a plate.",
            promql='label_replace(sum(rate(platestream_reads_total[$__rate_interval])), "what", "reads", "", "") '
            "or label_replace(sum(rate(platestream_detections_total[$__rate_interval])), "
            '"what", "passes", "", "")',
            legend="what",
        ),
        series(
            "Frames at the gateways",
            "Pictures a second that reached the gateways, by outcome.",
            "spooled without sent: the broker is away. refused, too_fast: see FramesRefused in the runbook.",
            promql="sum by (outcome) (rate(platestream_gateway_frames_total[$__rate_interval]))",
            legend="outcome",
            empty="No gateway is scraped",
        ),
        bars(
            "Age of the last picture at the gateway",
            "Seconds since the gateway got a picture from each camera, changed or not.",
            "minutes: see GatewayCameraSilent in the runbook. Short here and long in Age of the last frame: frames wait.",
            promql="time() - max by (camera) (platestream_gateway_last_frame_timestamp_seconds)",
            legend="camera",
            unit="s",
            steps=((_INF, "green"), (60.0, "orange"), (900.0, "red")),
            empty="No gateway is scraped",
        ),
        bars(
            "Pictures at fault",
            "Cameras whose picture is moved, blurred, dark or covered.",
            "any: see CameraPictureFault in the runbook.",
            promql="max by (camera) (platestream_gateway_picture_fault_info) > 0",
            legend="camera",
            empty="No picture is at fault, or no gateway is scraped",
        ),
        figure(
            "Waiting at the gateways",
            "How full the fullest spool is.",
            "over a half: see SpoolFilling in the runbook.",
            promql="max(platestream_gateway_spool_bytes / platestream_gateway_spool_limit_bytes)",
            unit="percentunit",
            steps=((_INF, "green"), (0.1, "orange"), (0.5, "red")),
            empty="No gateway is scraped",
            width=12,
        ),
        series(
            "Lost at the gateways",
            "Frames of an hour that were lost after they were acknowledged, by camera.",
            "anything: see FramesDropped and FramesUndeliverable in the runbook.",
            promql='sum by (camera) (increase(platestream_gateway_frames_total{outcome=~"full|expired|undeliverable"}[1h]))',
            legend="camera",
            empty="No gateway is scraped",
        ),
        bars(
            "Cameras' clocks",
            "Seconds by which each camera's clock is off, behind or ahead.",
            "over 5 s: see CameraClockWrong in the runbook.",
            promql="abs(max by (camera) (platestream_gateway_clock_drift_seconds))",
            legend="camera",
            unit="s",
            steps=((_INF, "green"), (2.0, "orange"), (5.0, "red")),
            empty="No camera reports its time, or no gateway is scraped",
        ),
        series(
            "Dropped by full topics",
            "Messages of an hour that went unread because a topic's file held its most bytes.",
            "anything: see TopicDropped in the runbook.",
            promql="sum by (topic) (increase(platestream_topic_dropped_total[1h]))",
            legend="topic",
        ),
        series(
            "Time in each stage",
            "Seconds, 95th percentile: decode and recognize a frame; insert and publish a batch.",
            "recognize over 2 s: see OcrSlow in the runbook. insert: ClickHouse or its disk. publish: Kafka.",
            promql="histogram_quantile(0.95, sum by (le, stage) "
            "(rate(platestream_stage_seconds_bucket[$__rate_interval])))",
            legend="stage",
            unit="s",
        ),
        series(
            "From capture to reading and publishing",
            "Seconds, 95th percentile: until a frame is read, and until its pass is published.",
            "reading is late: frames wait. Publishing is over 5 s later than reading: a vehicle remains in view.",
            promql="label_replace(histogram_quantile(0.95, sum by (le) "
            '(rate(platestream_frame_delay_seconds_bucket[$__rate_interval]))), "what", "read", "", "") '
            "or label_replace(histogram_quantile(0.95, sum by (le) "
            '(rate(platestream_detection_delay_seconds_bucket[$__rate_interval]))), "what", "published", "", "")',
            legend="what",
            unit="s",
        ),
        series(
            "Waiting messages",
            "Messages of each topic that its flow has not read (Kafka).",
            "a line that rises: see LagGrowing in the runbook.",
            promql="sum by (topic) (platestream_topic_lag_messages)",
            legend="topic",
            empty="No lag is known: topics are files here, or no flow runs",
        ),
        bars(
            "Since the last message",
            "Seconds since a flow got a message of each topic.",
            "frames or detections silent for minutes at a busy hour: who writes that topic?",
            promql="time() - max by (topic) (platestream_topic_last_message_timestamp_seconds)",
            legend="topic",
            unit="s",
        ),
        series(
            "Confidence and agreement, by the flows",
            "Median confidence of detections and median agreement of their frames.",
            "a fall: dirt, aim, light or focus of cameras, or another model.",
            promql="label_replace(histogram_quantile(0.5, sum by (le) "
            '(rate(platestream_detection_confidence_ratio_bucket[$__rate_interval]))), "what", "sure", "", "") '
            "or label_replace(histogram_quantile(0.5, sum by (le) "
            '(rate(platestream_detection_agreement_ratio_bucket[$__rate_interval]))), "what", "agree", "", "")',
            legend="what",
            unit="percentunit",
        ),
        table(
            "Second opinion",
            "Passes of cameras that read by themselves: both read the same plate, different ones, or only one did.",
            "many that differ: aim, focus, light or firmware of that camera. Many unseen: let it send the picture.",
            sql="""
SELECT camera_id AS camera, uniqExactIf(detection_id, opinion = 'agree') AS agree,
    uniqExactIf(detection_id, opinion = 'disagree') AS disagree,
    uniqExactIf(detection_id, opinion = 'camera_only') AS camera_only,
    uniqExactIf(detection_id, opinion = 'reader_only') AS reader_only,
    uniqExactIf(detection_id, opinion = 'unseen') AS unseen
FROM platestream.detections WHERE $__timeFilter_ms(captured_at) AND opinion != ''
GROUP BY camera ORDER BY camera LIMIT 500
""",
            empty="No camera sends its own reads",
        ),
        series(
            "Second opinion, live",
            "Share of the passes in which camera and reader do not read the same plate.",
            "a jump: the camera was moved, or its firmware changed.",
            promql="sum by (camera) (rate(platestream_camera_opinions_total{opinion!='agree'}[$__rate_interval])) "
            "/ sum by (camera) (rate(platestream_camera_opinions_total[$__rate_interval]))",
            legend="camera",
            unit="percentunit",
            empty="No camera sends its own reads",
        ),
        series(
            "Rejected, live",
            "Messages rejected in 5 minutes, by reason.",
            "see DeadLettersRising in the runbook.",
            promql="sum by (reason) (increase(platestream_dead_letters_total[5m])) > 0",
            legend="reason",
            empty="Nothing was rejected",
        ),
        series(
            "Retried inserts",
            "Inserts of 5 minutes that failed temporarily, by table.",
            "ClickHouse is down, busy or full; flows wait 5 minutes and then restart, nothing is lost.",
            promql="sum by (table) (increase(platestream_sink_retries_total[5m])) > 0",
            legend="table",
            empty="None",
        ),
        series(
            "Recovery stores",
            "Bytes of each flow's recovery store.",
            "growth without end: more cameras or buckets than expected; notify the maintainers.",
            promql="max by (flow) (platestream_recovery_store_bytes)",
            legend="flow",
            unit="bytes",
        ),
        bars(
            "Free disk",
            "Free share of the disks that flows write to.",
            "under a tenth: see DiskFilling in the runbook.",
            promql="min by (folder) (platestream_disk_free_ratio)",
            legend="folder",
            unit="percentunit",
            steps=((_INF, "red"), (0.1, "orange"), (0.2, "green")),
        ),
        bars(
            "Flows",
            "1: the process answers, 0: it does not.",
            "0: see FlowDown in the runbook.",
            promql='max by (flow) (up{job=~"flows|retention|publish|gateways"})',
            legend="flow",
            steps=((_INF, "red"), (1.0, "green")),
        ),
        series(
            "Memory",
            "Bytes that each flow's process holds.",
            "growth over days: restart the flow, notify the maintainers.",
            promql="max by (flow) (process_resident_memory_bytes)",
            legend="flow",
            unit="bytes",
        ),
        series(
            "Items through the steps",
            "Items a second out of each step of the flows, by Bytewax.",
            "a step without output while the one before it has output: it is stuck.",
            promql="sum by (step_id) (rate(bytewax_item_out_count_total[$__rate_interval])) > 0",
            legend="step_id",
            empty="No flow runs under bytewax.run here",
        ),
        bars(
            "Models in use",
            "Models that read plates: detector and recognizer.",
            "not the intended ones: PLATESTREAM_MODELS of recognize.",
            promql="max by (model) (platestream_model_info)",
            legend="model",
        ),
    ),
)
