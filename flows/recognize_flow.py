"""Frames in, detections out.

    frames --> decode --> picture --> recognize --> passes --> detections (topic, table, images)
                  \\________ \\__________ \\______________________> dead_letters

A frame stays on the worker that read it; what crosses workers is reads with their crops.

    python -m bytewax.run flows.recognize_flow:flow -r DIR -s 1 -b 0
"""

from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from connectors.clock import Clock, utc_now
from connectors.edge import Edge
from connectors.profiles import load as load_profile
from connectors.settings import load_settings, open_edge
from flows.dead_letters import dead_letters
from flows.reader import PlateReader, open_reader
from operators.consensus import PassRules, VehiclePasses
from operators.decode import Bounds, admission, picture
from operators.recognize import Recognizer
from operators.refuse import attempt, decode
from schemas import tables, topics


def build(
    edge: Edge,
    reader: PlateReader,
    now: Clock = utc_now,
    bounds: Bounds = Bounds(),
    rules: PassRules = PassRules(),
) -> Dataflow:
    """The flow on any edge, with any reader."""
    flow = Dataflow("recognize")
    messages = op.input("frames", flow, edge.topics.read(topics.FRAMES))

    frames = decode("decode_frames", messages, topics.FRAMES)
    admitted = attempt("admit", frames.oks, admission(now, bounds), lambda frame: frame.message)
    pictures = attempt("picture", admitted.oks, partial(picture, bounds=bounds), lambda frame: frame.message)
    reads = attempt("recognize", pictures.oks, Recognizer(reader.read), lambda seen: seen.frame.message)

    by_camera = op.key_on("by_camera", reads.oks, lambda seen: seen.camera_id)
    passes = op.stateful("passes", by_camera, lambda resume: VehiclePasses(resume, reader.models, rules, now))
    detections = op.key_rm("unkey", passes)

    op.output("detections", detections, edge.topics.write(topics.DETECTIONS))
    op.output("detections_table", passes, edge.tables.insert(tables.DETECTIONS))
    op.output("images_table", passes, edge.tables.insert(tables.IMAGES))
    dead_letters(edge, frames.errs, admitted.errs, pictures.errs, reads.errs)
    return flow


def flow() -> Dataflow:
    """What `bytewax.run` starts: the edge, the model and the agency's rules that the settings name."""
    settings = load_settings()
    age = load_profile(settings.profile).retention.span
    reader = open_reader(settings.models, settings.threads)
    return build(open_edge(settings), reader, bounds=Bounds(age=age))
