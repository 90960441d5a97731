"""`platestream demo`: the whole job on one machine, and where to look next."""

from pathlib import Path
from typing import Annotated, Any

import typer

from platestream.cli.console import err, out, print_json, styled, table
from platestream.cli.entrance import display_zone
from platestream.cli.times import shown_at
from platestream.demo import job
from schemas.counted import counted


def demo(
    frames: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Your own pictures or videos.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Run the whole job on the embedded edge: frames, hot list, three dataflows, an inquiry and its log.

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
    passes = counted(len(outcome.detections), "vehicle pass")
    _head(f"{counted(outcome.frames, 'frame')}, {passes}")
    zone = display_zone()
    reads = table("captured", "camera", "plate", "state", "sure", "frames that agree", "vehicle")
    for one in outcome.detections:
        vehicle = " ".join(filter(None, (one.vehicle.colour, one.vehicle.make, one.vehicle.model)))
        reads.add_row(
            shown_at(one.captured_at, zone),
            one.camera_id,
            one.plate,
            one.state or "",
            f"{one.confidence:.2f}",
            f"{one.agreeing} of {one.frames}",
            vehicle,
        )
    out.print(reads)
    _head(f"{len(outcome.hits)} alert hits, all unverified")
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
    _head(counted(len(outcome.dead_letters), "dead letter"))
    for letter in outcome.dead_letters:
        out.print(f"  {letter.origin}: {letter.reason}, {letter.detail}")
    _head("Inquiries")
    out.print(f"  {outcome.searched} with a reason: {len(outcome.found)} found")
    out.print(f"  {outcome.searched} without one: refused, and logged: {outcome.refusal}")
    out.print(f"  {outcome.seals} inquiries sealed; {'; '.join(outcome.faults) or 'the log is whole'}")
    _head("Where to look next")
    out.print(f"  All of it is in {outcome.data}:")
    out.print(f"  .venv/bin/platestream search '{outcome.searched[:3]}*' --reason 'trying it out'")
    out.print("  .venv/bin/platestream hotlist list")
    out.print("  .venv/bin/platestream audit verify")
    out.print("  .venv/bin/platestream board                  all of it as figures, http://127.0.0.1:8088")
    if not frames:
        out.print("  .venv/bin/platestream demo --frames DIR       your own pictures or videos")


def _head(text: str) -> None:
    out.print()
    out.print(styled(text, "bold"))
