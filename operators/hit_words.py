"""Words for the comparison of a read with its hot list entry: on pages, in commands and in notifications."""

from collections.abc import Mapping

from platestream.schemas.alert_hit import MatchClass

MATCH: Mapping[MatchClass, str] = {
    "exact": "Read exactly as listed",
    "look_alike": "Look-alike: characters may be misread",
    "alternative": "Another reading of this plate is listed",
    "partial": "Fits the characters that are known",
    "description": "Fits the description of the vehicle",
}
EXPLANATION = (
    "The confidence is estimated from the reader's confidence in the characters, and from how often it takes "
    "a listed character for the one read."
)


def describe_match(match: MatchClass, plate: str, listed: str) -> str:
    """Return how the plate as read matches the listed one."""
    if match == "exact" and plate != listed:
        return "Read as listed, except for O and 0: compare them"
    return MATCH[match]


def describe_state(read: str | None, listed: str | None) -> str:
    """Return how the state of issue as read compares with the listed one, and which side lacks it."""
    if not listed:
        return "the entry lists no state" if read else "the entry lists no state, and none was read"
    if not read:
        return "the state was not read"
    return "the state is the same" if read == listed else "ANOTHER STATE"


def describe_opinion(opinion: str, plate: str, camera_plate: str) -> str:
    """Return how the read of a camera compares with the reader's; empty if the camera sends no reads."""
    return {
        "agree": "The camera and the reader read the same plate",
        "disagree": f"THE READS DIFFER: the camera read {camera_plate}, the reader {plate}",
        "camera_only": "ONLY THE CAMERA read a plate; the reader reads none in its picture",
        "reader_only": "Only the reader read this plate; the camera did not send it",
        "unseen": "NOT SEEN BY US: the camera sent its read without a picture",
    }.get(opinion, "")


def is_doubtful(opinion: str) -> bool:
    """Return whether the reader did not read what the camera read, so that a page shows it in red."""
    return opinion in ("disagree", "camera_only", "unseen")


def describe_confidence(match: MatchClass, confidence: float, likelihood: float | None) -> str:
    """Return one figure for a hit: the confidence that the vehicle has the listed plate.

    For an entry with unknown characters or a description only, it is that of the characters that were read.
    """
    if match in ("partial", "description"):
        return f"confidence in the characters as read: {_percent(confidence)}"
    share = {"exact": confidence, "look_alike": confidence * (likelihood or 0)}.get(match, likelihood or 0)
    return f"confidence that this is the listed plate: {_percent(share)}"


def _percent(share: float) -> str:
    """Return a share as a percentage that never claims certainty.

    >>> _percent(0.0018), _percent(0.874), _percent(0.998)
    ('less than 1 %', '87 %', 'more than 99 %')
    """
    if share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if share > 0.99 else f"{100 * share:.0f} %"
