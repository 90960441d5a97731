"""Frames in, detections out.

    registry -> decode ------------\\
    frames ---> decode --> admit --> deployments --> picture --> recognize --> once --> passes --> detections
                    \\_________\\___________|\\____________\\___________________/ \\------------> dead_letters
                                          +--> frames_quarantine, deployment_findings

A frame stays on the worker that read it; what crosses workers is reads with their crops, and what is refused.
So every worker reads the whole registry: with one reader for all, the other processes would judge frames by
what was approved when they started. A frame that comes twice has the outcome of the first.

    python -m bytewax.run flows.recognize_flow:flow -r DIR -s 1 -b 0
"""

from functools import partial
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream

from connectors import process
from connectors.broadcast import Broadcast
from connectors.clock import Clock, utc_now
from connectors.edge import Edge
from connectors.settings import load_settings, open_edge
from flows import meters
from flows.approvals import open_approvals
from flows.dead_letters import dead_letters
from flows.in_force import rules_in_force
from flows.reader import PlateReader, open_reader, sound
from operators import deployments
from operators.consensus import PassRules, VehiclePasses
from operators.decode import Bounds, Picture, admission, picture
from operators.deployments import Unapproved
from operators.frame_outcomes import FrameOutcomes, camera_of
from operators.lanes import Lanes
from operators.reading.change_detector import ChangeDetector
from operators.recognize import FrameReads, Recognizer
from operators.refuse import attempt, decode, decode_changes
from operators.split import split_by_type
from schemas import tables, topics
from schemas.dead_letter import DeadLetter
from schemas.profile import Places


def build(
    edge: Edge,
    reader: PlateReader,
    now: Clock = utc_now,
    bounds: Bounds = Bounds(),
    rules: PassRules = PassRules(),
    unapproved: Unapproved = "quarantine",
    places: Places = Places(),
    at_once: int = 1,
) -> Dataflow:
    """The flow on any edge, with any reader; `unapproved` and `at_once` as the settings of these names,
    `places` of the profile.
    """
    meters.show("recognize")
    meters.models(reader.models)
    flow = Dataflow("recognize")
    registered = op.input("registry", flow, Broadcast(edge.topics.load(topics.REGISTRY)))
    messages = op.input("frames", flow, edge.topics.read(topics.FRAMES))

    frames = decode("decode_frames", messages, topics.FRAMES)
    admitted = attempt("admit", frames.oks, admission(now, bounds), lambda frame: frame.message)
    records = decode_changes("decode_registry", registered, topics.REGISTRY)
    arrived = meters.counted("count_frames", admitted.oks, meters.frames)
    approvals = open_approvals(edge, unapproved, places)
    deployed = deployments.control("deployments", arrived, records.oks, approvals)
    decoder = meters.timed("decode", partial(picture, bounds=bounds))
    pictures = attempt("picture", deployed.read_on, decoder, lambda frame: frame.message)
    recognizer = Recognizer(ChangeDetector(meters.timed("recognize", reader.read)), partial(sound, reader))
    cameras = Lanes[Picture](at_once, lambda seen: seen.frame.camera_id)
    reads = attempt("recognize", pictures.oks, recognizer, lambda seen: seen.frame.message, cameras)
    read = meters.counted("count_reads", reads.oks, meters.reads(now))

    refused = (frames.errs, admitted.errs, deployed.refused, pictures.errs, reads.errs)
    outcomes: Stream[Any] = op.merge("outcomes", read, *refused)
    of_camera = op.key_on("outcomes_of", outcomes, camera_of)
    once = op.stateful_batch("once", of_camera, lambda resume: FrameOutcomes(resume, meters.doubled))
    first, letters = split_by_type("first", op.key_rm("once_of_all", once), FrameReads, DeadLetter)
    by_camera = op.key_on("by_camera", first, lambda seen: seen.camera_id)
    passes = op.stateful("passes", by_camera, lambda resume: VehiclePasses(resume, reader.models, rules, now))
    detections = meters.counted("count_detections", op.key_rm("unkey", passes), meters.detections(now))

    op.output("detections", detections, edge.topics.write(topics.DETECTIONS))
    op.output("detections_table", passes, edge.tables.insert(tables.DETECTIONS))
    op.output("images_table", passes, edge.tables.insert(tables.IMAGES))
    op.output("frames_quarantine", deployed.quarantined, edge.topics.write(topics.FRAMES_QUARANTINE))
    findings = meters.counted("count_sites", deployed.findings, meters.deployments)
    by_site = op.key_on("by_site", findings, lambda finding: finding.camera_id)
    op.output("deployment_findings_table", by_site, edge.tables.insert(tables.DEPLOYMENT_FINDINGS))
    dead_letters(edge, records.errs, letters)
    return flow


def flow() -> Dataflow:
    """What `bytewax.run` starts: the edge, the model and the agency's rules that the settings name."""
    settings = load_settings()
    process.watch(settings)
    profile = rules_in_force(settings).profile
    bounds = Bounds(age=profile.retention.span)
    at_once = settings.at_once
    reader = open_reader(settings.models, settings.threads, device=settings.device, at_once=at_once)
    return build(
        open_edge(settings),
        reader,
        bounds=bounds,
        unapproved=profile.cameras.unapproved,
        places=profile.places,
        at_once=at_once,
    )
