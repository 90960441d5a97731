"""The step that sends frames by their approval: read, quarantined or refused, and findings."""

from dataclasses import dataclass

import bytewax.operators as op
from bytewax.dataflow import Stream, operator

from platestream.operators.approvals import Approvals
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.frame import Frame
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord


@dataclass(frozen=True)
class Control:
    """The outcomes of frames. All four streams must be wired; an unwired one is dropped silently."""

    read_on: Stream[Frame]
    quarantined: Stream[Frame]
    refused: Stream[DeadLetter]
    findings: Stream[DeploymentFinding]


@operator
def control(
    step_id: str,
    frames: Stream[Frame],
    records: Stream[RegistryRecord | EndOfSnapshot],
    approvals: Approvals,
) -> Control:
    """Send each frame to one of three outputs, and findings to a fourth.

    A frame stays on its worker, so every worker needs all `records`. Findings of several workers or starts
    about one record have the same id.
    """
    judged = op.map("judge", frames, approvals.judge)
    seen = op.flat_map("seen", judged, approvals.findings)
    registered = op.flat_map("register", records, approvals.register)
    return Control(
        read_on=op.filter_map("read_on", judged, approvals.read_on),
        quarantined=op.filter_map("quarantined", judged, approvals.quarantined),
        refused=op.filter_map("refused", judged, approvals.refused),
        findings=op.merge("findings", seen, registered),
    )
