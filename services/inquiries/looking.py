"""Looking for plates through the door: what is asked for, and by which of the gate's ways to look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal, NamedTuple, Unpack, assert_never
from uuid import UUID

from connectors.clickhouse_client import ANALYST
from services.door import Door, Why
from services.inquiries import gate

Way = Literal["search", "fuzzy", "sightings", "companions", "cotravel"]


@dataclass(frozen=True)
class Violations:
    """Purposes at which a search names the violation that is investigated, and the violations that the agency
    lists; none listed: any.
    """

    purposes: Sequence[str]
    listed: Sequence[str]


@dataclass(frozen=True)
class Asked:
    """What is looked for: `plate` is a pattern for `search` and `sightings`, a whole plate otherwise.

    `other_plate` is the second vehicle of `cotravel`; `within` says how far apart vehicles met, for
    `companions`, too.
    """

    way: Way
    plate: str = ""
    other_plate: str = ""
    within: timedelta = gate.MEETING
    cameras: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Description:
    """What a vehicle looks like; empty is anything. `colour`, `make` and `body` are words or parts of words,
    `state` the postal code of the state of issue. Upper and lower case count as one.
    """

    colour: str = ""
    make: str = ""
    body: str = ""
    state: str = ""


class Pass(NamedTuple):
    """A detection that was found, as far as it takes to find it again."""

    detection_id: UUID
    captured_at: datetime
    plate: str
    camera_id: str


def purposes(door: Door) -> list[str]:
    """The agency's purposes, one of which each look serves; none where it lists none. Raises ProfileError."""
    return door.rules.profile.purposes.allowed


def violations(door: Door) -> Violations:
    """At which purposes a violation is named, and which there are. Raises ProfileError."""
    rules = door.rules.profile.purposes
    return Violations(rules.violation_for, rules.violations)


def described(
    rows: Iterable[gate.Row], wanted: Description, *, untold: bool = False
) -> tuple[list[gate.Row], int]:
    """Detections that fit a description, and how many were left out because what was asked for is not known
    of them. With `untold` these are among the first; what contradicts the description never is.

    `rows` are those of `search`, `fuzzy` and `sightings`: rows of meetings have no vehicle.
    """
    judged = [(row, _fits(row, wanted)) for row in rows]
    kept = [row for row, fits in judged if fits or (fits is None and untold)]
    return kept, 0 if untold else sum(fits is None for _row, fits in judged)


def covering(passes: Sequence[Pass]) -> Asked:
    """The narrowest search that finds all of these again. Raises ValueError where there are none."""
    if not passes:
        raise ValueError("nothing was chosen: mark the rows that are meant")
    times = [one.captured_at for one in passes]
    return Asked(
        "search",
        _common(sorted({one.plate for one in passes})),
        cameras=sorted({one.camera_id for one in passes}),
        since=min(times) - gate.INSTANT,
        until=max(times) + gate.INSTANT,
    )


def pictures(door: Door, detection_id: UUID, captured_at: datetime, **why: Unpack[Why]) -> dict[str, bytes]:
    """The pictures of a detection by kind (`crop`, `vehicle`), JPEG: a look of its own, with the errors of
    `gate.picture`.
    """
    return gate.picture(
        door.client(ANALYST), detection_id=detection_id, captured_at=captured_at, **door.said(**why)
    )


def raise_limit(door: Door, who: str, by: int, **why: Unpack[Why]) -> None:
    """Let `who` be shown so many different vehicles more in the next 24 hours; a supervisor's act.

    Raises RefusedInquiry and DatabaseError.
    """
    told = Why(**{**why, "vehicles": by})
    door.enter("limit_raise", who, change=f"vehicles in 24 hours: {by} more", **told)


def cut(rows: Sequence[gate.Row]) -> bool:
    """Return True where more different vehicles were found than the inquiry shows."""
    return bool(rows) and bool(rows[0].get("cut"))


def look(door: Door, asked: Asked, **why: Unpack[Why]) -> list[gate.Row]:
    """What is found, as the function of `services.inquiries.gate` with the name of the way gives it.

    Raises RefusedInquiry when the rules refuse it, ValueError
    on a time without a zone, and DatabaseError.
    """
    client, told = door.client(ANALYST), door.said(**why)
    plate, cameras, since, until = asked.plate, asked.cameras, asked.since, asked.until
    match asked.way:
        case "search":
            return gate.search(client, pattern=plate, cameras=cameras, since=since, until=until, **told)
        case "fuzzy":
            return gate.fuzzy(client, plate=plate, cameras=cameras, since=since, until=until, **told)
        case "sightings":
            return gate.sightings(client, pattern=plate, cameras=cameras, since=since, until=until, **told)
        case "companions":
            return gate.companions(
                client, plate=plate, within=asked.within, cameras=cameras, since=since, until=until, **told
            )
        case "cotravel":
            return gate.cotravel(
                client,
                plate=plate,
                other_plate=asked.other_plate,
                within=asked.within,
                cameras=cameras,
                since=since,
                until=until,
                **told,
            )
    assert_never(asked.way)


def _fits(row: gate.Row, wanted: Description) -> bool | None:
    """None where nothing contradicts, and something that was asked for is not known."""
    told = [
        (wanted.colour, row["vehicle_colour"]),
        (wanted.make, row["vehicle_make"]),
        (wanted.body, row["vehicle_body"]),
        (wanted.state, row["state"]),
    ]
    asked = [(want.casefold(), (have or "").casefold()) for want, have in told if want]
    if any(have and want not in have for want, have in asked):
        return False
    return None if any(not have for _want, have in asked) else True


def _common(plates: Sequence[str]) -> str:
    """The pattern of what these have in common.

    >>> _common(["AST3087", "A5T3087"]), _common(["AST3087", "AST308"]), _common(["AST3087"])
    ('A?T3087', 'AST308*', 'AST3087')
    """
    if len({len(one) for one in plates}) == 1:
        return "".join(chars[0] if len(set(chars)) == 1 else "?" for chars in zip(*plates, strict=True))
    begin = _beginning(plates)
    end = _beginning([one[len(begin) :][::-1] for one in plates])[::-1]
    return f"{begin}*{end}"


def _beginning(texts: Sequence[str]) -> str:
    """What all of these begin with."""
    alike = takewhile(lambda chars: len(set(chars)) == 1, zip(*texts, strict=False))
    return "".join(chars[0] for chars in alike)
