"""`platestream demo`: the whole pipeline on one machine, and the next things to try."""

from pathlib import Path
from typing import Annotated, Any

import typer

from platestream.cli.door import display_zone, format_local
from platestream.cli.output import err, out, print_json, program, styled, table
from platestream.demo import job
from platestream.schemas.pluralize import pluralize


def demo(
    frames: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Your own pictures or videos.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the whole pipeline on the embedded edge: frames, hot list, three dataflows, an inquiry and its log.

    Example: platestream demo --frames photos/
    """
    with err.status("starting") as status:
        outcome = job.run_here(frames, lambda step: status.update(step))
    if as_json:
        print_json(_summary(outcome))
    else:
        _show(outcome, frames)
    if outcome.faults:
        raise typer.Exit(1)


def _summary(outcome: job.Outcome) -> dict[str, Any]:
    return {
        "frames": outcome.frames,
        "detections": [
            {
                "detection_id": one.detection_id,
                "camera": one.camera_id,
                "captured_at": one.captured_at,
                "plate": one.plate,
                "state": one.state,
                "confidence": round(one.confidence, 4),
                "frames": one.frames,
                "agreeing": one.agreeing,
            }
            for one in outcome.detections
        ],
        "hits": [
            {
                "hit_id": hit.hit_id,
                "plate": hit.detection.plate,
                "listed": hit.entry.plate,
                "match": hit.match,
                "state_check": hit.state_check,
                "entry": hit.entry.entry_id,
                "category": hit.entry.category,
                "instructions": hit.entry.instructions,
                "status": hit.status,
                "historical": hit.historical,
            }
            for hit in outcome.hits
        ],
        "dead_letters": [{"origin": one.origin, "reason": one.reason} for one in outcome.dead_letters],
        "inquiry": {"pattern": outcome.searched, "found": len(outcome.found)},
        "refused": outcome.refusal,
        "seals": outcome.seals,
        "faults": outcome.faults,
    }


def _show(outcome: job.Outcome, frames: Path | None) -> None:
    passes = pluralize(len(outcome.detections), "vehicle pass")
    _heading(f"{pluralize(outcome.frames, 'frame')}, {passes}")
    zone = display_zone()
    reads = table("captured", "camera", "plate", "state", "sure", "frames that agree", "vehicle")
    for one in outcome.detections:
        vehicle = " ".join(filter(None, (one.vehicle.colour, one.vehicle.make, one.vehicle.model)))
        reads.add_row(
            format_local(one.captured_at, zone),
            one.camera_id,
            one.plate,
            one.state or "",
            f"{one.confidence:.2f}",
            f"{one.agreeing} of {one.frames}",
            vehicle,
        )
    out.print(reads)
    _heading(f"{len(outcome.hits)} alert hits, all unverified")
    hits = table("read", "listed", "why", "state", "category", "instructions", "entry")
    for hit in outcome.hits:
        apart = ", ".join(f"{one.read} for {one.listed}" for one in hit.differences)
        hits.add_row(
            hit.detection.plate,
            hit.entry.plate,
            f"{hit.match.replace('_', '-')}{f' ({apart})' if apart else ''}",
            hit.state_check,
            hit.entry.category,
            hit.entry.instructions,
            hit.entry.entry_id,
        )
    out.print(hits)
    if outcome.hits:
        out.print(outcome.hits[0].notice)
    _heading(pluralize(len(outcome.dead_letters), "rejected message"))
    for letter in outcome.dead_letters:
        out.print(f"  {letter.origin}: {letter.reason}, {letter.detail}")
    _heading("Inquiries")
    out.print(f"  {outcome.searched} with a reason: {len(outcome.found)} found")
    out.print(f"  {outcome.searched} without one: refused, and logged: {outcome.refusal}")
    out.print(f"  {outcome.seals} inquiries sealed; {'; '.join(outcome.faults) or 'the log is intact'}")
    _heading("Next steps")
    out.print(f"  All of it is in {outcome.data}:")
    out.print(f"  {program()} search '{outcome.searched[:3]}*' --reason 'trying it out'")
    out.print(f"  {program()} hotlist list")
    out.print(f"  {program()} audit verify")
    out.print(f"  {program()} board                  all of it as figures, http://127.0.0.1:8088")
    if not frames:
        out.print(f"  {program()} demo --frames DIR       your own pictures or videos")


def _heading(text: str) -> None:
    out.print()
    out.print(styled(text, "bold"))
