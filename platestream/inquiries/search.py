"""Searches for plates through the door, by one of the gate's kinds of search."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal, NamedTuple, Unpack
from uuid import UUID, uuid4

from platestream.access import gate
from platestream.access.door import Documentation, Door
from platestream.edges.clickhouse_client import ANALYST

SearchKind = Literal["search", "fuzzy", "sightings", "companions", "cotravel"]
MEETINGS: tuple[SearchKind, ...] = ("companions", "cotravel")
"""Kinds that find meetings of vehicles, not passes."""
_WORDS = re.compile(r"[\w .-]*")


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
    and `companions`. The other kinds find vehicles of the description `wanted`; with `untold` also those of
    which a described feature is unknown.
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

    @property
    def described(self) -> str:
        """The description as the inquiry has it; empty without one, and for meetings. Raises ValueError for a
        word with other characters than letters, digits, spaces, hyphens and periods, or a description that is
        too long.
        """
        if self.way in MEETINGS:
            return ""
        words = {name: text.strip() for name, text in asdict(self.wanted).items()}
        for name, text in words.items():
            if not _WORDS.fullmatch(text):
                raise ValueError(f"description, {name}: letters, digits, spaces, hyphens and periods only")
        parts = [f"{name}={text}" for name, text in words.items() if text]
        made = ";".join([*parts, "unknown=yes"] if parts and self.untold else parts)
        if len(made.encode()) > gate.MOST_DESCRIBED:
            raise ValueError(f"the description is longer than {gate.MOST_DESCRIBED} characters")
        return made


@dataclass(frozen=True)
class Result:
    """Rows of an inquiry, and the number of passes `left_out` because a described feature is unknown. `cut`:
    more different vehicles were found than the inquiry shows.
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
    filters = door.documentation(**why)
    return gate.picture(
        door.client(ANALYST), detection_id=detection_id, captured_at=captured_at, keys=door.keys, **filters
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


def search(
    door: Door, request: SearchRequest, *, brief: bool = False, **why: Unpack[Documentation]
) -> Result:
    """Search: the one function of page, command and API. `brief` as in `gate.search`.

    Raises RefusedInquiry when the rules refuse it, ValueError on a time without a zone or a description that
    cannot be asked for, and DatabaseError.
    """
    inquiry = uuid4()
    asked: gate.Query = {
        **door.documentation(**why),
        "inquiry_id": inquiry,
        "pattern": request.plate,
        "other": request.other_plate if request.way == "cotravel" else request.described,
        "within": request.within,
        "cameras": request.cameras,
        "since": request.since,
        "until": request.until,
    }
    rows = gate.search(door.client(ANALYST), request.way, brief=brief, **asked)
    return _result(door, inquiry, request, rows)


def search_again(door: Door, inquiry: UUID, request: SearchRequest, *, brief: bool = False) -> Result:
    """Return the result of a search of the last ten minutes again: another page of it is no new inquiry.

    Raises RefusedInquiry where the inquiry is older, and DatabaseError.
    """
    return _result(
        door, inquiry, request, gate.read_again(door.client(ANALYST), request.way, inquiry, brief=brief)
    )


def read_page(door: Door, inquiry: UUID, way: SearchKind, skip: int, most: int) -> list[gate.Row]:
    """Return `most` brief rows of a search of the last ten minutes after the first `skip`; the others are not
    read. Raises as `search_again`.
    """
    return gate.read_again(door.client(ANALYST), way, inquiry, skip, most, brief=True)


def _result(door: Door, inquiry: UUID, request: SearchRequest, rows: list[gate.Row]) -> Result:
    left_out = 0
    if request.described and not request.untold:
        left_out = gate.left_out(door.client(ANALYST), request.way, inquiry)
    return Result(inquiry, rows, left_out, is_cut(rows))


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
