"""Recognize flow: frames are read and become detections.

    registry -> decode ------------\\
    frames ---> decode --> admit --> deployments --> picture --> recognize --> once --> passes --> detections
                    \\_________\\___________|\\____________\\___________________/ \\          \\----> in_view
                                          |                                      \\--> dead_letters
                                          +--> frames_quarantine, deployment_findings

    frames that were read, refused or quarantined --> frames_counted

A frame stays on the worker that read it; only reads with their crops, and rejected messages, cross workers.
Every worker therefore reads the whole registry: with one reader for all, the other processes would judge
frames by the approvals at their start. A repeated frame has the outcome of the first.

    python -m bytewax.run platestream.flows.recognize_flow:flow -r DIR -s 1 -b 0
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream

from platestream import flow_process
from platestream.access.rules_reader import rules_in_force
from platestream.edges.broadcast import Broadcast
from platestream.edges.edge import Edge
from platestream.edges.sealed_state import sealed_batch, sealed_items
from platestream.edges.sealed_tables import sealed_images
from platestream.flows import meters
from platestream.flows.approvals import open_approvals
from platestream.flows.dead_letters import dead_letters
from platestream.operators import deployments
from platestream.operators.approvals import Unapproved
from platestream.operators.boundary import Point
from platestream.operators.consensus import PassRules, VehiclePasses, detections_of
from platestream.operators.decode import Bounds, Picture, admission, picture
from platestream.operators.frame_counts import count_held, count_outcome
from platestream.operators.frame_outcomes import FrameOutcomes, camera_of
from platestream.operators.frame_reads import FrameReads
from platestream.operators.recognize import Recognizer
from platestream.operators.rejection import decode, decode_changes, try_each
from platestream.operators.split import split_by_type
from platestream.operators.vehicle import Examine, unexamined
from platestream.reading.change_detector import ChangeDetector
from platestream.reading.factory import PlateReader, Reader, reads_known_plate
from platestream.reading.keyed_threads import KeyedThreadPool
from platestream.reading.vehicle import VehicleModel
from platestream.runtime import picture_process
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import tables, topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.profile import Places
from platestream.settings import load_settings, open_edge


def build(
    edge: Edge,
    reader: Reader,
    now: Clock = utc_now,
    bounds: Bounds = Bounds(),
    rules: PassRules = PassRules(),
    unapproved: Unapproved = "quarantine",
    places: Places = Places(),
    boundary: Sequence[Point] = (),
    at_once: int = 1,
    examine: Examine = unexamined,
) -> Dataflow:
    """Build the flow on any edge, with any reader; `examine` describes the vehicle of each pass.

    `unapproved`, `places` and `boundary` are of the profile, `at_once` of the settings.
    """
    meters.show("recognize")
    meters.models(reader.models)
    flow = Dataflow("recognize")
    registered = op.input("registry", flow, Broadcast(edge.topics.load(topics.REGISTRY)))
    messages = op.input("frames", flow, edge.topics.read(topics.FRAMES))

    frames = decode("decode_frames", messages, topics.FRAMES)
    admitted = try_each("admit", frames.oks, admission(now, bounds), lambda frame: frame.message)
    records = decode_changes("decode_registry", registered, topics.REGISTRY)
    arrived = meters.count_batches("count_frames", admitted.oks, meters.frames)
    approvals = open_approvals(edge, unapproved, places, boundary)
    deployed = deployments.control("deployments", arrived, records.oks, approvals)
    decoder = meters.timed("decode", partial(picture, bounds=bounds))
    pictures = try_each("picture", deployed.read_on, decoder, lambda frame: frame.message)
    read_plates = meters.timed("recognize", reader.read)
    recognizer = Recognizer(
        ChangeDetector(read_plates, locate=reader.locate, closely=read_plates),
        partial(reads_known_plate, reader),
    )
    cameras = KeyedThreadPool[Picture](at_once, lambda seen: seen.frame.camera_id)
    reads = try_each("recognize", pictures.oks, recognizer, lambda seen: seen.frame.message, cameras)
    read = meters.count_batches("count_reads", reads.oks, meters.reads(now))

    refused = (frames.errs, admitted.errs, deployed.refused, pictures.errs, reads.errs)
    outcomes: Stream[Any] = op.merge("outcomes", read, *refused)
    of_camera = op.key_on("outcomes_of", outcomes, camera_of)
    once = op.stateful_batch(
        "once",
        of_camera,
        sealed_batch(edge.keys, "once", lambda resume: FrameOutcomes(resume, meters.repeated)),
    )
    counted = op.filter_map_value("count_outcome", once, count_outcome)
    held = op.key_on(
        "held_by_camera", op.map("count_held", deployed.quarantined, count_held), lambda one: one.camera_id
    )
    first, letters = split_by_type("first", op.key_rm("once_of_all", once), FrameReads, DeadLetter)
    by_camera = op.key_on("by_camera", first, lambda seen: seen.camera_id)
    passes = op.stateful(
        "passes",
        by_camera,
        sealed_items(
            edge.keys, "passes", lambda resume: VehiclePasses(resume, reader.models, rules, now, examine)
        ),
    )
    published = op.flat_map_value("published", passes, detections_of)
    (standing,) = split_by_type("standing", op.key_rm("unkey_standing", passes), VehicleInView)
    detections = meters.count_batches(
        "count_detections", op.key_rm("unkey", published), meters.detections(now)
    )

    op.output("detections", detections, edge.topics.write(topics.DETECTIONS))
    op.output("detections_table", published, edge.tables.insert(tables.DETECTIONS))
    op.output("images_table", published, edge.tables.insert(sealed_images(edge.keys)))
    op.output(
        "frames_counted_table", op.merge("counted", counted, held), edge.tables.insert(tables.FRAMES_COUNTED)
    )
    op.output("in_view", standing, edge.topics.write(topics.IN_VIEW))
    op.output("frames_quarantine", deployed.quarantined, edge.topics.write(topics.FRAMES_QUARANTINE))
    findings = meters.count_batches("count_sites", deployed.findings, meters.deployments)
    by_site = op.key_on("by_site", findings, lambda finding: finding.camera_id)
    op.output("deployment_findings_table", by_site, edge.tables.insert(tables.DEPLOYMENT_FINDINGS))
    dead_letters(edge, records.errs, letters)
    return flow


def flow() -> Dataflow:
    """Return the flow that `bytewax.run` starts, with the edge, model and rules that the settings name."""
    settings = load_settings()
    claim = flow_process.start_process(settings, "recognize")
    picture_process.set_up()
    profile = rules_in_force(settings).profile
    bounds = Bounds(age=profile.retention.span)
    at_once = settings.at_once
    reader = PlateReader(settings.models, settings.threads, device=settings.device, at_once=at_once)
    return build(
        open_edge(settings, claim),
        reader,
        bounds=bounds,
        unapproved=profile.cameras.unapproved,
        boundary=profile.agency.boundary,
        places=profile.places,
        at_once=at_once,
        examine=VehicleModel(),
    )
