"""The board Audit: searches and their documentation, findings of the checks, and integrity of the log."""

from platestream.boards.panel import Board, bars, figure, series, table
from platestream.schemas.acts import ACTS, BROWSING

_LOOKS = ", ".join(f"'{name}'" for name in BROWSING)
_DOCUMENTED = ", ".join(f"'{act.name}'" for act in ACTS if act.documented)
_INF = float("-inf")

AUDIT = Board(
    "platestream-audit",
    "Audit",
    "Inquiries and other acts of people by role and agency, automatic acts, and findings. No names are shown.",
    24 * 30,
    (
        figure(
            "Inquiries",
            "Inquiries of people in the time shown, refused ones included, without automatic ones.",
            "none though people search: is the gate bypassed? See Findings.",
            sql=f"""
SELECT countIf(NOT automatic AND kind IN ({_LOOKS})) AS inquiries FROM platestream.inquiry_log WHERE $__timeFilter_ms(at)
""",
        ),
        figure(
            "Refused",
            "Acts of people that the gate refused, inquiries and others.",
            "many: people or programs that do not give a case number or a reason; teach them.",
            sql="""
SELECT countIf(outcome = 'refused' AND NOT automatic) AS refused FROM platestream.inquiry_log WHERE $__timeFilter_ms(at)
""",
            steps=((_INF, "green"), (10.0, "orange"), (100.0, "red")),
        ),
        figure(
            "Breaches found",
            "Findings of the grade breach.",
            "any: platestream policy check, and the ALPR administrator (order, section I).",
            sql="""
SELECT uniqExact(finding_id) AS breaches FROM platestream.inquiry_findings
WHERE $__timeFilter_ms(at) AND grade = 'breach'
""",
            steps=((_INF, "green"), (1.0, "red")),
        ),
        figure(
            "Not yet sealed",
            "Acts of the last day without a seal, automatic ones included.",
            "over 0 for a minute: see SealLate in the runbook.",
            sql="""
SELECT greatest(0, toInt64((SELECT count() FROM platestream.inquiry_log WHERE at > now64(6) - INTERVAL 1 DAY))
    - toInt64((SELECT uniqExact(seal) FROM platestream.inquiry_seals WHERE at > now64(6) - INTERVAL 1 DAY)))
    AS unsealed
""",
            steps=((_INF, "green"), (1.0, "orange"), (100.0, "red")),
        ),
        series(
            "Inquiries by outcome",
            "Inquiries of people by step of time, allowed and refused.",
            "a night with many: Findings, rule hours or volume.",
            sql=f"""
SELECT $__timeInterval(at) AS time, toString(outcome) AS result, count() AS inquiries
FROM platestream.inquiry_log WHERE $__timeFilter_ms(at) AND NOT automatic AND kind IN ({_LOOKS})
GROUP BY time, result ORDER BY time, result
""",
        ),
        table(
            "Inquiries by role and agency",
            "Inquiries by role and agency of the registry, without names; automatic ones are not registered.",
            "not registered: platestream registry user; another agency: is its MOU in force?",
            sql=f"""
SELECT role, agency, sum(inquiries) AS looks, sumIf(inquiries, outcome = 'refused') AS refused,
    sum(undocumented) AS undocumented
FROM platestream.inquiry_figures WHERE $__timeFilter(hour) AND kind IN ({_LOOKS})
GROUP BY role, agency ORDER BY looks DESC LIMIT 50
""",
        ),
        series(
            "Undocumented attempts",
            "Acts without the required case number or reason, all refused, by agency.",
            "an agency that continues: section I.7; train its people.",
            sql=f"""
SELECT $__timeInterval(hour) AS time, agency, sum(undocumented) AS attempts
FROM platestream.inquiry_figures WHERE $__timeFilter(hour) AND kind IN ({_DOCUMENTED})
GROUP BY time, agency HAVING attempts > 0
ORDER BY time, agency
""",
            empty="None",
        ),
        bars(
            "Inquiries by kind",
            "Inquiries of people, by kind.",
            "many pictures: Findings, rule volume.",
            sql=f"""
SELECT kind, count() AS inquiries FROM platestream.inquiry_log
WHERE $__timeFilter_ms(at) AND NOT automatic AND kind IN ({_LOOKS}) GROUP BY kind ORDER BY inquiries DESC LIMIT 20
""",
        ),
        bars(
            "Other acts by kind",
            "Other acts of people: hot list, shifts, hits, evidence, registry, audit (see all acts in the reference).",
            "an unexpected act, such as rules or registry_user: the auditor sees the person in inquiry_log.",
            sql=f"""
SELECT kind, count() AS acts FROM platestream.inquiry_log
WHERE $__timeFilter_ms(at) AND NOT automatic AND kind NOT IN ({_LOOKS}) GROUP BY kind ORDER BY acts DESC LIMIT 50
""",
            empty="No other act",
        ),
        bars(
            "Automatic acts by kind",
            "Automatic acts: look-backs, imports, retention. These are no inquiries of employees.",
            "look-backs without a new entry on the hot list: the auditor sees their origin in inquiry_log.",
            sql="""
SELECT kind, count() AS acts FROM platestream.inquiry_log
WHERE $__timeFilter_ms(at) AND automatic GROUP BY kind ORDER BY acts DESC LIMIT 50
""",
            empty="No automatic act",
        ),
        table(
            "Findings",
            "Findings of the checks, by rule and grade.",
            "a breach: the auditor sees the person in inquiry_findings; see Second opinion in the page on policy.",
            sql="""
SELECT rule, grade, uniqExact(finding_id) AS findings, max(at) AS latest FROM platestream.inquiry_findings
WHERE $__timeFilter_ms(at) GROUP BY rule, grade ORDER BY grade, findings DESC LIMIT 50
""",
            empty="Nothing was found",
        ),
        table(
            "Cameras without approval",
            "Cameras and special details that worked without an approval in force, by rule.",
            "any: approve it or take it down (order, section D).",
            sql="""
SELECT rule, uniqExact(camera_id) AS cameras, uniqExact(finding_id) AS findings, max(at) AS latest
FROM platestream.deployment_findings WHERE $__timeFilter_ms(at) GROUP BY rule ORDER BY findings DESC LIMIT 20
""",
            empty="None",
        ),
        table(
            "Yearly audit",
            "Progress of the yearly audit: draws, findings, memoranda.",
            "no draw in a year: platestream audit sample --year (order, section K).",
            sql="SELECT year, kind, entries, latest FROM platestream.audit_figures ORDER BY year DESC, kind LIMIT 50",
            empty="No audit was drawn yet",
        ),
        series(
            "Seals",
            "Seconds from an inquiry to its seal, the longest of each step.",
            "over a minute: was audit down?",
            sql="""
SELECT $__timeInterval(at) AS time, max(dateDiff('millisecond', at, sealed_at) / 1000) AS longest
FROM platestream.inquiry_seals WHERE $__timeFilter_ms(at) GROUP BY time ORDER BY time
""",
            unit="s",
        ),
        figure(
            "Time since all inquiries were sealed",
            "Seconds since the audit flow last found no inquiry without a seal.",
            "minutes: see SealLate in the runbook.",
            promql="time() - max(platestream_inquiries_sealed_timestamp_seconds)",
            unit="s",
            steps=((_INF, "green"), (60.0, "orange"), (600.0, "red")),
        ),
        figure(
            "Time since the log was published",
            "Seconds since the published head had every sealed inquiry (see the published inquiry log).",
            "an hour: see LogNotPublished in the runbook.",
            promql="time() - max(platestream_log_published_timestamp_seconds)",
            unit="s",
            steps=((_INF, "green"), (900.0, "orange"), (3600.0, "red")),
        ),
        figure(
            "Publishing refused",
            "1 while no head is signed, because the local log does not continue the published one.",
            "1: see LogRefused in the runbook.",
            promql="max(platestream_log_refused)",
            steps=((_INF, "green"), (1.0, "red")),
        ),
        figure(
            "Users",
            "Active users in the registry.",
            "people who left are still active: platestream registry deactivate user ID.",
            sql="""
SELECT countIf(active) AS users FROM (SELECT id, argMax(active, changed_at) AS active
FROM platestream.registry WHERE kind = 'user' GROUP BY id)
""",
        ),
        series(
            "Time since a witness cosigned",
            "Seconds since each witness of the published log last cosigned a head.",
            "a day: see WitnessSilent in the runbook.",
            promql="time() - max by (witness) (platestream_log_cosigned_timestamp_seconds)",
            legend="witness",
            unit="s",
            empty="No witness is named",
        ),
        series(
            "Cameras without approval, live",
            "Cameras and special details that worked without an approval in force, an hour, by rule.",
            "any: approve it or take it down (order, section D); see the guide to cameras and places for its frames.",
            promql="sum by (rule) (increase(platestream_deployment_findings_total[1h])) > 0",
            legend="rule",
            empty="None",
        ),
        series(
            "Inquiries, live",
            "Inquiries and other acts of people an hour, by outcome.",
            "refused ones that rise: see RefusedInquiries in the runbook.",
            promql='sum by (outcome) (increase(platestream_inquiries_total{by="person"}[1h]))',
            legend="outcome",
        ),
        series(
            "Findings, live",
            "Findings an hour by rule.",
            "unlogged, denied, documented: see UndocumentedQuery in the runbook.",
            promql="sum by (rule) (increase(platestream_inquiry_findings_total[1h])) > 0",
            legend="rule",
            empty="Nothing was found",
        ),
    ),
)
