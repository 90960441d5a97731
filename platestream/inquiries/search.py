"""Searches for plates through the door, by one of the gate's kinds of search."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal, NamedTuple, Unpack, assert_never
from uuid import UUID, uuid4

from platestream.access import gate
from platestream.access.door import Documentation, Door
from platestream.edges.clickhouse_client import ANALYST
from platestream.schemas.fields import COARSE_TYPES

SearchKind = Literal["search", "fuzzy", "sightings", "companions", "cotravel"]
MEETINGS: tuple[SearchKind, ...] = ("companions", "cotravel")
"""Kinds that find meetings of vehicles, not passes."""


@dataclass(frozen=True)
class Violations:
    """The purposes for which a search names the investigated violation, and the violations that the agency
    lists; an empty list allows any.
    """

    purposes: Sequence[str]
    listed: Sequence[str]


@dataclass(frozen=True)
class Description:
    """The description of a vehicle; empty matches anything. `colour`, `make`, `body` and `direction` are
    words or parts of words, `state` is the postal code of the state of issue. Case does not matter. A
    detection has a direction where its camera sent one (`vehicle-direction`).
    """

    colour: str = ""
    make: str = ""
    body: str = ""
    state: str = ""
    direction: str = ""


@dataclass(frozen=True)
class SearchRequest:
    """A search: `plate` is a pattern for `search` and `sightings`, a complete plate otherwise.

    `other_plate` is the second vehicle of `cotravel`; `within` is the time between the passes of `cotravel`
    and `companions`. `wanted` filters the passes that the other kinds find; with `untold` it includes
    those of which a described feature is unknown.
    """

    way: SearchKind
    plate: str = ""
    other_plate: str = ""
    within: timedelta = gate.MEETING
    cameras: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    wanted: Description = Description()
    untold: bool = False


@dataclass(frozen=True)
class Result:
    """Rows of an inquiry that fit the description, and the number `left_out` because a described feature is
    unknown. `cut`: more different vehicles were found than the inquiry shows.
    """

    inquiry_id: UUID
    rows: list[gate.Row]
    left_out: int
    cut: bool


class Pass(NamedTuple):
    """The fields of a detection that are needed to find it again."""

    detection_id: UUID
    captured_at: datetime
    plate: str
    camera_id: str


def purposes(door: Door) -> list[str]:
    """Return the agency's purposes, one of which each search serves; none where it lists none. Raises
    ProfileError.
    """
    return door.rules.profile.purposes.allowed


def violations(door: Door) -> Violations:
    """Return the purposes that require a violation, and the listed violations. Raises ProfileError."""
    rules = door.rules.profile.purposes
    return Violations(rules.violation_for, rules.violations)


def filter_by_description(
    rows: Iterable[gate.Row], wanted: Description, *, untold: bool = False
) -> tuple[list[gate.Row], int]:
    """Filter detections by a description; return them, and the number left out because a described feature is
    not known. With `untold` these are included; a detection that contradicts the description never is.

    `rows` are those of `search`, `fuzzy` and `sightings`: rows of meetings have no vehicle.
    """
    judged = [(row, _fits(row, wanted)) for row in rows]
    fitting = [row for row, fits in judged if fits or (fits is None and untold)]
    return fitting, 0 if untold else sum(fits is None for _row, fits in judged)


def narrowest_search(passes: Sequence[Pass]) -> SearchRequest:
    """Return the narrowest search that finds all of these again. Raises ValueError where there are none."""
    if not passes:
        raise ValueError("nothing was chosen: mark the rows that are meant")
    times = [one.captured_at for one in passes]
    return SearchRequest(
        "search",
        _common(sorted({one.plate for one in passes})),
        cameras=sorted({one.camera_id for one in passes}),
        since=min(times) - gate.INSTANT,
        until=max(times) + gate.INSTANT,
    )


def pictures(
    door: Door, detection_id: UUID, captured_at: datetime, **why: Unpack[Documentation]
) -> dict[str, bytes]:
    """Return the pictures of a detection by kind (`crop`, `vehicle`), JPEG: a search of its own, with the
    errors of `gate.picture`.
    """
    return gate.picture(
        door.client(ANALYST), detection_id=detection_id, captured_at=captured_at, **door.documentation(**why)
    )


def raise_limit(door: Door, who: str, by: int, **why: Unpack[Documentation]) -> None:
    """Raise the number of different vehicles that `who` may see in the next 24 hours by `by`; a supervisor's
    act.

    Raises RefusedInquiry and DatabaseError.
    """
    why_ = Documentation(**{**why, "vehicles": by})
    door.enter("limit_raise", who, change=f"vehicles in 24 hours: {by} more", **why_)


def is_cut(rows: Sequence[gate.Row]) -> bool:
    """Return whether more different vehicles were found than the inquiry shows."""
    return bool(rows) and bool(rows[0].get("cut"))


def search(door: Door, request: SearchRequest, **why: Unpack[Documentation]) -> Result:
    """Search, and filter what is found by the description: the one function of page, command and API.

    Raises RefusedInquiry when the rules refuse it, ValueError on a time without a zone, and DatabaseError.
    """
    inquiry = uuid4()
    documented: gate.ActorDocumentation = {**door.documentation(**why), "inquiry_id": inquiry}
    return _result(inquiry, request, _rows(door, request, documented))


def search_again(door: Door, inquiry: UUID, request: SearchRequest) -> Result:
    """Return the result of a search of the last ten minutes again: another page of it is no new inquiry.

    Raises RefusedInquiry where the inquiry is older, and DatabaseError.
    """
    return _result(inquiry, request, gate.read_again(door.client(ANALYST), request.way, inquiry))


def read_page(door: Door, inquiry: UUID, way: SearchKind, skip: int, most: int) -> list[gate.Row]:
    """Return `most` rows of a search of the last ten minutes after the first `skip`, unfiltered. The others
    are not read. Raises as `search_again`.
    """
    return gate.read_again(door.client(ANALYST), way, inquiry, skip, most)


def _result(inquiry: UUID, request: SearchRequest, rows: list[gate.Row]) -> Result:
    fit, left_out = rows, 0
    if request.way not in MEETINGS:
        fit, left_out = filter_by_description(rows, request.wanted, untold=request.untold)
    return Result(inquiry, fit, left_out, is_cut(rows))


def _rows(door: Door, request: SearchRequest, told: gate.ActorDocumentation) -> list[gate.Row]:
    """Search by the function of `platestream.access.gate` that `request.way` names."""
    client = door.client(ANALYST)
    plate, cameras, since, until = request.plate, request.cameras, request.since, request.until
    match request.way:
        case "search":
            return gate.search(client, pattern=plate, cameras=cameras, since=since, until=until, **told)
        case "fuzzy":
            return gate.fuzzy(client, plate=plate, cameras=cameras, since=since, until=until, **told)
        case "sightings":
            return gate.sightings(client, pattern=plate, cameras=cameras, since=since, until=until, **told)
        case "companions":
            return gate.companions(
                client, plate=plate, within=request.within, cameras=cameras, since=since, until=until, **told
            )
        case "cotravel":
            return gate.cotravel(
                client,
                plate=plate,
                other_plate=request.other_plate,
                within=request.within,
                cameras=cameras,
                since=since,
                until=until,
                **told,
            )
    assert_never(request.way)


def _fits(row: gate.Row, wanted: Description) -> bool | None:
    """Return whether a row fits; None where nothing contradicts but something is not known."""
    pairs = [
        (wanted.colour, row["vehicle_colour"]),
        (wanted.make, row["vehicle_make"]),
        (wanted.body, row["vehicle_body"]),
        (wanted.state, row["state"]),
        (wanted.direction, row["vehicle_other"].get("direction")),
    ]
    wants = [(want.casefold(), (have or "").casefold()) for want, have in pairs if want]
    wants = [(want, "" if want in COARSE_TYPES.get(have, ()) else have) for want, have in wants]
    if any(have and want not in have for want, have in wants):
        return False
    return None if any(not have for _want, have in wants) else True


def _common(plates: Sequence[str]) -> str:
    """Return the most specific pattern that matches all plates.

    >>> _common(["AST3087", "A5T3087"]), _common(["AST3087", "AST308"]), _common(["AST3087"])
    ('A?T3087', 'AST308*', 'AST3087')
    """
    if len({len(one) for one in plates}) == 1:
        return "".join(chars[0] if len(set(chars)) == 1 else "?" for chars in zip(*plates, strict=True))
    begin = _beginning(plates)
    end = _beginning([one[len(begin) :][::-1] for one in plates])[::-1]
    return f"{begin}*{end}"


def _beginning(texts: Sequence[str]) -> str:
    """Return the common prefix."""
    alike = takewhile(lambda chars: len(set(chars)) == 1, zip(*texts, strict=False))
    return "".join(chars[0] for chars in alike)
